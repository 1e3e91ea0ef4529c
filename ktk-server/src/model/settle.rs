//! What the needs of a task mean for it.

use ktk_client::api::{Phase, Reason, task::RunIf};

use super::{
    ended::is_end_of_attempt,
    row::{StopWish, TaskRow},
};

/// What a need has come to, as its dependents see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It can still move.
    Live,
    /// It succeeded or was skipped.
    Good,
    /// It failed, was cancelled, or waits behind one that did.
    Bad,
}

/// The class of a state.
pub fn class(phase: Phase, reason: Option<Reason>) -> Class {
    match phase {
        Phase::Succeeded | Phase::Skipped => Class::Good,
        Phase::Failed | Phase::Cancelled => Class::Bad,
        Phase::Pending if reason == Some(Reason::UpstreamFailed) => Class::Bad,
        Phase::Pending | Phase::Running => Class::Live,
    }
}

/// The class of a row.
pub fn class_of(row: &TaskRow) -> Class {
    class(row.phase, row.reason)
}

/// What a task counts as in its pipeline: nothing where it is an item, and a step with its items as one.
pub fn counted(row: &TaskRow) -> Option<Class> {
    if row.is_item() {
        return None;
    }
    let own = class_of(row);
    Some(match &row.rare.for_each {
        Some(each) if each.live > 0 => Class::Live,
        Some(each) if each.bad > 0 && own == Class::Good => Class::Bad,
        _ => own,
    })
}

/// Whether what a need comes to decides what a task does next: a step that has been expanded waits for its items,
/// and for what it needs before.
pub fn waits_for(row: &TaskRow, need: &TaskRow) -> bool {
    match &row.rare.for_each {
        Some(each) => need.is_item() == each.is_expanded || class_of(need) == Class::Live,
        None => true,
    }
}

/// The stop that holds after another one was asked for; `None` where it changes nothing. What somebody wishes for
/// the task goes before an end of its attempt alone, after which it might run again.
pub fn harder_stop(before: Option<StopWish>, wish: StopWish) -> Option<StopWish> {
    let Some(before) = before else { return Some(wish) };
    let is_weightier = is_end_of_attempt(before.reason) && !is_end_of_attempt(wish.reason);
    let reason = if is_weightier { wish.reason } else { before.reason };
    let after = StopWish { reason, now: before.now || wish.now };
    (after != before).then_some(after)
}

/// What a pending task does next, as far as its needs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A need can still move.
    Wait,
    /// A need ended without success.
    UpstreamFailed,
    /// It may start.
    Go,
    /// It was for a failure that did not come.
    NotNeeded,
}

/// Decides by `runIf` and the numbers of needs that can still move and that ended badly.
pub fn decide(run_if: RunIf, live: u32, bad: u32) -> Decision {
    match run_if {
        RunIf::Success if bad > 0 => Decision::UpstreamFailed,
        _ if live > 0 => Decision::Wait,
        RunIf::Success | RunIf::Always => Decision::Go,
        RunIf::Failure if bad > 0 => Decision::Go,
        RunIf::Failure => Decision::NotNeeded,
    }
}

/// Decides for a pending task. An item has no needs of its own; a step waits for its items before they are others.
pub fn decision(row: &TaskRow) -> Decision {
    if row.is_item() {
        return Decision::Go;
    }
    let has_live_items = row.rare.for_each.as_ref().is_some_and(|each| each.live > 0);
    match decide(row.run_if, row.live_needs, row.bad_needs) {
        Decision::Go | Decision::NotNeeded if has_live_items => Decision::Wait,
        decision => decision,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_goes_before_its_needs_are_as_it_asks(live in 0u32..4, bad in 0u32..4) {
            let go = |run_if| decide(run_if, live, bad) == Decision::Go;
            prop_assert_eq!(go(RunIf::Success), live == 0 && bad == 0);
            prop_assert_eq!(go(RunIf::Failure), live == 0 && bad > 0);
            prop_assert_eq!(go(RunIf::Always), live == 0);
        }

        #[test]
        fn only_success_steps_wait_behind_a_failure(live in 0u32..4, bad in 1u32..4) {
            prop_assert_eq!(decide(RunIf::Success, live, bad), Decision::UpstreamFailed);
            prop_assert_ne!(decide(RunIf::Failure, live, bad), Decision::UpstreamFailed);
            prop_assert_ne!(decide(RunIf::Always, live, bad), Decision::UpstreamFailed);
        }
    }

    #[test]
    fn each_phase_has_its_class() {
        assert_eq!(class(Phase::Pending, Some(Reason::UpstreamFailed)), Class::Bad);
        assert_eq!(class(Phase::Pending, Some(Reason::Queued)), Class::Live);
        assert_eq!(class(Phase::Running, None), Class::Live);
        assert_eq!(class(Phase::Succeeded, None), Class::Good);
        assert_eq!(class(Phase::Skipped, Some(Reason::NotNeeded)), Class::Good);
        assert_eq!(class(Phase::Failed, Some(Reason::ExitCode)), Class::Bad);
        assert_eq!(class(Phase::Cancelled, Some(Reason::ByUser)), Class::Bad);
    }
}
