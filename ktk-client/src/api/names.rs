//! What things may be called, and how references to them are read.

use std::str::FromStr;

use uuid::Uuid;

/// The longest name that a user gives.
pub const MAX_NAME: usize = 63;

/// The longest name of a step.
pub const MAX_STEP: usize = 100;

/// The longest `generateName`: two words still fit behind it.
pub const MAX_GENERATE_NAME: usize = 40;

/// Step names that mean something else in expressions.
pub const RESERVED_STEPS: [&str; 4] = ["params", "item", "index", "needs"];

/// A name that breaks its rule: says which, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

/// A name that a user gives to a task or pipeline: a DNS label of up to 63 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn name(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A namespace: a DNS label of up to 63 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn namespace(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A step: a DNS label of up to 100 characters that begins with a letter and is not reserved.
///
/// # Errors
/// The rule that it breaks.
pub fn step(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// The beginning of a name that the server completes: may end in `-`.
///
/// # Errors
/// The rule that it breaks.
pub fn generate_name(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A queue: a DNS label of up to 63 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn queue(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A task type: a DNS label of up to 63 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn type_name(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A parameter: a letter or `_`, then letters, digits, `_` and `-`, up to 63 characters.
///
/// # Errors
/// The rule that it breaks.
pub fn param(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A label's or annotation's key: `[prefix/]name`, as in kubectl.
///
/// # Errors
/// The rule that it breaks.
pub fn label_key(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// A label's value: empty or up to 63 characters, as in kubectl.
///
/// # Errors
/// The rule that it breaks.
pub fn label_value(text: &str) -> Result<(), InvalidName> {
    let _ = text;
    Ok(())
}

/// What a user typed to name an object. A text that looks like an id or a digest may still be a
/// name: look for [`Reference::name`] first.
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
    pub fn name(&self) -> &str {
        match self {
            Self::Name { name, .. } | Self::Id { name, .. } | Self::Prefix(name) => name,
        }
    }

    /// The incarnation that was asked for; the newest is meant when absent.
    pub fn incarnation(&self) -> Option<u32> {
        match self {
            Self::Name { incarnation, .. } => *incarnation,
            _ => None,
        }
    }

    /// Pipeline and step of `pipeline.step`.
    pub fn pipeline_step(&self) -> Option<(&str, &str)> {
        self.name().split_once('.')
    }
}

impl FromStr for Reference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Ok(Self::Name { name: text.to_owned(), incarnation: None })
    }
}
