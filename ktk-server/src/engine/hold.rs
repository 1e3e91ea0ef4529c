//! `pause` and `resume`: tasks and pipelines that somebody holds, queues that are paused.

use ktk_client::api::{
    ApiError, ObjectRef, Phase, Pipeline, Queue, Reason, Task, event::Severity, queue::QueueSpec,
};
use uuid::Uuid;

use super::{
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    resolve,
    unit::Unit,
};
use crate::{
    model::phase::Event,
    store::{Operation, Tx},
};

/// Holds a task, or lets it go.
pub struct HoldTask {
    pub ask: Ask,
    pub reference: ObjectRef,
    pub held: bool,
}

impl Operation for HoldTask {
    type Output = Done<Task>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::task(&self.ask, unit.tx, &self.reference).await?.row;
        if row.phase.is_terminal() {
            let words = format!("task {:?} has ended already ({})", row.name, row.phase);
            return Err(EngineError::conflict(words));
        }
        let id = unit.adopt(row.clone());
        if row.rare.held != self.held {
            let (reason, words) = words(self.held);
            unit.task_event(&row, Severity::Normal, reason, words.into());
        }
        unit.hold(id, self.held, Holder::Itself).await?;
        unit.finish().await?;
        let row = unit.task(id)?.clone();
        let task = object::task(unit.tx, unit.shared, &row).await?;
        Ok(Done { answer: task, effects: unit.effects })
    }
}

fn words(held: bool) -> (&'static str, &'static str) {
    if held { ("Paused", "held: it starts when it is resumed") } else { ("Resumed", "let go") }
}

/// Holds all steps of a pipeline, or lets them go.
pub struct HoldPipeline {
    pub ask: Ask,
    pub reference: ObjectRef,
    pub held: bool,
}

impl Operation for HoldPipeline {
    type Output = Done<Pipeline>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::pipeline(&self.ask, unit.tx, &self.reference).await?;
        if row.phase.is_terminal() {
            let words = format!("pipeline {:?} has ended already ({})", row.name, row.phase);
            return Err(ApiError::conflict(words).into());
        }
        if row.rare.held != self.held {
            let (reason, words) = words(self.held);
            unit.pipeline_event(&row, Severity::Normal, reason, words.into());
        }
        unit.pipeline_mut(row.id).await?.rare.held = self.held;
        for task in unit.tasks_of(row.id).await? {
            if !task.phase.is_terminal() {
                unit.hold(task.id, self.held, Holder::Pipeline).await?;
            }
        }
        unit.finish().await?;
        let row = unit.pipeline(row.id).await?.clone();
        let pipeline = object::pipelines(unit.tx, unit.shared, &[row]).await?.remove(0);
        Ok(Done { answer: pipeline, effects: unit.effects })
    }
}

/// Whose hold of a task it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// Its own: whoever lets it go names it.
    Itself,
    /// Its pipeline's, which leaves a hold of its own alone.
    Pipeline,
}

impl<T: Tx> Unit<'_, T> {
    /// Holds a task that has not ended, or lets it go. An attempt that runs goes on: the next one is held.
    pub(super) async fn hold(&mut self, id: Uuid, held: bool, by: Holder) -> EngineResult<()> {
        let row = self.task(id)?;
        let within = held && by == Holder::Pipeline;
        let is_own = row.rare.held && !row.rare.held_within;
        let is_so = (row.rare.held, row.rare.held_within) == (held, within);
        if is_so || (by == Holder::Pipeline && is_own) {
            return Ok(());
        }
        let (phase, reason) = (row.phase, row.reason);
        let items = row.is_for_each().then_some(row.context_id);
        let row = self.task_mut(id)?;
        (row.rare.held, row.rare.held_within) = (held, within);
        if let Some(step) = items {
            for item in self.items_of(step).await? {
                if !item.phase.is_terminal() {
                    Box::pin(self.hold(item.id, held, by)).await?;
                }
            }
        }
        match reason.filter(|_| phase == Phase::Pending) {
            Some(Reason::Queued) if held => self.transit(id, Event::Hold).await,
            Some(Reason::Held) if !held => self.make_ready(id).await,
            // What waits for something else is held once that has come.
            _ => Ok(()),
        }
    }
}

/// Pauses a queue, or lets its tasks start again.
pub struct PauseQueue {
    pub ask: Ask,
    pub reference: ObjectRef,
    pub paused: bool,
}

impl Operation for PauseQueue {
    type Output = Done<Queue>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let queue = entity::resolve::<Queue, T>(unit.tx, &self.reference).await?;
        let mut queue = match queue.spec.paused == self.paused {
            true => queue,
            false => {
                let spec = QueueSpec { paused: self.paused, ..queue.spec.clone() };
                let queue = unit.change_queue(&queue, spec).await?;
                let (reason, words) = match self.paused {
                    true => ("Paused", "none of its tasks starts"),
                    false => ("Resumed", "its tasks start again"),
                };
                unit.entity_event(&queue, Severity::Normal, reason, words.into());
                queue
            }
        };
        unit.finish().await?;
        Queue::complete(unit.tx, &mut queue).await?;
        Ok(Done { answer: queue, effects: unit.effects })
    }
}
