//! Time: the only place that reads a clock. Everything else is given `now`.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's wall clock.
    #[default]
    System,
    /// A clock that tests move.
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// A clock that stands at a time until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(Mutex::new(start)))
    }

    /// The time, to the microsecond (what stores keep).
    #[expect(clippy::disallowed_methods, reason = "the home of time")]
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Self::System => Timestamp::now(),
            Self::Manual(now) => *now.lock().expect("nobody panics while holding it"),
        };
        Timestamp::from_microsecond(now.as_microsecond()).expect("a time that was valid before")
    }

    /// Moves a manual clock; the system's clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(now) = self {
            let mut now = now.lock().expect("nobody panics while holding it");
            *now += by;
        }
    }
}
