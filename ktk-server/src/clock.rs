//! Time: the only place that reads a clock. Everything else is given `now`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

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

    /// Waits until a time; for ever where there is none.
    pub async fn until(&self, time: Option<Timestamp>) {
        let Some(time) = time else { return std::future::pending().await };
        let wait = time.duration_since(self.now());
        tokio::time::sleep(Duration::try_from(wait).unwrap_or(Duration::ZERO)).await;
    }

    /// Moves a manual clock; the system's clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(now) = self {
            let mut now = now.lock().expect("nobody panics while holding it");
            *now += by;
        }
    }
}
