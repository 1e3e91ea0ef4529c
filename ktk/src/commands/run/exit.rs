//! The exit code of `ktk run -- COMMAND`: the process's own, where it has one.

use ktk_client::api::{
    Phase, Reason,
    task::{Attempt, TaskStatus},
};

use crate::error::Exit;

/// Ended by ktk's own doing, and no other code fits.
pub(crate) const OWN_FAILURE: u8 = 125;
/// The program is there but cannot be executed.
const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
const NOT_FOUND: u8 = 127;
/// An attempt took longer than `--timeout`.
const TIMED_OUT: u8 = 124;
/// Cancelled, by Ctrl-C or by somebody else.
const CANCELLED: u8 = 130;
/// Added to a signal's number.
const SIGNAL_BASE: i32 = 128;

/// The code for a process that a task ran.
pub(crate) fn of_process(status: &TaskStatus) -> u8 {
    let last = status.attempts.last();
    match status.phase {
        Phase::Succeeded | Phase::Skipped => 0,
        Phase::Cancelled => CANCELLED,
        Phase::Failed => of_failure(status.reason, status.exit_code, last),
        Phase::Pending | Phase::Running => OWN_FAILURE,
    }
}

fn of_failure(reason: Option<Reason>, exit_code: Option<i32>, last: Option<&Attempt>) -> u8 {
    let exit_code = last.and_then(|attempt| attempt.exit_code).or(exit_code);
    match reason {
        Some(Reason::ExitCode) => exit_code.and_then(|code| u8::try_from(code).ok()).unwrap_or(OWN_FAILURE),
        Some(Reason::Signal) => last
            .and_then(|attempt| attempt.signal)
            .and_then(|signal| u8::try_from(SIGNAL_BASE + signal).ok())
            .unwrap_or(OWN_FAILURE),
        Some(Reason::Timeout) => TIMED_OUT,
        Some(Reason::SpawnError) => exit_code
            .and_then(|code| u8::try_from(code).ok())
            .filter(|code| [NOT_FOUND, NOT_EXECUTABLE].contains(code))
            .unwrap_or(OWN_FAILURE),
        _ => OWN_FAILURE,
    }
}

/// The code for a task or pipeline that came from a manifest.
pub(crate) fn of_phase(phase: Phase) -> Exit {
    if matches!(phase, Phase::Succeeded | Phase::Skipped) { Exit::Done } else { Exit::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(
        phase: Phase,
        reason: Option<Reason>,
        exit_code: Option<i32>,
        signal: Option<i32>,
    ) -> TaskStatus {
        let attempt = serde_json::json!({
            "number": 1, "node": "local.g1", "startedAt": "2026-11-21T00:00:00Z",
            "exitCode": exit_code, "signal": signal,
        });
        let status = serde_json::json!({
            "phase": phase, "reason": reason, "exitCode": exit_code, "attempts": [attempt],
        });
        serde_json::from_value(status).expect("a status")
    }

    #[test]
    fn a_process_passes_its_own_code_on() {
        for (phase, reason, exit_code, signal, expected) in [
            (Phase::Succeeded, None, Some(0), None, 0),
            (Phase::Skipped, Some(Reason::NotNeeded), None, None, 0),
            (Phase::Failed, Some(Reason::ExitCode), Some(7), None, 7),
            (Phase::Failed, Some(Reason::ExitCode), Some(255), None, 255),
            (Phase::Failed, Some(Reason::Signal), None, Some(9), 137),
            (Phase::Failed, Some(Reason::Timeout), None, Some(15), 124),
            (Phase::Failed, Some(Reason::SpawnError), Some(127), None, 127),
            (Phase::Failed, Some(Reason::SpawnError), Some(126), None, 126),
            (Phase::Failed, Some(Reason::SpawnError), None, None, 125),
            (Phase::Failed, Some(Reason::NodeLost), None, None, 125),
            (Phase::Failed, Some(Reason::InvalidOutput), Some(0), None, 125),
            (Phase::Cancelled, Some(Reason::ByUser), None, Some(15), 130),
            (Phase::Pending, Some(Reason::UpstreamFailed), None, None, 125),
        ] {
            let status = status(phase, reason, exit_code, signal);
            assert_eq!(of_process(&status), expected, "{phase} {reason:?}");
        }
    }

    #[test]
    fn a_manifest_gives_0_or_1() {
        assert_eq!(of_phase(Phase::Succeeded), Exit::Done);
        assert_eq!(of_phase(Phase::Skipped), Exit::Done);
        assert_eq!(of_phase(Phase::Failed), Exit::Failed);
        assert_eq!(of_phase(Phase::Cancelled), Exit::Failed);
    }
}
