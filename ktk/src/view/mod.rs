//! What objects look like: columns, cells and describe blocks. Pure: an object and a moment go
//! in, text comes out. No client, no terminal, no clock.

pub(crate) mod age;
pub(crate) mod collected;
pub(crate) mod dag;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod listing;
pub(crate) mod node;
pub(crate) mod object;
pub(crate) mod pipeline;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod schema;
pub(crate) mod semaphore;
pub(crate) mod status;
pub(crate) mod task;
pub(crate) mod task_type;
pub(crate) mod token;
pub(crate) mod tree;
pub(crate) mod usage;
pub(crate) mod why;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ktk_client::api::Duration;

/// When and where something is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// What ages are counted to.
    pub(crate) now: Timestamp,
    /// What times of day are shown in.
    pub(crate) zone: TimeZone,
}

impl Moment {
    /// A moment for ages only: the time zone does not matter.
    pub(crate) fn for_ages(now: Timestamp) -> Self {
        Self { now, zone: TimeZone::UTC }
    }

    /// A time with its age: `Sat, 21 Nov 2026 21:02:42 +0000 (3m10s ago)`.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        let shown = time.to_zoned(self.zone.clone()).strftime("%a, %d %b %Y %H:%M:%S %z");
        match age::human(self.now.duration_since(time)) {
            age if age == "<invalid>" => shown.to_string(),
            age => format!("{shown} ({age} ago)"),
        }
    }
}

impl Moment {
    /// How long something is kept after its end, and when it goes: `24h: Sat, 21 Nov 2026 21:02:42 +0000`.
    pub(crate) fn ttl(&self, ttl: Option<Duration>, finished: Option<Timestamp>) -> Option<String> {
        let ttl = ttl?;
        let goes = finished.and_then(|at| at.checked_add(SignedDuration::try_from(ttl.get()).ok()?).ok());
        Some(goes.map_or_else(|| ttl.to_string(), |goes| format!("{ttl}: {}", self.time(goes))))
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Upper case.
    pub(crate) title: &'static str,
    /// Shown by `-o wide` only.
    pub(crate) is_wide: bool,
}

const fn column(title: &'static str) -> Column {
    Column { title, is_wide: false }
}

const fn wide(title: &'static str) -> Column {
    Column { title, is_wide: true }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A fixed moment, in UTC.
    pub(crate) fn moment() -> Moment {
        Moment { now: "2026-11-22T12:00:00Z".parse().expect("a time"), zone: TimeZone::UTC }
    }

    #[test]
    fn times_are_rfc_1123_with_their_age() {
        let time = "2026-11-22T11:56:50Z".parse().expect("a time");
        assert_eq!(moment().time(time), "Sun, 22 Nov 2026 11:56:50 +0000 (3m10s ago)");
        let later = "2026-11-22T12:56:50Z".parse().expect("a time");
        assert_eq!(moment().time(later), "Sun, 22 Nov 2026 12:56:50 +0000");
    }
}
