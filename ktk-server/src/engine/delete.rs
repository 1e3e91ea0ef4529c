//! `task.delete` and `pipeline.delete`: what runs is cancelled first, and the object goes when
//! its last attempt has ended, whoever still listens.

use std::collections::BTreeSet;

use ktk_client::api::{
    ApiError, ObjectRef, Pipeline, Reason, Task,
    task::{DeleteParams, Deleted},
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
    limits,
    model::row::{StopWish, TaskRow},
    mutants,
    store::{Operation, Tx},
};

/// Deletes a task's restart context, or one older incarnation of it.
pub struct DeleteTask {
    pub ask: Ask,
    pub params: DeleteParams,
}

impl Operation for DeleteTask {
    type Output = Done<Deleted<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let named = resolve::task(&self.ask, unit.tx, &self.params.reference).await?;
        let row = named.row;
        refuse_unless_at(self.params.version, row.version, "task", &row.name)?;
        if let (Some(_), Some(step)) = (row.pipeline_id, &row.step) {
            let words = format!("task {:?} is step {step:?} of a pipeline and goes with it", row.name);
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint("delete the pipeline")));
        }
        let object = object::task(unit.tx, unit.shared, &row).await?;
        if !named.by_name && !row.newest {
            unit.refuse_if_used(&row).await?;
            if !self.params.dry_run && !row.rare.stub {
                unit.remove_incarnation(&row).await?;
                unit.finish().await?;
            }
            let answer = Deleted { object, gone: !self.params.dry_run, also: Vec::new() };
            return Ok(Done { answer, effects: unit.effects });
        }
        if !named.by_name && row.incarnation > 1 {
            let words = format!(
                "{}@{} is the newest incarnation and goes only with its task",
                row.name, row.incarnation
            );
            let hint = format!("delete task/{}, with all incarnations", row.name);
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint(hint)));
        }
        unit.load_newest(&[row.context_id]).await?;
        let waiting = unit.who_goes_too(&[row.context_id], self.params.cascade).await?;
        let also = references(&waiting);
        if self.params.dry_run {
            return Ok(Done::quiet(Deleted { object, gone: false, also }));
        }
        let contexts = waiting.iter().map(|row| row.context_id).chain([row.context_id]);
        for context in contexts {
            unit.doom_task(context, self.params.now).await?;
        }
        unit.finish().await?;
        let gone = unit.newest_of(row.context_id).is_none();
        Ok(Done { answer: Deleted { object, gone, also }, effects: unit.effects })
    }
}

/// Deletes a pipeline with all its tasks.
pub struct DeletePipeline {
    pub ask: Ask,
    pub params: DeleteParams,
}

impl Operation for DeletePipeline {
    type Output = Done<Deleted<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::pipeline(&self.ask, unit.tx, &self.params.reference).await?;
        refuse_unless_at(self.params.version, row.version, "pipeline", &row.name)?;
        if !row.newest {
            let words = format!(
                "{}@{} is an older incarnation and goes only with its pipeline",
                row.name, row.incarnation
            );
            let hint = format!("delete pipeline/{}, with all incarnations", row.name);
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint(hint)));
        }
        let id = row.id;
        let object = object::pipelines(unit.tx, unit.shared, std::slice::from_ref(&row)).await?.remove(0);
        let (_, contexts) = unit.whole_pipeline(&row).await?;
        let waiting = unit.who_goes_too(&contexts, self.params.cascade).await?;
        let also = references(&waiting);
        if self.params.dry_run {
            return Ok(Done::quiet(Deleted { object, gone: false, also }));
        }
        for task in &waiting {
            unit.doom_task(task.context_id, self.params.now).await?;
        }
        let now = unit.now;
        unit.pipeline_mut(id).await?.deleted_at = Some(now);
        if row.phase.is_terminal() {
            unit.doomed.insert(id);
        } else {
            unit.cancel_pipeline(id, StopWish { reason: Reason::ByUser, now: self.params.now }).await?;
        }
        unit.finish().await?;
        let gone = unit.tx.pipelines(&[id]).await?.is_empty();
        Ok(Done { answer: Deleted { object, gone, also }, effects: unit.effects })
    }
}

/// Somebody looked at it and wants that deleted, and nothing else.
fn refuse_unless_at(asked: Option<u64>, version: u64, kind: &str, name: &str) -> EngineResult<()> {
    match asked {
        Some(asked) if asked != version => {
            let words = format!(
                "{kind} {name:?} has changed: it was to have version {asked}, and it is {version} now"
            );
            Err(ApiError::conflict(words).into())
        }
        _ => Ok(()),
    }
}

fn references(rows: &[TaskRow]) -> Vec<ObjectRef> {
    let mut found: Vec<ObjectRef> =
        rows.iter().map(|row| ObjectRef::new(&*row.namespace, &*row.name)).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl<T: Tx> Unit<'_, T> {
    /// A task is to go with all its incarnations: at once, or when it has ended.
    async fn doom_task(&mut self, context: Uuid, is_hard: bool) -> EngineResult<()> {
        let newest = self
            .newest_of(context)
            .cloned()
            .ok_or_else(|| EngineError::Bug(format!("context {context} has no newest incarnation")))?;
        let now = self.now;
        self.task_mut(newest.id)?.deleted_at.get_or_insert(now);
        if newest.phase.is_terminal() {
            self.doomed.insert(newest.id);
            return Ok(());
        }
        self.forget_wish(newest.id)?;
        self.stop_task(newest.id, StopWish { reason: Reason::ByUser, now: is_hard }).await
    }

    /// The tasks that have not ended and need what is to be deleted, or what goes with it.
    ///
    /// # Errors
    /// `Conflict` with their names, unless they are to go too.
    async fn who_goes_too(&mut self, contexts: &[Uuid], is_cascade: bool) -> EngineResult<Vec<TaskRow>> {
        let mut going: BTreeSet<Uuid> = contexts.iter().copied().collect();
        let mut also: Vec<TaskRow> = Vec::new();
        let mut open = contexts.to_vec();
        while !open.is_empty() {
            let edges = self.tx.dependents(&open).await?;
            open = edges.iter().map(|edge| edge.dependent).filter(|context| going.insert(*context)).collect();
            self.load_newest(&open).await?;
            let waits = |row: &&TaskRow| !row.phase.is_terminal() && row.deleted_at.is_none();
            let rows: Vec<TaskRow> =
                open.iter().filter_map(|context| self.newest_of(*context)).filter(waits).cloned().collect();
            if !is_cascade && !rows.is_empty() && !mutants::lives("M25") {
                return Err(still_waited_for(&rows));
            }
            // Who has ended stays, and so does what needs it.
            open = rows.iter().map(|row| row.context_id).collect();
            also.extend(rows);
        }
        Ok(also)
    }
}

/// What others still wait for is not deleted.
fn still_waited_for(rows: &[TaskRow]) -> EngineError {
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    let more = names.len() > limits::CANDIDATES;
    names.truncate(limits::CANDIDATES);
    let words = format!("others still wait for it: {}{}", names.join(", "), if more { ", …" } else { "" });
    let hint = "delete or cancel those first, or --cascade deletes them too";
    EngineError::Refused(ApiError::conflict(words).with_hint(hint))
}
