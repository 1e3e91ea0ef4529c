//! Field selectors: `status.phase=Failed,metadata.name!=x,status.finishedAt>2026-11-21T00:00:00Z`.

use std::{borrow::Cow, cmp::Ordering, fmt};

use jiff::Timestamp;

use super::InvalidSelector;

/// How a field is compared.
///
/// ```
/// use ktk_client::api::selector::{FieldOperator, FieldSelector};
/// let selector = FieldSelector::parse("status.exitCode>1", &["status.exitCode"]).unwrap();
/// assert_eq!(selector.terms()[0].operator, FieldOperator::Greater);
/// assert!(selector.matches(|_| "2".into()));
/// assert!(!selector.matches(|_| "".into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldOperator {
    /// `=`, `==`.
    Equal,
    /// `!=`: also of a field that is absent.
    NotEqual,
    /// `<`: of numbers and times.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl FieldOperator {
    /// Each with its sign, those first that begin with another.
    const SIGNS: [(&'static str, Self); 7] = [
        ("!=", Self::NotEqual),
        ("==", Self::Equal),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it asks for an order, and not only whether two are the same.
    fn is_ordering(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// One comparison of a field.
///
/// ```
/// use ktk_client::api::selector::{FieldOperator, FieldSelector};
/// let selector = FieldSelector::parse("status.phase!=Failed", &["status.phase"]).unwrap();
/// let term = &selector.terms()[0];
/// assert_eq!(term.operator, FieldOperator::NotEqual);
/// assert_eq!((term.field.as_str(), term.value.as_str()), ("status.phase", "Failed"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldTerm {
    /// The field, as `status.phase`.
    pub field: String,
    /// How it is compared.
    pub operator: FieldOperator,
    /// With what, escapes resolved.
    pub value: String,
}

impl FieldTerm {
    /// Whether a field's text fits. What is absent is neither before nor after anything.
    fn matches(&self, text: &str) -> bool {
        let ordering = match self.operator {
            FieldOperator::Equal => return text == self.value,
            FieldOperator::NotEqual => return text != self.value,
            _ => order(text, &self.value),
        };
        ordering.is_some_and(|ordering| match self.operator {
            FieldOperator::Less => ordering.is_lt(),
            FieldOperator::LessOrEqual => ordering.is_le(),
            FieldOperator::Greater => ordering.is_gt(),
            FieldOperator::GreaterOrEqual => ordering.is_ge(),
            FieldOperator::Equal | FieldOperator::NotEqual => false,
        })
    }
}

/// The order of two whole numbers, or of two times.
fn order(one: &str, other: &str) -> Option<Ordering> {
    let numbers = one.parse::<i64>().ok().zip(other.parse::<i64>().ok());
    let times = || one.parse::<Timestamp>().ok().zip(other.parse::<Timestamp>().ok());
    match numbers {
        Some((one, other)) => Some(one.cmp(&other)),
        None => times().map(|(one, other)| one.cmp(&other)),
    }
}

impl fmt::Display for FieldTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, self.operator.sign())?;
        for c in self.value.chars() {
            if matches!(c, '\\' | ',' | '=') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

/// Fields that must all fit. The empty selector fits everything.
///
/// ```
/// use ktk_client::api::selector::FieldSelector;
/// let selector = FieldSelector::parse("status.phase!=Failed", &["status.phase"]).unwrap();
/// assert!(selector.matches(|_| "Running".into()));
/// assert!(FieldSelector::parse("spec.nosuch=1", &["status.phase"]).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

impl FieldSelector {
    /// Reads `k=v,k==v,k!=v`, and of numbers and times `k<v,k<=v,k>v,k>=v`; in a value `\,`, `\=` and `\\` stand for the character itself.
    ///
    /// ```
    /// # use ktk_client::api::selector::FieldSelector;
    /// assert!(FieldSelector::parse("spec.color=red", &["status.phase"]).is_err());
    /// ```
    ///
    /// # Errors
    /// What cannot be read, or a field that is not among those supported.
    pub fn parse(text: &str, supported: &[&str]) -> Result<Self, InvalidSelector> {
        let mut terms = Vec::new();
        for part in split_unescaped(text) {
            if part.is_empty() {
                continue;
            }
            let term = term(part).ok_or_else(|| {
                InvalidSelector(format!(
                    "invalid selector {text:?}: cannot read {part:?}: write FIELD=VALUE, FIELD!=VALUE, FIELD>VALUE or FIELD<VALUE"
                ))
            })??;
            if !supported.contains(&term.field.as_str()) {
                return Err(InvalidSelector(format!(
                    "field label not supported: {} (supported: {})",
                    term.field.escape_debug(),
                    supported.join(", ")
                )));
            }
            if term.operator.is_ordering() && order(&term.value, &term.value).is_none() {
                return Err(InvalidSelector(format!(
                    "after {:?} comes a whole number or a time as 2026-11-21T00:00:00Z, not {:?}",
                    term.operator.sign(),
                    term.value
                )));
            }
            terms.push(term);
        }
        terms.sort();
        Ok(Self { terms })
    }

    /// Whether an object fits; `value_of` gives a field's text, empty where it is absent.
    ///
    /// ```
    /// # use ktk_client::api::selector::FieldSelector;
    /// let selector = FieldSelector::parse("status.phase=Failed", &["status.phase"]).unwrap();
    /// assert!(selector.matches(|_| "Failed".into()));
    /// ```
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Cow<'a, str>) -> bool {
        self.terms.iter().all(|term| term.matches(&value_of(&term.field)))
    }

    /// The comparisons, sorted.
    ///
    /// ```
    /// # use ktk_client::api::selector::FieldSelector;
    /// assert_eq!(FieldSelector::parse("a=1,b=2", &["a", "b"]).unwrap().terms().len(), 2);
    /// ```
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Whether it fits everything.
    ///
    /// ```
    /// # use ktk_client::api::selector::FieldSelector;
    /// assert!(FieldSelector::parse("", &[]).unwrap().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What fits both.
    ///
    /// ```
    /// # use ktk_client::api::selector::FieldSelector;
    /// let of = |text| FieldSelector::parse(text, &["a", "b"]).unwrap();
    /// assert_eq!(of("a=1").and(of("b=2")).terms().len(), 2);
    /// ```
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self.terms.sort();
        self
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{term}")?;
        }
        Ok(())
    }
}

fn split_unescaped(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (index, c) in text.char_indices() {
        if c == ',' && !is_escaped {
            parts.push(&text[start..index]);
            start = index + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.push(&text[start..]);
    parts
}

/// The comparison in one part; `None` where there is no operator.
fn term(part: &str) -> Option<Result<FieldTerm, InvalidSelector>> {
    let mut is_escaped = false;
    for (index, c) in part.char_indices() {
        if !is_escaped {
            let rest = &part[index..];
            let operator = FieldOperator::SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign));
            if let Some((sign, operator)) = operator {
                let field = part[..index].to_owned();
                let value = unescaped(&rest[sign.len()..]);
                return Some(value.map(|value| FieldTerm { field, operator, value }));
            }
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

fn unescaped(text: &str) -> Result<String, InvalidSelector> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => value.push(escaped),
                _ => {
                    let why = "after `\\` comes `\\`, `,` or `=`";
                    return Err(InvalidSelector(format!("invalid field selector: value {text:?}: {why}")));
                }
            },
            ',' | '=' => {
                let why = format!("unescaped `{c}` in value {text:?}: write `\\{c}`");
                return Err(InvalidSelector(format!("invalid field selector: {why}")));
            }
            _ => value.push(c),
        }
    }
    Ok(value)
}
