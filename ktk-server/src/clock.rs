//! Time: the only place that reads a clock. Everything else is given `now`.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's wall clock.
    #[default]
    System,
    /// A clock that tests move.
    Manual(Arc<Hands>),
}

/// What tests move, and those who wait for it.
#[derive(Debug)]
pub struct Hands {
    manual: Mutex<Manual>,
    moved: watch::Sender<()>,
}

/// Where a clock that tests move stands.
#[derive(Clone, Copy, Debug)]
struct Manual {
    now: Timestamp,
    /// What of it was a jump, and no time that passed.
    jumped: SignedDuration,
}

/// How long a machine has been up: time that nobody can put forward or back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    /// Which start of the machine.
    boot: String,
    up: SignedDuration,
}

impl Uptime {
    /// What has passed since then; `None` where the machine has been started anew.
    pub fn since(&self, earlier: &Self) -> Option<SignedDuration> {
        let is_same = self.boot == earlier.boot && self.up >= earlier.up;
        is_same.then(|| self.up - earlier.up)
    }
}

impl Clock {
    /// A clock that stands at a time until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        let manual = Mutex::new(Manual { now: start, jumped: SignedDuration::ZERO });
        Self::Manual(Arc::new(Hands { manual, moved: watch::Sender::new(()) }))
    }

    /// The time, to the microsecond (what stores keep).
    #[expect(clippy::disallowed_methods, reason = "the home of time")]
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Self::System => Timestamp::now(),
            Self::Manual(hands) => hands.read().now,
        };
        Timestamp::from_microsecond(now.as_microsecond()).expect("a time that was valid before")
    }

    /// How long the machine has been up, sleep included, where it says so.
    pub fn uptime(&self) -> Option<Uptime> {
        match self {
            Self::System => {
                let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
                let text = fs::read_to_string("/proc/uptime").ok()?;
                let up = text.split_whitespace().next()?.parse().ok()?;
                Some(Uptime { boot, up: SignedDuration::try_from_secs_f64(up).ok()? })
            }
            Self::Manual(hands) => {
                let manual = hands.read();
                let up = manual.now.duration_since(Timestamp::UNIX_EPOCH) - manual.jumped;
                Some(Uptime { boot: "manual".into(), up })
            }
        }
    }

    /// Waits until a time; for ever where there is none. A clock that is moved past it ends the wait.
    pub async fn until(&self, time: Option<Timestamp>) {
        let Some(time) = time else { return std::future::pending().await };
        let moved = async {
            let Self::Manual(hands) = self else { return std::future::pending().await };
            let mut moved = hands.moved.subscribe();
            while self.now() < time {
                // The clock holds the sender itself.
                let _ = moved.changed().await;
            }
        };
        let wait = time.duration_since(self.now());
        tokio::select! {
            () = tokio::time::sleep(Duration::try_from(wait).unwrap_or(Duration::ZERO)) => {}
            () = moved => {}
        }
    }

    /// Time passes on a manual clock; the system's clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Self::Manual(hands) = self {
            hands.change(|manual| manual.now += by);
        }
    }

    /// A manual clock is put forward or back, and no time passes.
    pub fn jump(&self, by: SignedDuration) {
        if let Self::Manual(hands) = self {
            hands.change(|manual| {
                manual.now += by;
                manual.jumped += by;
            });
        }
    }
}

impl Hands {
    fn read(&self) -> Manual {
        *self.manual.lock().expect("nobody panics while holding it")
    }

    fn change(&self, change: impl FnOnce(&mut Manual)) {
        change(&mut self.manual.lock().expect("nobody panics while holding it"));
        self.moved.send_replace(());
    }
}
