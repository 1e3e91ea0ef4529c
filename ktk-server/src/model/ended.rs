//! What the end of an attempt makes of its task.

use std::time::Duration;

use ktk_client::api::{Reason, task::RetrySpec, worker::Outcome};

use super::{
    phase::Event,
    retry::{self, Follow},
    row::TaskRow,
};

/// What follows the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What happens to the task.
    pub event: Event,
    /// The pause before the next attempt, where one follows after a pause.
    pub pause: Option<Duration>,
    /// Whether the attempt counts against `retry.limit`.
    pub counts: bool,
}

/// Whether a worker may give this as the reason why an attempt has ended. The others are the server's
/// to find, or what somebody asked for.
pub fn may_be_reported(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ExitCode
            | Reason::Signal
            | Reason::Timeout
            | Reason::KeepaliveLost
            | Reason::NodeLost
            | Reason::InvalidInput
            | Reason::InvalidOutput
            | Reason::HandlerError
            | Reason::SpawnError
            | Reason::Interrupted
    )
}

/// Whether a stop for this reason is the attempt's own end, and not what somebody wished for the task.
pub fn is_end_of_attempt(reason: Reason) -> bool {
    matches!(reason, Reason::KeepaliveLost | Reason::DeadlineExceeded)
}

/// Decides what the end of the running attempt makes of its task. Who reports a failure may ask that it be tried
/// again as other failures are.
pub fn verdict(
    row: &TaskRow,
    outcome: &Outcome,
    retry: Option<&RetrySpec>,
    asks_for_retry: bool,
    chance: f64,
) -> Verdict {
    let counts = outcome.reason != Some(Reason::Interrupted);
    let ends = |event| Verdict { event, pause: None, counts };
    if let Some(stop) = row.stop.filter(|stop| !is_end_of_attempt(stop.reason)) {
        return ends(Event::Cancel(stop.reason));
    }
    let Some(reason) = outcome.reason else {
        return ends(Event::Succeed);
    };
    let kind = if asks_for_retry && reason == Reason::Reported { Reason::HandlerError } else { reason };
    let counted = row.counted + u32::from(counts);
    let lost = row.lost + u32::from(reason == Reason::NodeLost);
    match retry::follow(retry, kind, outcome.exit_code, counted, lost, chance) {
        Follow::After(pause) => Verdict { event: Event::Retry, pause: Some(pause), counts },
        Follow::AtOnce => ends(Event::Requeue),
        Follow::Nothing => ends(Event::Fail(reason)),
    }
}

#[cfg(test)]
mod tests {
    use ktk_client::api::task::RetrySpec;
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{model::row::StopWish, store::conformance::rows::task as task_row};

    fn retry() -> impl Strategy<Value = Option<RetrySpec>> {
        let codes = prop::option::of(prop::collection::vec(0..4, 0..3));
        let spec = (prop::option::of(0u32..4), codes).prop_map(|(limit, on_exit_codes)| RetrySpec {
            limit,
            on_exit_codes,
            ..RetrySpec::default()
        });
        prop::option::of(spec)
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        let reasons: Vec<Reason> = Reason::ALL
            .iter()
            .copied()
            .filter(|reason| {
                may_be_reported(*reason) || matches!(reason, Reason::DeadlineExceeded | Reason::Reported)
            })
            .collect();
        (prop::option::of(select(reasons)), prop::option::of(0..4)).prop_map(|(reason, exit_code)| Outcome {
            reason,
            exit_code,
            ..Outcome::default()
        })
    }

    fn row(counted: u32, lost: u32) -> TaskRow {
        TaskRow { counted, lost, ..task_row(1) }
    }

    proptest! {
        #[test]
        fn what_somebody_stopped_is_cancelled_whatever_it_came_to(
            outcome in outcome(), retry in retry(), asks in any::<bool>(), now in any::<bool>(),
            reason in select(vec![Reason::ByUser, Reason::PipelineCancelled, Reason::Replaced]),
        ) {
            let row = TaskRow { stop: Some(StopWish { reason, now }), ..row(0, 0) };
            let verdict = verdict(&row, &outcome, retry.as_ref(), asks, 0.5);
            prop_assert_eq!((verdict.event, verdict.pause), (Event::Cancel(reason), None));
        }

        #[test]
        fn an_end_without_a_reason_is_a_success(retry in retry(), counted in 0u32..9, code in 0..4) {
            let outcome = Outcome { exit_code: Some(code), ..Outcome::default() };
            let verdict = verdict(&row(counted, 0), &outcome, retry.as_ref(), true, 0.5);
            prop_assert_eq!((verdict.event, verdict.counts), (Event::Succeed, true));
        }

        #[test]
        fn an_interruption_counts_for_nothing_and_runs_again_at_once(retry in retry(), counted in 0u32..9) {
            let outcome = Outcome { reason: Some(Reason::Interrupted), ..Outcome::default() };
            let verdict = verdict(&row(counted, 0), &outcome, retry.as_ref(), false, 0.5);
            prop_assert_eq!(verdict, Verdict { event: Event::Requeue, pause: None, counts: false });
        }

        #[test]
        fn what_cannot_get_better_fails_at_once(
            retry in retry(),
            reason in select(vec![
                Reason::InvalidInput, Reason::InvalidOutput, Reason::SpawnError, Reason::DeadlineExceeded,
                Reason::Reported,
            ]),
        ) {
            let outcome = Outcome { reason: Some(reason), ..Outcome::default() };
            let verdict = verdict(&row(0, 0), &outcome, retry.as_ref(), false, 0.5);
            prop_assert_eq!(verdict.event, Event::Fail(reason));
        }

        #[test]
        fn no_attempt_follows_above_the_limit(
            outcome in outcome(), retry in retry(), asks in any::<bool>(), counted in 0u32..9,
            lost in 0u32..3,
        ) {
            let verdict = verdict(&row(counted, lost), &outcome, retry.as_ref(), asks, 0.5);
            let is_again = matches!(verdict.event, Event::Retry | Event::Requeue);
            prop_assert_eq!(verdict.event == Event::Retry, verdict.pause.is_some());
            let limit = retry.as_ref().and_then(|retry| retry.limit);
            let is_free = outcome.reason == Some(Reason::Interrupted)
                || (outcome.reason == Some(Reason::NodeLost) && limit.is_none() && lost == 0);
            prop_assert!(!is_again || is_free || counted < limit.unwrap_or(0), "{verdict:?}");
            if !is_again && outcome.reason.is_some() {
                prop_assert_eq!(verdict.event, Event::Fail(outcome.reason.expect("just seen")));
            }
        }

        #[test]
        fn whoever_reports_a_failure_may_ask_for_what_other_failures_get(
            retry in retry(), counted in 0u32..9,
        ) {
            let of = |reason, asks| {
                let outcome = Outcome { reason: Some(reason), ..Outcome::default() };
                verdict(&row(counted, 0), &outcome, retry.as_ref(), asks, 0.5)
            };
            let (asked, other) = (of(Reason::Reported, true), of(Reason::HandlerError, false));
            prop_assert_eq!(asked.pause, other.pause);
            prop_assert_eq!(asked.event == Event::Retry, other.event == Event::Retry);
        }
    }
}
