//! References: what users type to name an object.

use std::str::FromStr;

use uuid::Uuid;

use super::{InvalidName, is_dns_text, quoted, rules_of_all};
use crate::api::id::MIN_PREFIX_DIGITS;

/// The longest reference that is read.
const MAX_REFERENCE: usize = 300;

/// What a user typed to name an object. A text that looks like an id or a digest may still be a
/// name: look for [`Reference::name`] first.
///
/// ```
/// use ktk_client::api::names::Reference;
/// let reference: Reference = "thumbnails@2".parse().unwrap();
/// assert_eq!((reference.name(), reference.incarnation()), ("thumbnails", Some(2)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A name (`build`, `nightly.resize`) or one incarnation of it (`build@2`).
    Name {
        /// The name without `@N`.
        name: String,
        /// The `N` of `@N`.
        incarnation: Option<u32>,
    },
    /// A full id.
    Id {
        /// The text as typed: a name may look the same.
        name: String,
        /// The id.
        id: Uuid,
    },
    /// 4 to 32 hexadecimal digits, in lower case: the beginning of a digest, or a name.
    Prefix(String),
}

impl Reference {
    /// The text that is looked for as a name first.
    ///
    /// ```
    /// # use ktk_client::api::names::Reference;
    /// assert_eq!("nightly.resize.3".parse::<Reference>().unwrap().name(), "nightly.resize.3");
    /// ```
    pub fn name(&self) -> &str {
        match self {
            Self::Name { name, .. } | Self::Id { name, .. } | Self::Prefix(name) => name,
        }
    }

    /// The incarnation that was asked for; the newest is meant when absent.
    ///
    /// ```
    /// # use ktk_client::api::names::Reference;
    /// assert_eq!("thumbnails".parse::<Reference>().unwrap().incarnation(), None);
    /// ```
    pub fn incarnation(&self) -> Option<u32> {
        match self {
            Self::Name { incarnation, .. } => *incarnation,
            _ => None,
        }
    }

    /// Pipeline and step of `pipeline.step`.
    ///
    /// ```
    /// # use ktk_client::api::names::Reference;
    /// let step: Reference = "nightly.resize".parse().unwrap();
    /// assert_eq!(step.pipeline_step(), Some(("nightly", "resize")));
    /// ```
    pub fn pipeline_step(&self) -> Option<(&str, &str)> {
        self.name().split_once('.')
    }
}

impl FromStr for Reference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        rules_of_all("reference", text, MAX_REFERENCE)?;
        if text.len() == 36
            && let Ok(id) = Uuid::try_parse(text)
        {
            return Ok(Self::Id { name: text.to_ascii_lowercase(), id });
        }
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && (MIN_PREFIX_DIGITS..=32).contains(&text.len()) {
            return Ok(Self::Prefix(text.to_ascii_lowercase()));
        }
        let invalid = |why: &str| InvalidName(format!("{} names no object: {why}", quoted(text)));
        let (name, incarnation) = match text.split_once('@') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        if !name.split('.').all(is_dns_text) {
            return Err(invalid(
                "write a name (lower-case letters, digits, `-`), NAME@N, PIPELINE.STEP, an id or 4 digits of it",
            ));
        }
        let incarnation = incarnation
            .map(|number| {
                let is_plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
                number
                    .parse::<u32>()
                    .ok()
                    .filter(|_| is_plain)
                    .ok_or_else(|| invalid("after `@` comes the number of an incarnation, 1 or higher"))
            })
            .transpose()?;
        Ok(Self::Name { name: name.to_owned(), incarnation })
    }
}
