//! jq: pure functions from what a task took to its inputs, evaluated where they can hurt nobody.
//!
//! jq has no limits of its own, so its filters run in two worker processes of this same binary ([`run`]), without an
//! environment, with little memory, and killed where they take too long. They are started for the first filter and
//! end when none has come for a while. Whoever asks waits asynchronously: nothing here runs on a store's thread.
//!
//! Nothing here knows tasks, stores or manifests.

mod budget;
mod child;
mod compile;
mod filters;
mod own;
mod pool;
mod protocol;
mod session;
#[cfg(test)]
mod tests;
mod value;
mod worker;

pub use own::Filter;
pub use pool::{JqConfig, Pool};
pub use session::{Jq, Session};
pub use worker::run;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What filters see: `{params, needs}` and each need by its own name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Parameters of the pipeline, as a JSON object; absent outside of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
    /// The outputs of each need.
    pub needs: BTreeMap<String, Box<RawValue>>,
    /// Whether needs stand under their own names too, one with a `-` also with `_` in its place.
    pub by_name: bool,
}

/// The item that filters see beside their scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its value.
    pub item: Box<RawValue>,
    /// Its place, from 0.
    pub index: u32,
}

/// What is wrong with a filter's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, and where in the text.
    pub message: String,
}

/// Why a filter yielded nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// Its text is no filter.
    #[error("does not compile: {0}")]
    Text(String),
    /// It ended with an error.
    #[error("{0}")]
    Error(String),
    /// It yielded more values than were asked for.
    #[error("yields more than {0} values")]
    TooMany(usize),
    /// What it yielded is longer than is allowed.
    #[error("yields more than {0} bytes")]
    TooLong(usize),
    /// It took too long.
    #[error("took longer than one second")]
    TooSlow,
    /// It called itself too deeply.
    #[error("goes too deep: it calls itself without an end, or builds a value that nests without one")]
    TooDeep,
    /// Its process did not survive it.
    #[error("needs more than 64 MB, or goes too deep")]
    TooLarge,
    /// No worker can be started; it is no fault of the filter.
    #[error("cannot be evaluated: {0}")]
    Unavailable(String),
}

impl Fault {
    /// Whether another try may go otherwise.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
