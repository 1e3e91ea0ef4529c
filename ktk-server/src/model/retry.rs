//! Whether an ended attempt is followed by another, and when.

use std::time::Duration;

use ktk_client::api::{Reason, task::RetrySpec};

const BACKOFF: Duration = Duration::from_secs(1);
const FACTOR: f64 = 2.0;
const MAX_BACKOFF: Duration = Duration::from_secs(60);
const JITTER: f64 = 0.2;

/// What follows an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Another attempt after this pause.
    After(Duration),
    /// Another attempt at once.
    AtOnce,
    /// Nothing.
    Nothing,
}

/// Decides what follows.
///
/// `counted` is the number of attempts that count, this one included; `lost` the number that were
/// lost with their node, this one included; `chance` a number from 0 to 1 that jitter is drawn by.
pub fn follow(
    retry: Option<&RetrySpec>,
    reason: Reason,
    exit_code: Option<i32>,
    counted: u32,
    lost: u32,
    chance: f64,
) -> Follow {
    let limit = retry.and_then(|retry| retry.limit);
    let is_left = counted <= limit.unwrap_or(0);
    match reason {
        Reason::Interrupted => Follow::AtOnce,
        Reason::NodeLost if is_left || (limit.is_none() && lost <= 1) => Follow::AtOnce,
        Reason::ExitCode
        | Reason::Signal
        | Reason::Timeout
        | Reason::KeepaliveLost
        | Reason::HandlerError
            if is_left && takes_exit_code(retry, reason, exit_code) =>
        {
            Follow::After(pause(retry, counted, chance))
        }
        _ => Follow::Nothing,
    }
}

fn takes_exit_code(retry: Option<&RetrySpec>, reason: Reason, exit_code: Option<i32>) -> bool {
    match retry.and_then(|retry| retry.on_exit_codes.as_ref()) {
        Some(codes) if reason == Reason::ExitCode => exit_code.is_some_and(|code| codes.contains(&code)),
        _ => true,
    }
}

/// The pause after the `ended`-th attempt that counts. Jitter only lengthens.
pub fn pause(retry: Option<&RetrySpec>, ended: u32, chance: f64) -> Duration {
    let field = |get: fn(&RetrySpec) -> Option<Duration>| retry.and_then(get);
    let backoff = field(|retry| retry.backoff.map(|d| d.get())).unwrap_or(BACKOFF);
    // A longer backoff that somebody wrote alone is meant as it is.
    let max = field(|retry| retry.max_backoff.map(|d| d.get())).unwrap_or(MAX_BACKOFF.max(backoff));
    let factor = retry.and_then(|retry| retry.factor).unwrap_or(FACTOR);
    let jitter = retry.and_then(|retry| retry.jitter).unwrap_or(JITTER);
    let steps = ended.saturating_sub(1).min(1000) as i32;
    let seconds = (backoff.as_secs_f64() * factor.powi(steps)).min(max.as_secs_f64());
    Duration::from_secs_f64(seconds * (1.0 + jitter * chance.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(limit: u32) -> RetrySpec {
        RetrySpec { limit: Some(limit), ..RetrySpec::default() }
    }

    #[test]
    fn left_out_only_a_lost_attempt_is_tried_once_more() {
        assert_eq!(follow(None, Reason::ExitCode, Some(1), 1, 0, 0.0), Follow::Nothing);
        assert_eq!(follow(None, Reason::NodeLost, None, 1, 1, 0.0), Follow::AtOnce);
        assert_eq!(follow(None, Reason::NodeLost, None, 2, 2, 0.0), Follow::Nothing);
    }

    #[test]
    fn a_written_zero_is_never() {
        assert_eq!(follow(Some(&limit(0)), Reason::NodeLost, None, 1, 1, 0.0), Follow::Nothing);
        assert_eq!(follow(Some(&limit(0)), Reason::ExitCode, Some(1), 1, 0, 0.0), Follow::Nothing);
    }

    #[test]
    fn what_cannot_get_better_is_never_tried_again() {
        for reason in [
            Reason::InvalidInput,
            Reason::InvalidOutput,
            Reason::SpawnError,
            Reason::DeadlineExceeded,
            Reason::Reported,
        ] {
            assert_eq!(follow(Some(&limit(9)), reason, None, 1, 0, 0.0), Follow::Nothing, "{reason}");
        }
    }

    #[test]
    fn only_the_listed_exit_codes_are_tried_again() {
        let retry = RetrySpec { on_exit_codes: Some(vec![75]), ..limit(3) };
        assert_eq!(follow(Some(&retry), Reason::ExitCode, Some(1), 1, 0, 0.0), Follow::Nothing);
        assert_eq!(
            follow(Some(&retry), Reason::ExitCode, Some(75), 1, 0, 0.0),
            Follow::After(Duration::from_secs(1))
        );
        assert_ne!(follow(Some(&retry), Reason::Signal, None, 1, 0, 0.0), Follow::Nothing);
    }

    #[test]
    fn a_stop_of_the_worker_counts_for_nothing() {
        assert_eq!(follow(Some(&limit(0)), Reason::Interrupted, None, 0, 0, 0.0), Follow::AtOnce);
    }

    proptest! {
        #[test]
        fn there_are_never_more_attempts_than_the_limit_and_one(
            attempts_limit in 0u32..20, counted in 1u32..40, chance in 0.0f64..1.0,
        ) {
            let follows = follow(Some(&limit(attempts_limit)), Reason::Signal, None, counted, 0, chance);
            prop_assert_eq!(follows != Follow::Nothing, counted <= attempts_limit);
        }

        #[test]
        fn pauses_grow_to_their_cap_and_jitter_only_lengthens(ended in 1u32..200, chance in 0.0f64..1.0) {
            let plain = pause(None, ended, 0.0);
            prop_assert!(plain <= MAX_BACKOFF);
            prop_assert!(plain <= pause(None, ended + 1, 0.0));
            let longer = pause(None, ended, chance);
            prop_assert!(plain <= longer && longer <= plain.mul_f64(1.0 + JITTER) + Duration::from_micros(1));
        }
    }
}
