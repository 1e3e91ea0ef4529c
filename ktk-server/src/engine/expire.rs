//! What a clock moves: tasks whose time has come, and history that has been kept long enough.

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::Phase;

use super::{
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
};
use crate::{
    limits,
    model::{phase::Event, settle},
    store::{LiveCounts, Operation, Tx},
};

/// Moves tasks whose time has come.
pub struct MoveDue {
    pub ask: Ask,
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
            let is_ready = settle::decide(row.run_if, row.live_needs, row.bad_needs) == settle::Decision::Go;
            if row.phase == Phase::Pending && is_ready {
                unit.transit(id, Event::Queue).await?;
            } else {
                unit.task_mut(id)?.due_at = None;
            }
        }
        unit.finish().await?;
        let next = unit.tx.next_due().await?;
        Ok(Done { answer: AfterDue { moved: due.len(), next }, effects: unit.effects })
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
        Ok(Done::quiet(()))
    }
}

/// What is there to do: for the status, the idle server's end and the sweep.
pub struct Outlook;

/// What there is to do.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    pub counts: LiveCounts,
    pub next_due: Option<Timestamp>,
    pub version: u64,
}

impl Operation for Outlook {
    type Output = Ahead;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        Ok(Ahead {
            counts: tx.live_counts().await?,
            next_due: tx.next_due().await?,
            version: tx.version().await?,
        })
    }
}
