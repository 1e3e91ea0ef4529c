//! Selectors: kubectl's grammar for labels and fields.

mod field;
mod known;
mod label;

use std::{collections::BTreeSet, fmt};

pub use field::{FieldOperator, FieldSelector, FieldTerm};
pub use known::{ENTITY_FIELDS, PIPELINE_FIELDS, TASK_FIELDS};

use super::meta::StringMap;

/// A selector that cannot be read: what was found and what was expected.
///
/// ```
/// use ktk_client::api::selector::LabelSelector;
/// let error = "team in (".parse::<LabelSelector>().unwrap_err();
/// println!("{error}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelector(String);

/// How a label is compared.
///
/// ```
/// use ktk_client::api::selector::{LabelSelector, Operator};
/// let selector: LabelSelector = "team=media,!old".parse().unwrap();
/// assert!(selector.requirements().iter().any(|one| one.operator == Operator::DoesNotExist));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `key`.
    Exists,
    /// `!key`.
    DoesNotExist,
    /// `key=v`.
    Equals,
    /// `key==v`: as `=`, and printed as it was written.
    DoubleEquals,
    /// `key!=v`: also without the key.
    NotEquals,
    /// `key in (a,b)`.
    In,
    /// `key notin (a,b)`: also without the key.
    NotIn,
    /// `key>N`.
    GreaterThan,
    /// `key<N`.
    LessThan,
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Self::Exists | Self::DoesNotExist => "",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::In => " in ",
            Self::NotIn => " notin ",
            Self::GreaterThan => ">",
            Self::LessThan => "<",
        }
    }
}

/// One comparison.
///
/// ```
/// use ktk_client::api::selector::LabelSelector;
/// let selector: LabelSelector = "team in (media, web)".parse().unwrap();
/// assert_eq!(selector.requirements()[0].values.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: none, one, or for `In` and `NotIn` at least one.
    pub values: BTreeSet<String>,
}

impl Requirement {
    /// Whether labels fit.
    ///
    /// ```
    /// # use ktk_client::api::selector::LabelSelector;
    /// let selector: LabelSelector = "team".parse().unwrap();
    /// assert!(selector.requirements()[0].matches(&[("team".to_owned(), "media".to_owned())].into()));
    /// ```
    pub fn matches(&self, labels: &StringMap) -> bool {
        let value = labels.get(&self.key);
        let is_among = || value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Equals | Operator::DoubleEquals | Operator::In => is_among(),
            Operator::NotEquals | Operator::NotIn => !is_among(),
            Operator::GreaterThan | Operator::LessThan => {
                let number = |text: &String| text.parse::<i64>().ok();
                let bound = self.values.first().and_then(number);
                let (Some(value), Some(bound)) = (value.and_then(number), bound) else { return false };
                if self.operator == Operator::GreaterThan { value > bound } else { value < bound }
            }
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.operator == Operator::DoesNotExist {
            f.write_str("!")?;
        }
        write!(f, "{}{}", self.key, self.operator.symbol())?;
        let is_set = matches!(self.operator, Operator::In | Operator::NotIn);
        if is_set {
            f.write_str("(")?;
        }
        for (index, value) in self.values.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{value}")?;
        }
        if is_set {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// Labels that must all fit. The empty selector fits everything.
///
/// ```
/// use ktk_client::api::{meta::StringMap, selector::LabelSelector};
/// let selector: LabelSelector = "tier in (web, db), !canary".parse().unwrap();
/// assert_eq!(selector.to_string(), "!canary,tier in (db,web)");
/// let labels = StringMap::from([("tier".into(), "web".into())]);
/// assert!(selector.matches(&labels));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Whether labels fit.
    ///
    /// ```
    /// # use ktk_client::api::selector::LabelSelector;
    /// let selector: LabelSelector = "team!=web".parse().unwrap();
    /// assert!(selector.matches(&[("team".to_owned(), "media".to_owned())].into()));
    /// ```
    pub fn matches(&self, labels: &StringMap) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// The comparisons, sorted by key.
    ///
    /// ```
    /// # use ktk_client::api::selector::LabelSelector;
    /// assert_eq!("team=media,zone".parse::<LabelSelector>().unwrap().requirements().len(), 2);
    /// ```
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether it fits everything.
    ///
    /// ```
    /// # use ktk_client::api::selector::LabelSelector;
    /// assert!("".parse::<LabelSelector>().unwrap().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// What fits both.
    ///
    /// ```
    /// # use ktk_client::api::selector::LabelSelector;
    /// let (team, zone): (LabelSelector, LabelSelector) = ("team=media".parse().unwrap(), "zone".parse().unwrap());
    /// assert_eq!(team.and(zone).requirements().len(), 2);
    /// ```
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::sorted(self.requirements.into_iter().chain(other.requirements).collect())
    }

    fn sorted(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements }
    }
}

/// The canonical form: sorted by key, values sorted, no blanks after commas.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
