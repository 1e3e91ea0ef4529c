//! What a clock does to a task: the start of its next attempt, its deadline, the end of an attempt's time. All but
//! the start are few tasks' and lie in [`Clocks`]; `due_at` of the row is the earliest of those that count now.

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Duration, Phase};
use serde::{Deserialize, Serialize};

use super::row::{PipelineRow, TaskRow};
use crate::limits;

/// The times of a task that has more than the start of its next attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Clocks {
    /// The start of the next attempt: kept here only where there are other times.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<Timestamp>,
    /// Past it the task fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<Timestamp>,
    /// Past it the running attempt has taken too long: only where no worker looks after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_at: Option<Timestamp>,
    /// How long the running attempt may be silent, and when it last was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    keepalive: Option<Alive>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Alive {
    every: Duration,
    at: Timestamp,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The next attempt may start.
    Start,
    /// The task's deadline has passed.
    Deadline,
    /// The running attempt has taken too long.
    Timeout,
    /// The running attempt has been silent for too long.
    Keepalive,
}

/// A time so much later; the end of time where there is none.
pub fn later(at: Timestamp, by: std::time::Duration) -> Timestamp {
    let sum = SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok());
    // As exact as stores keep times.
    sum.and_then(|sum| Timestamp::from_microsecond(sum.as_microsecond()).ok()).unwrap_or(Timestamp::MAX)
}

impl TaskRow {
    /// When its next attempt may start, where a clock has to say so.
    pub fn start_at(&self) -> Option<Timestamp> {
        if self.rare.clocks == Clocks::default() { self.due_at } else { self.rare.clocks.start_at }
    }

    /// Sets when its next attempt may start.
    pub fn set_start_at(&mut self, at: Option<Timestamp>) {
        self.with_clocks(|clocks| clocks.start_at = at);
    }

    /// Sets when it fails, whatever it does then.
    pub fn set_deadline_at(&mut self, at: Timestamp) {
        self.with_clocks(|clocks| clocks.deadline_at = Some(at));
    }

    /// An attempt begins: it may take so long, and be silent so long.
    pub fn begin_clocks(
        &mut self,
        now: Timestamp,
        timeout: Option<std::time::Duration>,
        keepalive: Option<Duration>,
    ) {
        if timeout.is_some() || keepalive.is_some() {
            self.with_clocks(|clocks| {
                clocks.timeout_at = timeout.map(|timeout| later(now, timeout));
                clocks.keepalive = keepalive.map(|every| Alive { every, at: now });
            });
        }
    }

    /// The attempt said that it is alive; answers whether anybody had asked it to.
    pub fn is_alive_at(&mut self, now: Timestamp) -> bool {
        let asked = self.rare.clocks.keepalive.is_some();
        if asked {
            self.with_clocks(|clocks| {
                clocks.keepalive = clocks.keepalive.map(|alive| Alive { at: alive.at.max(now), ..alive });
            });
        }
        asked
    }

    /// Keeps, after a change of phase, the times that count in it.
    pub fn keep_clocks(&mut self) {
        let (phase, is_stopping) = (self.phase, self.stop.is_some());
        self.with_clocks(|clocks| {
            if phase != Phase::Running || is_stopping {
                (clocks.timeout_at, clocks.keepalive) = (None, None);
            }
            if phase != Phase::Pending {
                clocks.start_at = None;
            }
            if phase.is_terminal() {
                clocks.deadline_at = None;
            }
        });
    }

    /// What is due now. A silence counts from `heard_since` on: before that nobody was there to hear.
    pub fn due(&self, now: Timestamp, heard_since: Timestamp) -> Option<Due> {
        let clocks = &self.rare.clocks;
        let has_come = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if has_come(clocks.deadline_at) && self.counts_deadline() {
            return Some(Due::Deadline);
        }
        if has_come(clocks.timeout_at) {
            return Some(Due::Timeout);
        }
        let silent = clocks.keepalive.map(|alive| later(alive.at.max(heard_since), alive.every.get()));
        if has_come(silent) {
            return Some(Due::Keepalive);
        }
        has_come(self.start_at()).then_some(Due::Start)
    }

    /// A stop is under way already: what it comes to is decided.
    fn counts_deadline(&self) -> bool {
        self.stop.is_none() && !self.phase.is_terminal()
    }

    /// Changes the clocks; the row is due when the first of them is.
    fn with_clocks(&mut self, change: impl FnOnce(&mut Clocks)) {
        let mut clocks = std::mem::take(&mut self.rare.clocks);
        if clocks == Clocks::default() {
            clocks.start_at = self.due_at;
        }
        change(&mut clocks);
        let deadline = clocks.deadline_at.filter(|_| self.counts_deadline());
        let silent = clocks.keepalive.map(|alive| later(alive.at, alive.every.get()));
        self.due_at = [clocks.start_at, deadline, clocks.timeout_at, silent].into_iter().flatten().min();
        let is_plain =
            clocks.deadline_at.is_none() && clocks.timeout_at.is_none() && clocks.keepalive.is_none();
        if !is_plain {
            self.rare.clocks = clocks;
        }
    }
}

/// When what has ended at this time goes by itself, as far as it is the newest.
fn expiry(ttl: Option<Duration>, is_newest: bool, ended: Option<Timestamp>) -> Option<Timestamp> {
    let ended = ended.filter(|_| is_newest)?;
    ttl.map(|ttl| own_time(ended, ttl))
}

/// When what has ended at this time goes by itself.
pub fn own_time(ended: Timestamp, ttl: Duration) -> Timestamp {
    later(ended, ttl.get().max(limits::FAREWELL))
}

impl TaskRow {
    /// Keeps, after any change, the time after which it goes by itself.
    pub fn keep_expiry(&mut self) {
        let ended = self.finished_at.filter(|_| self.phase.is_terminal());
        self.rare.expires_at = expiry(self.rare.ttl, self.newest, ended);
    }
}

impl PipelineRow {
    /// Keeps, after any change, the time after which it goes by itself.
    pub fn keep_expiry(&mut self) {
        let ended = self.finished_at.filter(|_| self.phase.is_terminal());
        self.rare.expires_at = expiry(self.rare.ttl, self.newest, ended);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::conformance::rows::task as task_row;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    #[derive(Clone, Debug)]
    enum Step {
        Start(Option<i64>),
        Deadline(i64),
        Begin(Option<u64>, Option<u64>),
        Alive(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proptest::option::of(0i64..1000).prop_map(Step::Start),
            (0i64..1000).prop_map(Step::Deadline),
            (proptest::option::of(1u64..500), proptest::option::of(1u64..500))
                .prop_map(|(timeout, keepalive)| Step::Begin(timeout, keepalive)),
            (0i64..1000).prop_map(Step::Alive),
        ]
    }

    fn take(row: &mut TaskRow, step: &Step, now: i64) {
        match step {
            Step::Start(second) => row.set_start_at(second.map(at)),
            Step::Deadline(second) => row.set_deadline_at(at(*second)),
            Step::Begin(timeout, keepalive) => {
                let timeout = timeout.map(std::time::Duration::from_secs);
                row.begin_clocks(at(now), timeout, keepalive.map(Duration::from_secs));
            }
            Step::Alive(second) => drop(row.is_alive_at(at(*second))),
        }
    }

    proptest! {
        #[test]
        fn nothing_is_due_before_due_at_and_something_is_then(
            steps in proptest::collection::vec(step(), 0..8), now in 0i64..1000,
        ) {
            let mut row = task_row(1);
            row.due_at = None;
            row.phase = Phase::Pending;
            row.stop = None;
            for step in &steps {
                take(&mut row, step, now);
            }
            match row.due_at {
                None => prop_assert_eq!(row.due(Timestamp::MAX, Timestamp::MIN), None),
                Some(due) => {
                    let before = due - SignedDuration::from_nanos(1);
                    prop_assert_eq!(row.due(before, Timestamp::MIN), None);
                    prop_assert!(row.due(due, Timestamp::MIN).is_some());
                }
            }
        }

        #[test]
        fn an_end_leaves_no_clock(steps in proptest::collection::vec(step(), 0..8)) {
            let mut row = task_row(1);
            for step in &steps {
                take(&mut row, step, 5);
            }
            row.phase = Phase::Failed;
            row.stop = None;
            row.keep_clocks();
            prop_assert_eq!(row.due_at, None);
            prop_assert_eq!(&row.rare.clocks, &Clocks::default());
        }
    }

    #[test]
    fn a_silence_counts_from_when_somebody_could_hear() {
        let mut row = task_row(1);
        (row.due_at, row.phase, row.stop) = (None, Phase::Running, None);
        row.begin_clocks(at(100), None, Some(Duration::from_secs(30)));
        assert_eq!(row.due_at, Some(at(130)));
        assert_eq!(row.due(at(130), at(0)), Some(Due::Keepalive));
        assert_eq!(row.due(at(130), at(120)), None, "the server was away until then");
        assert_eq!(row.due(at(150), at(120)), Some(Due::Keepalive));
        assert!(row.is_alive_at(at(140)));
        assert_eq!(row.due_at, Some(at(170)));
    }

    #[test]
    fn a_deadline_is_kept_from_attempt_to_attempt() {
        let mut row = task_row(1);
        (row.due_at, row.phase, row.stop) = (None, Phase::Pending, None);
        row.set_deadline_at(at(100));
        row.set_start_at(Some(at(50)));
        assert_eq!((row.due_at, row.start_at()), (Some(at(50)), Some(at(50))));
        row.phase = Phase::Running;
        row.keep_clocks();
        assert_eq!((row.due_at, row.start_at()), (Some(at(100)), None));
        row.phase = Phase::Pending;
        row.keep_clocks();
        row.set_start_at(Some(at(120)));
        assert_eq!((row.due_at, row.start_at()), (Some(at(100)), Some(at(120))));
    }
}
