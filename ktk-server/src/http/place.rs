//! A reader's place over all attempts of a task, as the id of an event.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::logs::{Cursor, LogKey};

/// Where a log goes on. It names the task too: a name may mean another one by the time a reader comes back.
///
/// `TASK:ATTEMPT:CURSOR`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) task: Uuid,
    pub(super) attempt: u32,
    pub(super) cursor: Cursor,
}

impl Place {
    /// The beginning of an attempt.
    pub(super) fn start_of(task: Uuid, attempt: u32) -> Self {
        Self { task, attempt, cursor: Cursor::START }
    }

    pub(super) fn key(&self) -> LogKey {
        LogKey { task: self.task, attempt: self.attempt }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.task, self.attempt, self.cursor)
    }
}

/// The text is no place.
#[derive(Debug)]
pub(super) struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.split(':');
        let (Some(task), Some(attempt), Some(cursor), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoPlace);
        };
        Ok(Self {
            task: task.parse().map_err(|_| NoPlace)?,
            attempt: attempt.parse().ok().filter(|attempt| *attempt > 0).ok_or(NoPlace)?,
            cursor: cursor.parse().map_err(|_| NoPlace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place { attempt: 3, cursor: Cursor::at(77), ..Place::start_of(Uuid::from_u128(5), 1) };
        assert_eq!(place.to_string().parse::<Place>().expect("it was written so"), place);
        for text in ["", "7", "1:2", "x:1:2", "1:2:3:4", &format!("{}:0:5", Uuid::from_u128(5))] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
