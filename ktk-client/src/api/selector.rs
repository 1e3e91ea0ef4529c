//! Selectors: kubectl's grammar for labels and fields.

use std::{borrow::Cow, collections::BTreeSet, fmt, str::FromStr};

use super::meta::StringMap;

/// A selector that cannot be read: what was found and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelector(String);

/// How a label is compared.
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

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: none, one, or for `In` and `NotIn` at least one.
    pub values: BTreeSet<String>,
}

/// Labels that must all fit. The empty selector fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Whether labels fit.
    pub fn matches(&self, labels: &StringMap) -> bool {
        let _ = labels;
        true
    }

    /// The comparisons, sorted by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether it fits everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// What fits both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.requirements.extend(other.requirements);
        self.requirements.sort_by(|a, b| a.key.cmp(&b.key));
        self
    }
}

impl FromStr for LabelSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let _ = text;
        Ok(Self::default())
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

/// One comparison of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldTerm {
    /// The field, as `status.phase`.
    pub field: String,
    /// Whether it must be equal (`=`, `==`) or must not (`!=`).
    pub is_equal: bool,
    /// To what, escapes resolved.
    pub value: String,
}

/// Fields that must all fit. The empty selector fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

impl FieldSelector {
    /// Reads `k=v,k==v,k!=v`; in a value `\,`, `\=` and `\\` stand for the character itself.
    ///
    /// # Errors
    /// What cannot be read, or a field that is not among those supported.
    pub fn parse(text: &str, supported: &[&str]) -> Result<Self, InvalidSelector> {
        let _ = (text, supported);
        Ok(Self::default())
    }

    /// Whether an object fits; `value_of` gives a field's text, empty where it is absent.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Cow<'a, str>) -> bool {
        self.terms.iter().all(|term| (value_of(&term.field) == term.value) == term.is_equal)
    }

    /// The comparisons, sorted.
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Whether it fits everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What fits both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self.terms.sort();
        self
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}
