//! One step of a pipeline on its way, and how a change of it is told.

use std::time::Duration;

use jiff::Timestamp;
use ktk_client::api::{Phase, Reason, Task, task::TaskStatus};

use crate::view::task::progress_text;

/// One step: the newest incarnation of its task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepState {
    /// The task's name, `PIPELINE.STEP`.
    pub(crate) task: String,
    /// Its incarnation.
    pub(crate) incarnation: u32,
    /// What it is doing.
    pub(crate) phase: Phase,
    /// Why.
    pub(crate) reason: Option<Reason>,
    /// Attempts so far.
    pub(crate) attempt: u32,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    detail: Option<String>,
    /// How far it says that it is.
    pub(crate) progress: Option<String>,
}

impl StepState {
    /// What a task shows.
    pub(super) fn new(task: &Task, status: &TaskStatus) -> Self {
        Self {
            task: task.metadata.name().to_owned(),
            incarnation: task.metadata.incarnation(),
            phase: status.phase,
            reason: status.reason,
            attempt: status.attempt,
            started_at: status.started_at,
            finished_at: status.finished_at,
            detail: status.message.clone(),
            progress: status.progress.as_ref().map(progress_text),
        }
    }

    /// Whether it ended without success, or waits behind a step that did.
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed | Phase::Cancelled) || self.reason == Some(Reason::UpstreamFailed)
    }

    /// Whether it has ended, or waits behind a step that failed.
    pub(super) fn is_settled(&self) -> bool {
        self.is_done() || self.is_failed()
    }

    /// Whether it succeeded or was skipped.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Skipped)
    }

    /// How long its newest attempt took, or takes by now.
    pub(crate) fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        let started_at = self.started_at?;
        let end = if self.phase == Phase::Running { now } else { self.finished_at? };
        Some(end.duration_since(started_at).try_into().unwrap_or_default())
    }

    /// What there is to say of a change to this.
    pub(super) fn change_text(&self) -> Option<String> {
        let tries = if self.attempt > 1 { format!(" (attempt {})", self.attempt) } else { String::new() };
        let took = self.elapsed(Timestamp::UNIX_EPOCH).map(elapsed_text);
        let within = took.map_or(String::new(), |took| format!(" in {took}"));
        match (self.phase, self.reason) {
            (Phase::Running, Some(Reason::Stopping)) => Some("Stopping".to_owned()),
            (Phase::Running, _) => Some(format!("Running{tries}")),
            (Phase::Pending, Some(Reason::Backoff)) => {
                Some(format!("attempt {} failed, the next one follows", self.attempt))
            }
            (Phase::Pending, Some(Reason::UpstreamFailed)) => Some("UpstreamFailed".to_owned()),
            (Phase::Pending, _) => None,
            (Phase::Succeeded, Some(Reason::Reused)) => Some("Succeeded (Reused)".to_owned()),
            (Phase::Succeeded, _) => Some(format!("Succeeded{within}")),
            (Phase::Failed, reason) => {
                let why = self.detail.clone().or_else(|| reason.map(|reason| reason.to_string()));
                let why = why.map_or(String::new(), |why| format!(": {why}"));
                Some(format!("Failed{within}{why}"))
            }
            (Phase::Cancelled | Phase::Skipped, reason) => {
                Some(reason.map_or(self.phase.to_string(), |reason| format!("{} ({reason})", self.phase)))
            }
        }
    }
}

/// Time as progress shows it: milliseconds, then tenths of seconds, then the two largest units.
pub(crate) fn elapsed_text(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => format!("{}ms", elapsed.subsec_millis()),
        1..60 => format!("{}.{}s", seconds, elapsed.subsec_millis() / 100),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}
