//! What a clock moves: tasks whose time has come, and history that has been kept long enough.

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Phase, Reason, event::Severity, worker::Outcome};
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        clocks::Due,
        gate::{Stand, WHOLE},
        lane::{LaneRow, PLAIN},
        phase::Event,
        row::{StopWish, TaskRow},
        settle,
    },
    store::{LiveCounts, Operation, Tx},
};

/// Moves tasks whose time has come.
pub struct MoveDue {
    pub ask: Ask,
    /// Since when an attempt's word would have been heard.
    pub heard_since: Timestamp,
}

/// What is left after tasks were moved.
#[derive(Clone, Copy, Debug)]
pub struct AfterDue {
    pub moved: usize,
    pub next: Option<Timestamp>,
}

impl Operation for MoveDue {
    type Output = Done<AfterDue>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let due = unit.tx.due(unit.now, limits::DUE_BATCH).await?;
        for row in &due {
            let id = unit.adopt(row.clone());
            unit.move_due(id, self.heard_since).await?;
        }
        let wholes = unit.tx.due_pipelines(unit.now, limits::DUE_BATCH).await?;
        for row in &wholes {
            unit.pass_whole_time(row.id).await?;
        }
        unit.finish().await?;
        let next = unit.tx.next_due().await?;
        Ok(Done { answer: AfterDue { moved: due.len() + wholes.len(), next }, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Does what is due for a task.
    async fn move_due(&mut self, id: Uuid, heard_since: Timestamp) -> EngineResult<()> {
        let row = self.task(id)?.clone();
        match row.due(self.now, heard_since) {
            Some(Due::Start) => {
                let decision = settle::decision(&row);
                if row.phase == Phase::Pending && decision == settle::Decision::Go {
                    self.task_mut(id)?.set_start_at(None);
                    return self.make_ready(id).await;
                }
                self.task_mut(id)?.set_start_at(None);
                Ok(())
            }
            Some(Due::Deadline) => self.pass_deadline(id).await,
            Some(Due::Timeout) => {
                self.end_external(&row, Reason::Timeout, "nobody said in time how it ended").await
            }
            Some(Due::Keepalive) if row.is_external() => {
                self.end_external(&row, Reason::KeepaliveLost, "nobody said in time that it is alive").await
            }
            Some(Due::Keepalive) => {
                let words = format!("attempt {} did not say in time that it is alive", row.attempt);
                self.task_event(&row, Severity::Warning, "KeepaliveLost", words);
                self.stop_task(id, StopWish { reason: Reason::KeepaliveLost, now: false }).await
            }
            // It was silent while nobody could hear it.
            None => {
                self.task_mut(id)?.is_alive_at(heard_since);
                Ok(())
            }
        }
    }

    async fn pass_deadline(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?.clone();
        if row.phase == Phase::Running {
            return self.stop_task(id, StopWish { reason: Reason::DeadlineExceeded, now: false }).await;
        }
        self.task_mut(id)?.message = Some("its deadline passed before it could run".into());
        self.transit(id, Event::Fail(Reason::DeadlineExceeded)).await
    }

    async fn end_external(&mut self, row: &TaskRow, reason: Reason, words: &str) -> EngineResult<()> {
        let outcome = Outcome { reason: Some(reason), message: Some(words.into()), ..Outcome::default() };
        self.end_attempt(row, outcome).await
    }
}

/// Forgets what has been kept long enough: remembered requests, deletions, events.
pub struct Trim {
    pub ask: Ask,
}

impl Operation for Trim {
    type Output = Done<()>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let before = |kept: std::time::Duration| {
            SignedDuration::try_from(kept).ok().and_then(|kept| self.ask.now.checked_sub(kept).ok())
        };
        if let Some(time) = before(limits::REQUESTS_KEPT) {
            tx.trim_requests(time).await?;
        }
        if let Some(time) = before(limits::HISTORY_KEPT) {
            tx.trim_tombstones(time).await?;
            tx.trim_events(time).await?;
        }
        tx.limit_tombstones(limits::HISTORY_ROWS).await?;
        forget_lanes(tx).await?;
        Ok(Done::quiet(()))
    }
}

/// Lanes in which nobody waits or runs any more.
async fn forget_lanes<T: Tx>(tx: &mut T) -> EngineResult<()> {
    let mut empty = Vec::new();
    for row in tx.lanes().await?.iter().filter(|row| row.id != PLAIN) {
        let lane = [row.id];
        if tx.lane_tasks(&lane, Phase::Pending, 1).await?.is_empty()
            && tx.lane_tasks(&lane, Phase::Running, 1).await?.is_empty()
            && nobody_stands_in(tx, row).await?
        {
            empty.push(row.id);
        }
    }
    if empty.is_empty() { Ok(()) } else { Ok(tx.delete_lanes(&empty).await?) }
}

async fn nobody_stands_in<T: Tx>(tx: &mut T, row: &LaneRow) -> EngineResult<bool> {
    if row.lane.executor != WHOLE {
        return Ok(true);
    }
    for stand in [Stand::Away, Stand::Waits, Stand::Holds] {
        if !tx.lane_pipelines(&[row.id], stand, 1).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is there to do: for the status, the idle server's end and the sweep.
pub struct Outlook;

/// What there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    pub counts: LiveCounts,
    /// Whether a hook is to be called.
    pub has_hooks: bool,
    pub next_due: Option<Timestamp>,
    pub version: u64,
}

impl Operation for Outlook {
    type Output = Ahead;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        Ok(Ahead {
            counts: tx.live_counts().await?,
            has_hooks: !tx.hooks(1).await?.is_empty(),
            next_due: tx.next_due().await?,
            version: tx.version().await?,
        })
    }
}
