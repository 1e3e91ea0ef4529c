//! The ends of attempts: what a worker reports, and what a lost node leaves behind.

use ktk_client::api::{
    Reason,
    event::Severity,
    worker::{Outcome, Report},
};
use uuid::Uuid;

use super::{body, error::EngineResult, object, rerun::Wish, unit::Unit};
use crate::{
    limits,
    model::{
        ended::{self, Verdict},
        phase::Event,
        row::{AttemptRow, TaskRow},
    },
    store::Tx,
};

impl<T: Tx> Unit<'_, T> {
    /// Takes reports; says for each whether it counted.
    pub async fn take_reports(&mut self, reports: &[Report]) -> EngineResult<Vec<bool>> {
        let ids: Vec<Uuid> = reports.iter().map(|report| report.task).collect();
        self.load(&ids).await?;
        let mut accepted = Vec::with_capacity(reports.len());
        for report in reports {
            accepted.push(self.take_report(report).await?);
        }
        Ok(accepted)
    }

    async fn take_report(&mut self, report: &Report) -> EngineResult<bool> {
        let Some(row) = self.tasks.get(&report.task).cloned() else { return Ok(false) };
        if row.fence != Some(report.fence) {
            if self.is_repeated(report).await? {
                return Ok(true);
            }
            let words = format!(
                "attempt {} reported {} after it had been given up",
                report.attempt,
                report.outcome.reason.map_or("success", Reason::as_str)
            );
            self.task_event(&row, Severity::Warning, "LateResult", words);
            return Ok(false);
        }
        self.end_attempt(&row, report.outcome.clone()).await?;
        Ok(true)
    }

    /// Whether this very report counted before, and only its answer was lost.
    async fn is_repeated(&mut self, report: &Report) -> EngineResult<bool> {
        let ended = self.tx.attempts(&[report.task]).await?;
        let same = |attempt: &AttemptRow| {
            let outcome = &report.outcome;
            attempt.number == report.attempt
                && (attempt.reason, attempt.exit_code, attempt.signal)
                    == (outcome.reason, outcome.exit_code, outcome.signal)
        };
        Ok(ended.iter().any(same))
    }

    /// Ends the running attempt of a task.
    pub async fn end_attempt(&mut self, row: &TaskRow, outcome: Outcome) -> EngineResult<()> {
        let outcome = self.with_outputs(row, outcome)?;
        let retry = match outcome.reason {
            Some(_) if row.stop.is_none() => self.body(row.id).await?.and_then(|body| body.spec.retry),
            _ => None,
        };
        let verdict = ended::verdict(row, &outcome, retry.as_ref(), self.shared.entropy.chance());
        self.record_attempt(row, &outcome);
        self.apply(row.id, &outcome, verdict).await
    }

    fn record_attempt(&mut self, row: &TaskRow, outcome: &Outcome) {
        self.insert_attempt(AttemptRow {
            task_id: row.id,
            number: row.attempt,
            node: row.node.clone().unwrap_or_default(),
            started_at: row.started_at.unwrap_or(self.now),
            finished_at: self.now,
            reason: outcome.reason,
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            message: outcome.message.clone(),
        });
    }

    async fn apply(&mut self, id: Uuid, outcome: &Outcome, verdict: Verdict) -> EngineResult<()> {
        let row = self.task_mut(id)?;
        row.counted += u32::from(verdict.counts);
        row.lost += u32::from(outcome.reason == Some(Reason::NodeLost));
        row.exit_code = outcome.exit_code;
        row.message = outcome.message.clone();
        if matches!(verdict.event, Event::Retry | Event::Requeue) && is_follower(row.wish.as_deref()) {
            // It runs again by itself, on what its needs come to now.
            row.wish = None;
        }
        if let Event::Cancel(_) = verdict.event {
            row.message = Some("stopped as asked".into());
        }
        let is_again = verdict.pause.is_some() || verdict.event == Event::Requeue;
        let row = is_again.then(|| row.clone());
        self.transit(id, verdict.event).await?;
        if let Some(row) = row {
            self.tell_next_attempt(&row, outcome, verdict)?;
        }
        // While it waited for its slot, a need may have been restarted.
        self.reconsider(id).await
    }

    /// Records that another attempt follows, and when.
    fn tell_next_attempt(&mut self, row: &TaskRow, outcome: &Outcome, verdict: Verdict) -> EngineResult<()> {
        if let Some(pause) = verdict.pause {
            let due = self.now + jiff::SignedDuration::try_from(pause).unwrap_or(jiff::SignedDuration::MAX);
            self.task_mut(row.id)?.due_at = Some(due);
            self.effects.due = [self.effects.due, Some(due)].into_iter().flatten().min();
            let words = format!("attempt {} failed, the next starts in {:.1?}", row.attempt, pause);
            self.task_event(row, Severity::Warning, "Retrying", words);
        } else {
            let reason = outcome.reason.map_or("Interrupted", Reason::as_str);
            let words = format!("attempt {} goes back to the queue", row.attempt);
            self.task_event(row, Severity::Warning, reason, words);
        }
        Ok(())
    }

    /// Keeps the outputs of a success, or turns what is too large into a failure.
    fn with_outputs(&mut self, row: &TaskRow, mut outcome: Outcome) -> EngineResult<Outcome> {
        if let Some(message) = &mut outcome.message
            && message.len() > limits::MESSAGE_BYTES
        {
            let end = message.floor_char_boundary(limits::MESSAGE_BYTES);
            message.truncate(end);
        }
        let Some(outputs) = outcome.outputs.take() else { return Ok(outcome) };
        if outcome.reason.is_some() || row.stop.is_some() {
            return Ok(outcome);
        }
        let (text, digest) = object::output_digest(&outputs)?;
        if text.len() > limits::VALUES_BYTES {
            outcome.reason = Some(Reason::InvalidOutput);
            outcome.message =
                Some(format!("its outputs have {} bytes, the limit is {}", text.len(), limits::VALUES_BYTES));
            return Ok(outcome);
        }
        self.result_mut(row.id).outputs = Some(text);
        self.task_mut(row.id)?.output_digest = Some(digest);
        Ok(outcome)
    }
}

/// Whether a stored restart is part of another task's.
fn is_follower(wish: Option<&str>) -> bool {
    wish.is_some_and(|text| {
        body::from_text::<Wish>("a stored restart", text).is_ok_and(|wish| wish.is_follower)
    })
}
