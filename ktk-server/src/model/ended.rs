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
