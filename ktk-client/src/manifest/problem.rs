//! What is wrong with a manifest, and where.

use std::fmt;

use super::Document;
use crate::api::names::printable;

/// The most problems of one text that are told.
const MAX_PROBLEMS: usize = 50;

/// One thing that is wrong. Shown as `FILE:LINE:COL: field: message`.
///
/// ```
/// use ktk_client::manifest::Problem;
/// let problem =
///     Problem { source: "t.yaml".into(), line: 5, column: 9, field: "spec.queue".into(), message: "…".into() };
/// assert_eq!(problem.to_string(), "t.yaml:5:9: spec.queue: …");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name, or `STDIN`.
    pub source: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The field, as `spec.steps[3].needs[0]`; empty for the text as such.
    pub field: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.source, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a text.
///
/// ```
/// use ktk_client::manifest::{ReadError, Source, read};
/// let Err(ReadError::Problems(problems)) = read(&Source { name: "t.yaml", text: "kind: Tusk\n" }) else { panic!() };
/// assert!(problems.list.iter().all(|problem| problem.source == "t.yaml"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// The problems by line and column: up to 50.
    pub list: Vec<Problem>,
    /// How many more were found before reading ended.
    pub left_out: usize,
    /// The documents of the same text that are in order.
    pub documents: Vec<Document>,
    /// The others as far as they could be read: to look for more, never to be made.
    pub doubtful: Vec<Document>,
    /// Whether unknown fields are no problems, but noted apart.
    pub(super) passes_unknown: bool,
    /// Whether what only the server sets is left out, and no problem.
    pub(super) passes_servers_own: bool,
    /// Those that were.
    pub(super) unknown: Vec<Problem>,
}

impl Problems {
    pub(super) fn push(&mut self, mut problem: Problem) {
        problem.field = printable(problem.field);
        problem.message = printable(problem.message);
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.list.len() + self.left_out
    }
}

/// One problem a line.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}{problem}")?;
        }
        if self.left_out > 0 {
            write!(f, "\nand at least {} more problems", self.left_out)?;
        }
        Ok(())
    }
}

/// Why a text gave no objects to use.
///
/// ```
/// use ktk_client::manifest::{ReadError, Source, read};
/// let error = read(&Source { name: "empty.yaml", text: "# nothing\n" }).unwrap_err();
/// assert!(matches!(error, ReadError::NoObjects { .. }));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing but blanks and comments.
    #[error("{source_name}: no objects")]
    NoObjects {
        /// The file's name, or `STDIN`.
        source_name: String,
    },
    /// Something is wrong: everything that is.
    #[error("{0}")]
    Problems(Problems),
}
