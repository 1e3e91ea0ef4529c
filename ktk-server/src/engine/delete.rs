//! `task.delete` and `pipeline.delete`: what runs is cancelled first, and the object goes when
//! its last attempt has ended, whoever still listens.

use std::collections::BTreeSet;

use ktk_client::api::{
    ApiError, Pipeline, Reason, Task,
    event::Severity,
    task::{DeleteParams, Deleted},
};
use uuid::Uuid;

use super::{
    body,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    rerun::Wish,
    resolve,
    unit::Unit,
};
use crate::{
    limits,
    model::row::{PipelineRow, StopWish, TaskRow, TombstoneRow},
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
        let named = resolve::task(unit.tx, &self.params.reference).await?;
        let row = named.row;
        if let (Some(_), Some(step)) = (row.pipeline_id, &row.step) {
            let words = format!("task {:?} is step {step:?} of a pipeline and goes with it", row.name);
            return Err(EngineError::Refused(ApiError::conflict(words).with_hint("delete the pipeline")));
        }
        let object = object::task(unit.tx, unit.shared, &row).await?;
        if !named.by_name && !row.newest {
            unit.remove_incarnation(&row).await?;
            unit.finish().await?;
            return Ok(Done { answer: Deleted { object, gone: true }, effects: unit.effects });
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
        unit.refuse_if_needed(&[row.context_id]).await?;
        let newest = unit
            .newest_of(row.context_id)
            .cloned()
            .ok_or_else(|| EngineError::Bug(format!("{} has no newest incarnation", row.name)))?;
        let now = unit.now;
        unit.task_mut(newest.id)?.deleted_at = Some(now);
        if newest.phase.is_terminal() {
            unit.doomed.insert(newest.id);
        } else {
            unit.forget_wish(newest.id)?;
            unit.stop_task(newest.id, StopWish { reason: Reason::ByUser, now: self.params.now }).await?;
        }
        unit.finish().await?;
        let gone = unit.task(newest.id).is_err();
        Ok(Done { answer: Deleted { object, gone }, effects: unit.effects })
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
        let row = resolve::pipeline(unit.tx, &self.params.reference).await?;
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
        unit.refuse_if_needed(&contexts).await?;
        let now = unit.now;
        unit.pipeline_mut(id).await?.deleted_at = Some(now);
        if row.phase.is_terminal() {
            unit.doomed.insert(id);
        } else {
            unit.cancel_pipeline(id, self.params.now).await?;
        }
        unit.finish().await?;
        let gone = unit.tx.pipelines(&[id]).await?.is_empty();
        Ok(Done { answer: Deleted { object, gone }, effects: unit.effects })
    }
}

impl<T: Tx> Unit<'_, T> {
    /// What others still wait for is not deleted.
    async fn refuse_if_needed(&mut self, contexts: &[Uuid]) -> EngineResult<()> {
        let going: BTreeSet<Uuid> = contexts.iter().copied().collect();
        let edges = self.tx.dependents(contexts).await?;
        let waiting: Vec<Uuid> =
            edges.iter().map(|edge| edge.dependent).filter(|dependent| !going.contains(dependent)).collect();
        self.load_newest(&waiting).await?;
        let mut names: Vec<String> = waiting
            .iter()
            .filter_map(|context| self.newest_of(*context))
            .filter(|row| !row.phase.is_terminal())
            .map(|row| row.name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return Ok(());
        }
        let more = names.len() > limits::CANDIDATES;
        names.truncate(limits::CANDIDATES);
        let words =
            format!("others still wait for it: {}{}", names.join(", "), if more { ", …" } else { "" });
        Err(EngineError::Refused(ApiError::conflict(words).with_hint("delete or cancel those first")))
    }

    async fn remove_incarnation(&mut self, row: &TaskRow) -> EngineResult<()> {
        let tree = self.tx.context_tasks(row.context_id).await?;
        if tree.iter().any(|other| other.parent_id == Some(row.id)) {
            let words = format!("{}@{} has restarts that descend from it", row.name, row.incarnation);
            return Err(EngineError::Refused(
                ApiError::conflict(words).with_hint("delete the task as a whole"),
            ));
        }
        let wishes = tree.iter().filter_map(|other| other.wish.as_deref());
        for wish in wishes {
            if body::from_text::<Wish>(&row.name, wish).is_ok_and(|wish| wish.parent == Some(row.id)) {
                let words = format!("{}@{} is about to be restarted", row.name, row.incarnation);
                return Err(EngineError::conflict(words));
            }
        }
        self.remove_tasks(std::slice::from_ref(row)).await
    }

    /// Carries out a deletion whose task or pipeline has ended.
    pub(super) async fn remove_if_ended(&mut self, id: Uuid) -> EngineResult<()> {
        self.flush().await?;
        if let Some(row) = self.tx.tasks(&[id]).await?.pop() {
            if !row.phase.is_terminal() {
                return Ok(());
            }
            let tree = self.tx.context_tasks(row.context_id).await?;
            self.remove_tasks(&tree).await?;
            self.tx.delete_needs(&[row.context_id]).await?;
            self.effects.removed_owners.push(row.context_id);
            self.task_event(&row, Severity::Normal, "Deleted", "deleted with all its incarnations".into());
        } else if let Some(row) = self.tx.pipelines(&[id]).await?.pop()
            && row.phase.is_terminal()
        {
            self.remove_pipeline(&row).await?;
        }
        Ok(())
    }

    /// All incarnations of a pipeline, and the contexts of all their tasks.
    async fn whole_pipeline(&mut self, row: &PipelineRow) -> EngineResult<(Vec<PipelineRow>, Vec<Uuid>)> {
        let mut all = self.tx.pipelines_named(&row.namespace, &row.name).await?;
        all.retain(|other| other.context_id == row.context_id);
        let mut contexts = BTreeSet::new();
        for incarnation in &all {
            let tasks = self.tx.tasks_within(incarnation.id).await?;
            contexts.extend(tasks.iter().map(|task| task.context_id));
        }
        Ok((all, contexts.into_iter().collect()))
    }

    async fn remove_pipeline(&mut self, pipeline: &PipelineRow) -> EngineResult<()> {
        let (all, contexts) = self.whole_pipeline(pipeline).await?;
        for context in &contexts {
            let tree = self.tx.context_tasks(*context).await?;
            self.remove_tasks(&tree).await?;
        }
        self.tx.delete_needs(&contexts).await?;
        for incarnation in &all {
            self.remove_pipeline_row(incarnation).await?;
        }
        Ok(())
    }

    async fn remove_pipeline_row(&mut self, pipeline: &PipelineRow) -> EngineResult<()> {
        self.forget_pipeline(pipeline.id);
        self.tx.delete_pipelines(&[pipeline.id]).await?;
        self.tx.delete_events(&[pipeline.id]).await?;
        let version = self.tx.next_version();
        self.effects.version = version;
        self.effects.removed_owners.push(pipeline.id);
        self.insert_tombstone(TombstoneRow {
            version,
            kind: "Pipeline".into(),
            id: pipeline.id,
            context_id: pipeline.context_id,
            pipeline_id: Some(pipeline.id),
            namespace: pipeline.namespace.clone(),
            name: pipeline.name.clone(),
            incarnation: pipeline.incarnation,
            labels: pipeline.labels.clone(),
            at: self.now,
        });
        Ok(())
    }

    async fn remove_tasks(&mut self, rows: &[TaskRow]) -> EngineResult<()> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        self.tx.delete_tasks(&ids).await?;
        self.tx.delete_events(&ids).await?;
        for row in rows {
            self.forget(row.id);
            let version = self.tx.next_version();
            self.effects.version = version;
            self.insert_tombstone(TombstoneRow {
                version,
                kind: "Task".into(),
                id: row.id,
                context_id: row.context_id,
                pipeline_id: row.pipeline_id,
                namespace: row.namespace.clone(),
                name: row.name.clone(),
                incarnation: row.incarnation,
                labels: row.labels.clone(),
                at: self.now,
            });
        }
        self.effects.removed_tasks.extend(ids);
        Ok(())
    }
}
