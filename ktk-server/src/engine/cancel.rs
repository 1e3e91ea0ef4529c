//! `task.cancel` and `pipeline.cancel`.

use ktk_client::api::{
    ApiError, Pipeline, Reason, Task,
    event::Severity,
    task::{CancelParams, RunIf},
};
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    resolve,
    unit::Unit,
};
use crate::{
    model::row::StopWish,
    store::{Operation, Tx},
};

/// Ends a pending task, stops a running one.
pub struct CancelTask {
    pub ask: Ask,
    pub params: CancelParams,
}

impl Operation for CancelTask {
    type Output = Done<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::task(&self.ask, unit.tx, &self.params.reference).await?.row;
        if row.phase.is_terminal() {
            let words = format!("task {:?} has ended already ({})", row.name, row.phase);
            return Err(EngineError::conflict(words));
        }
        // With its pipeline's deletion it may go in this very transaction.
        let going = match unit.is_going(&row).await? {
            true => Some(object::task(unit.tx, unit.shared, &row).await?),
            false => None,
        };
        let id = unit.adopt(row.clone());
        unit.task_event(&row, Severity::Normal, "CancelAsked", "somebody asked to cancel it".into());
        unit.forget_wish(id)?;
        unit.stop_task(id, StopWish { reason: Reason::ByUser, now: self.params.now }).await?;
        unit.finish().await?;
        let task = match (unit.task(id).cloned(), going) {
            (Err(_), Some(gone)) => gone,
            (row, _) => object::task(unit.tx, unit.shared, &row?).await?,
        };
        Ok(Done { answer: task, effects: unit.effects })
    }
}

/// Ends what is pending in a pipeline, stops what runs; `always` steps still run, unless `now`.
pub struct CancelPipeline {
    pub ask: Ask,
    pub params: CancelParams,
}

impl Operation for CancelPipeline {
    type Output = Done<Pipeline>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::pipeline(&self.ask, unit.tx, &self.params.reference).await?;
        if row.phase.is_terminal() {
            let words = format!("pipeline {:?} has ended already ({})", row.name, row.phase);
            return Err(EngineError::Refused(ApiError::conflict(words)));
        }
        let id = row.id;
        unit.cancel_pipeline(id, StopWish { reason: Reason::ByUser, now: self.params.now }).await?;
        // One that is being deleted may be gone with its last step.
        let before = match row.deleted_at {
            Some(_) => object::pipelines(unit.tx, unit.shared, &[row]).await?.pop(),
            None => None,
        };
        unit.finish().await?;
        let rows = unit.tx.pipelines(&[id]).await?;
        let now = object::pipelines(unit.tx, unit.shared, &rows).await?.pop();
        let pipeline =
            now.or(before).ok_or_else(|| EngineError::Bug(format!("pipeline {id} is not there")))?;
        Ok(Done { answer: pipeline, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Cancels a pipeline: all its steps, or all but the `always` ones.
    pub async fn cancel_pipeline(&mut self, id: Uuid, stop: StopWish) -> EngineResult<()> {
        let now = stop.now;
        let row = self.pipeline_mut(id).await?;
        let was_now = row.cancel.is_some_and(|cancel| cancel.now);
        row.cancel = Some(StopWish { now: now || was_now, ..stop });
        row.rare.wish = None;
        let row = row.clone();
        self.touched.insert(id);
        let words = if now { "cancelled, always steps too" } else { "cancelled; always steps still run" };
        self.pipeline_event(&row, Severity::Normal, "CancelAsked", words.into());
        for task in self.tasks_of(id).await? {
            let spared = task.run_if == RunIf::Always && !now;
            if !task.phase.is_terminal() && !spared {
                let wish = StopWish { reason: Reason::PipelineCancelled, now };
                self.forget_wish(task.id)?;
                self.stop_task(task.id, wish).await?;
            }
        }
        Ok(())
    }

    /// Who cancels wants nothing to start: a restart that was to follow the end does not.
    pub(super) fn forget_wish(&mut self, id: Uuid) -> EngineResult<()> {
        if self.task(id)?.wish.is_some() {
            self.task_mut(id)?.wish = None;
        }
        Ok(())
    }
}
