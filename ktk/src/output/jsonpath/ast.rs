//! What a template is made of once it has been read.

use regex::Regex;
use serde_json::Value;

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// Text outside of braces.
    Text(Value),
    /// `{…}`.
    Expression(Vec<Step>),
    /// `{range …}` up to its `{end}`.
    Range {
        /// What is gone through.
        over: Vec<Step>,
        /// What is printed for each of them.
        body: Vec<Block>,
    },
}

/// From some values to others.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// `.name`.
    Field(String),
    /// `.*`: of what has no members, nothing.
    Members,
    /// `[*]`: what has no items is an error.
    Items,
    /// `..`: the values themselves and all that is in them.
    Recursive,
    /// `[3]`, `[-1]`.
    Index(i64),
    /// `[1:3:2]`.
    Slice(Slice),
    /// `[a,b]`: each of them, one after the other.
    Union(Vec<Vec<Step>>),
    /// `[?(…)]`.
    Filter(Condition),
    /// A text, a number or a word that stands for itself.
    Literal(Value),
}

/// A part of an array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) from: i64,
    /// To the end where it is absent.
    pub(super) to: Option<i64>,
    pub(super) step: usize,
}

/// What a filter asks.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Exists(Vec<Step>),
    Compare(Vec<Step>, Comparison, Vec<Step>),
    Matches(Vec<Step>, Regex),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Its sign.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
