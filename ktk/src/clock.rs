//! The one place of this crate where the time is read; everything else is given it as `now`.

use jiff::{Timestamp, tz::TimeZone};

/// What time it is.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the home of time")]
    Timestamp::now()
}

/// Where the user is.
pub(crate) fn zone() -> TimeZone {
    TimeZone::system()
}
