//! The ends of attempts: what a worker reports, and what a lost node leaves behind.

use std::collections::BTreeMap;

use ktk_client::api::{
    Phase, Reason,
    event::Severity,
    hook::Moment,
    worker::{Outcome, Report},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    body,
    error::{EngineError, EngineResult},
    object,
    rerun::Wish,
    typed,
    unit::Unit,
};
use crate::{
    limits,
    model::{
        clocks::later,
        ended::{self, Verdict},
        phase::Event,
        row::{AttemptRow, TaskRow},
    },
    mutants,
    store::Tx,
};

impl<T: Tx> Unit<'_, T> {
    /// Takes reports; says for each whether it counted.
    pub async fn take_reports(&mut self, reports: &[Report]) -> EngineResult<Vec<bool>> {
        check_reasons(reports)?;
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
        let is_stale = match row.fence {
            Some(_) if mutants::lives("M3") => false,
            Some(present) if mutants::lives("M4") => present < report.fence,
            present => present != Some(report.fence),
        };
        if is_stale {
            let ended = self.ended_as(report).await?;
            if ended && has_same_outputs(&row, report)? {
                return Ok(true);
            }
            let what = report.outcome.reason.map_or("success", Reason::as_str);
            let words = match ended {
                true => format!("attempt {} reported {what} again, with other outputs", report.attempt),
                false => format!("attempt {} reported {what} after it had been given up", report.attempt),
            };
            self.task_event(&row, Severity::Warning, "LateResult", words);
            return Ok(false);
        }
        self.end_attempt(&row, report.outcome.clone()).await?;
        Ok(true)
    }

    /// Whether this attempt has ended as it is reported: perhaps only the first answer was lost.
    async fn ended_as(&mut self, report: &Report) -> EngineResult<bool> {
        let ended = self.tx.attempts(&[report.task]).await?;
        let same = |attempt: &AttemptRow| {
            let outcome = &report.outcome;
            attempt.number == report.attempt
                && (attempt.exit_code, attempt.signal) == (outcome.exit_code, outcome.signal)
                && (attempt.reason == outcome.reason || attempt.reason.is_some_and(ended::is_end_of_attempt))
        };
        Ok(ended.iter().any(same))
    }

    /// Ends the running attempt of a task.
    pub async fn end_attempt(&mut self, row: &TaskRow, outcome: Outcome) -> EngineResult<()> {
        self.end_attempt_asking(row, outcome, false).await
    }

    /// The same; whoever reports a failure may ask for another attempt.
    pub async fn end_attempt_asking(
        &mut self,
        row: &TaskRow,
        outcome: Outcome,
        asks_for_retry: bool,
    ) -> EngineResult<()> {
        let outcome = stopped(row, self.with_outputs(row, outcome).await?);
        let is_wished = row.stop.is_some_and(|stop| !ended::is_end_of_attempt(stop.reason));
        let retry = match outcome.reason {
            Some(_) if !is_wished => self.body(row.id).await?.and_then(|body| body.spec.retry),
            _ => None,
        };
        let chance = self.shared.entropy.chance();
        let verdict = ended::verdict(row, &outcome, retry.as_ref(), asks_for_retry, chance);
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
        if !mutants::lives("M20") {
            row.counted += u32::from(verdict.counts);
        }
        row.lost += u32::from(outcome.reason == Some(Reason::NodeLost));
        row.exit_code = outcome.exit_code;
        row.message = outcome.message.clone();
        if outcome.reason.is_some_and(is_about_time) {
            self.happened(id, Moment::Timeout)?;
        }
        let row = self.task_mut(id)?;
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
        let row = self.task(id)?;
        if row.rare.held && row.is_queued() {
            self.transit(id, Event::Hold).await?;
        }
        // While it waited for its slot, a need may have been restarted.
        self.reconsider(id).await
    }

    /// Records that another attempt follows, and when.
    fn tell_next_attempt(&mut self, row: &TaskRow, outcome: &Outcome, verdict: Verdict) -> EngineResult<()> {
        if let Some(pause) = verdict.pause {
            let due = later(self.now, pause);
            self.task_mut(row.id)?.set_start_at(Some(due));
            let words = format!("attempt {} failed, the next starts in {:.1?}", row.attempt, pause);
            self.task_event(row, Severity::Warning, "Retrying", words);
        } else {
            let reason = outcome.reason.map_or("Interrupted", Reason::as_str);
            let why = outcome.message.as_ref().map_or_else(String::new, |why| format!(", {why}"));
            let words = format!("attempt {} goes back to the queue{why}", row.attempt);
            self.task_event(row, Severity::Warning, reason, words);
        }
        Ok(())
    }

    /// Keeps the outputs of a success, or turns what is too large into a failure.
    async fn with_outputs(&mut self, row: &TaskRow, mut outcome: Outcome) -> EngineResult<Outcome> {
        if let Some(message) = &mut outcome.message
            && message.len() > limits::MESSAGE_BYTES
        {
            let end = message.floor_char_boundary(limits::MESSAGE_BYTES);
            message.truncate(end);
        }
        let outputs = outcome.outputs.take();
        if outcome.reason.is_some() || row.stop.is_some() {
            return Ok(outcome);
        }
        if row.rare.checks_outputs
            && let Some(why) = self.broken_outputs(row, outputs.as_ref()).await?
        {
            outcome.reason = Some(Reason::InvalidOutput);
            outcome.message = Some(why);
            return Ok(outcome);
        }
        let Some(outputs) = outputs else { return Ok(outcome) };
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

    /// What of the outputs breaks the schema of the task's type. None at all are as an empty object.
    async fn broken_outputs(
        &mut self,
        row: &TaskRow,
        outputs: Option<&BTreeMap<String, Value>>,
    ) -> EngineResult<Option<String>> {
        let body = self.body(row.id).await?;
        let Some(of_type) = body.and_then(|body| body.of_type) else { return Ok(None) };
        let outputs = Value::Object(outputs.cloned().unwrap_or_default().into_iter().collect());
        let causes = self.output_causes(&of_type.definition, &outputs);
        Ok((!causes.is_empty()).then(|| typed::in_words(&causes)))
    }
}

/// Whether an attempt's time was over.
fn is_about_time(reason: Reason) -> bool {
    matches!(reason, Reason::Timeout | Reason::KeepaliveLost | Reason::DeadlineExceeded)
}

/// An attempt that was stopped for a reason of its own ended for that reason, whatever its process made of it.
fn stopped(row: &TaskRow, outcome: Outcome) -> Outcome {
    let words = match row.stop.map(|stop| stop.reason) {
        Some(Reason::KeepaliveLost) => "did not say in time that it is alive",
        Some(Reason::DeadlineExceeded) => "its deadline passed while it ran",
        _ => return outcome,
    };
    let reason = row.stop.map(|stop| stop.reason);
    Outcome { reason, message: Some(words.into()), outputs: None, ..outcome }
}

/// Whether a repeated report brings the outputs that were kept. Those of an attempt that was stopped, or that
/// another one followed, were not.
fn has_same_outputs(row: &TaskRow, report: &Report) -> EngineResult<bool> {
    if row.phase != Phase::Succeeded || row.attempt != report.attempt {
        return Ok(true);
    }
    let digest = report.outcome.outputs.as_ref().map(object::output_digest).transpose()?;
    Ok(digest.map(|(_, digest)| digest) == row.output_digest)
}

/// Refuses reports for a reason that is not an attempt's: one such would show a task in a state that it is not in.
fn check_reasons(reports: &[Report]) -> EngineResult<()> {
    for (index, report) in reports.iter().enumerate() {
        if let Some(reason) = report.outcome.reason.filter(|reason| !ended::may_be_reported(*reason)) {
            let field = format!("reports[{index}].outcome.reason");
            return Err(EngineError::invalid(
                "the report",
                &field,
                format!("{reason} is no end of an attempt"),
            ));
        }
    }
    Ok(())
}

/// Whether a stored restart is part of another task's.
fn is_follower(wish: Option<&str>) -> bool {
    wish.is_some_and(|text| {
        body::from_text::<Wish>("a stored restart", text).is_ok_and(|wish| wish.is_follower)
    })
}
