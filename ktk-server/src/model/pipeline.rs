//! A pipeline's phase, derived from the counts of its steps, and what holds for all of them.

use jiff::Timestamp;
use ktk_client::api::{Duration, Phase, Reason, task::RunIf};
use serde::{Deserialize, Serialize};

use super::{
    clocks::later,
    gate::Stand,
    row::{PipelineRow, TaskRow},
    settle::{Class, counted},
};

/// The times of a pipeline that has any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WholeClocks {
    /// How long it may take from the start of its first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// How long it may take from its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<Timestamp>,
}

/// Whether a pipeline that was stopped for this reason has failed: its time was over.
pub fn is_time_over(reason: Reason) -> bool {
    matches!(reason, Reason::Timeout | Reason::DeadlineExceeded)
}

impl PipelineRow {
    /// Its deadline counts from now on.
    pub fn set_out(&mut self, now: Timestamp) {
        self.with_clocks(|clocks| {
            clocks.timeout_at = None;
            clocks.deadline_at = clocks.deadline.map(|deadline| later(now, deadline.get()));
        });
    }

    /// Its timeout counts from now on.
    pub fn begin_time(&mut self, now: Timestamp) {
        self.with_clocks(|clocks| {
            clocks.timeout_at = clocks.timeout.map(|timeout| later(now, timeout.get()))
        });
    }

    /// No clock moves it any more.
    pub fn rest(&mut self) {
        self.with_clocks(|clocks| (clocks.timeout_at, clocks.deadline_at) = (None, None));
    }

    /// What is over now.
    pub fn due(&self, now: Timestamp) -> Option<Reason> {
        let clocks = &self.rare.clocks;
        let has_come = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        match (has_come(clocks.deadline_at), has_come(clocks.timeout_at)) {
            (true, _) => Some(Reason::DeadlineExceeded),
            (false, true) => Some(Reason::Timeout),
            (false, false) => None,
        }
    }

    fn with_clocks(&mut self, change: impl FnOnce(&mut WholeClocks)) {
        let clocks = &mut self.rare.clocks;
        change(clocks);
        self.rare.due_at = [clocks.timeout_at, clocks.deadline_at].into_iter().flatten().min();
    }

    /// Whether a step that asks so still runs after what stopped the pipeline.
    pub fn spares(&self, run_if: RunIf) -> bool {
        match self.cancel {
            None => true,
            Some(stop) if stop.now => false,
            Some(stop) if is_time_over(stop.reason) => run_if != RunIf::Success,
            Some(_) => run_if == RunIf::Always,
        }
    }

    /// Whether it has its unique key: nobody else may be made of it.
    pub fn holds_key(&self) -> bool {
        self.rare.unique.as_ref().is_some_and(|key| key.is_held_in(self.phase))
    }

    /// Whether it waits for the end of whom it replaces.
    pub fn waits_for_key(&self) -> bool {
        self.rare.unique.as_ref().is_some_and(|key| key.waits)
    }

    /// Whether none of its steps may start yet.
    pub fn is_barred(&self) -> bool {
        self.waits_for_key() || self.stand().is_some_and(|stand| stand != Stand::Holds)
    }
}

/// The phase and reason that follow from a pipeline's counts.
pub fn phase(row: &PipelineRow) -> (Phase, Option<Reason>) {
    let can_move = row.done + row.failed < row.total;
    match (can_move, row.started_at.is_some()) {
        (true, true) => (Phase::Running, row.cancel.map(|_| Reason::Stopping)),
        (true, false) => (Phase::Pending, None),
        (false, _) => match row.cancel {
            Some(stop) if is_time_over(stop.reason) => (Phase::Failed, Some(stop.reason)),
            Some(stop) => (Phase::Cancelled, Some(stop.reason)),
            None if row.failed > 0 => (Phase::Failed, None),
            None => (Phase::Succeeded, None),
        },
    }
}

/// Takes a step's state out of its pipeline's counts.
pub fn uncount(pipeline: &mut PipelineRow, task: &TaskRow) {
    let Some(class) = counted(task) else { return };
    match class {
        Class::Live => {}
        Class::Good => pipeline.done -= 1,
        Class::Bad => pipeline.failed -= 1,
    }
    pipeline.cancelled -= u32::from(task.phase == Phase::Cancelled);
}

/// Adds a step's state to its pipeline's counts.
pub fn count(pipeline: &mut PipelineRow, task: &TaskRow) {
    let Some(class) = counted(task) else { return };
    match class {
        Class::Live => {}
        Class::Good => pipeline.done += 1,
        Class::Bad => pipeline.failed += 1,
    }
    pipeline.cancelled += u32::from(task.phase == Phase::Cancelled);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::row::StopWish, store::conformance::rows};

    fn at(second: u64) -> Timestamp {
        Timestamp::from_second(second.cast_signed()).expect("a small number")
    }

    proptest! {
        /// Something is due exactly when `due_at` has come, and what counts from the creation goes first.
        #[test]
        fn due_at_is_when_something_is_due(
            timeout in proptest::option::of(1..50_u64), deadline in proptest::option::of(1..50_u64),
            begun in proptest::option::of(0..50_u64), now in 0..120_u64, rests: bool,
        ) {
            let mut row = rows::pipeline(1);
            row.rare.clocks.timeout = timeout.map(Duration::from_secs);
            row.rare.clocks.deadline = deadline.map(Duration::from_secs);
            row.set_out(at(0));
            begun.into_iter().for_each(|begun| row.begin_time(at(begun)));
            if rests {
                row.rest();
            }
            let over = |second: Option<u64>| !rests && second.is_some_and(|second| second <= now);
            let (late, long) = (over(deadline), over(timeout.zip(begun).map(|(a, b)| a + b)));
            prop_assert_eq!(row.due(at(now)).is_some(), late || long);
            prop_assert_eq!(row.due(at(now)) == Some(Reason::DeadlineExceeded), late);
            prop_assert_eq!(row.rare.due_at.is_some_and(|due| due <= at(now)), late || long);
        }
    }

    #[test]
    fn what_still_runs_after_a_stop() {
        let mut row = rows::pipeline(1);
        let spared = |row: &PipelineRow| {
            [RunIf::Success, RunIf::Failure, RunIf::Always].map(|run_if| row.spares(run_if))
        };
        assert_eq!(spared(&row), [true, true, true]);
        for (reason, now, expected) in [
            (Reason::ByUser, false, [false, false, true]),
            (Reason::ByUser, true, [false; 3]),
            (Reason::Timeout, false, [false, true, true]),
            (Reason::DeadlineExceeded, false, [false, true, true]),
            (Reason::DeadlineExceeded, true, [false; 3]),
        ] {
            row.cancel = Some(StopWish { reason, now });
            assert_eq!(spared(&row), expected, "{reason} {now}");
        }
    }
}
