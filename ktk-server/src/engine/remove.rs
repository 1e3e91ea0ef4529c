//! What a deletion takes away, once what was to go has ended: whole contexts, whole pipelines, one old incarnation.

use std::collections::BTreeSet;

use ktk_client::api::{Phase, event::Severity, task::Resolved};
use uuid::Uuid;

use super::{
    body,
    error::{EngineError, EngineResult},
    rerun::Wish,
    unit::Unit,
};
use crate::{
    model::row::{PipelineRow, TaskRow, TombstoneRow},
    store::{Operation, Tx},
};

/// Which of these ids are neither tasks nor pipelines: what they left on the disk can go.
pub struct FindGone {
    pub ids: Vec<Uuid>,
}

impl Operation for FindGone {
    type Output = Vec<Uuid>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut there: BTreeSet<Uuid> = tx.tasks(&self.ids).await?.iter().map(|row| row.id).collect();
        there.extend(tx.pipelines(&self.ids).await?.iter().map(|row| row.id));
        Ok(self.ids.iter().copied().filter(|id| !there.contains(id)).collect())
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Carries out a deletion whose task or pipeline has ended, unless somebody who goes too still needs it.
    pub(super) async fn remove_if_ended(&mut self, id: Uuid) -> EngineResult<()> {
        self.flush().await?;
        if let Some(row) = self.tx.tasks(&[id]).await?.pop() {
            let contexts = [row.context_id];
            if !row.phase.is_terminal() || self.has_live_dependents(&contexts).await? {
                return Ok(());
            }
            self.task_event(&row, Severity::Normal, "Deleted", "deleted with all its incarnations".into());
            self.remove_context(row.context_id).await?;
        } else if let Some(row) = self.tx.pipelines(&[id]).await?.pop()
            && row.phase.is_terminal()
        {
            self.remove_pipeline(&row).await?;
        }
        Ok(())
    }

    /// Removes a task with all its incarnations, and what it needs.
    pub(super) async fn remove_context(&mut self, context: Uuid) -> EngineResult<()> {
        let tree = self.tx.context_tasks(context).await?;
        self.remove_tasks(&tree).await?;
        self.effects.removed_owners.push(context);
        self.remove_needs(&[context]).await
    }

    /// Whether a task outside has not ended that needs one of these.
    async fn has_live_dependents(&mut self, contexts: &[Uuid]) -> EngineResult<bool> {
        let inside: BTreeSet<Uuid> = contexts.iter().copied().collect();
        let edges = self.tx.dependents(contexts).await?;
        let outside: Vec<Uuid> =
            edges.iter().map(|edge| edge.dependent).filter(|context| !inside.contains(context)).collect();
        self.load_newest(&outside).await?;
        Ok(outside.iter().filter_map(|context| self.newest_of(*context)).any(|row| !row.phase.is_terminal()))
    }

    /// Takes away what these contexts need. What was to go and waited for them goes now.
    async fn remove_needs(&mut self, contexts: &[Uuid]) -> EngineResult<()> {
        let needs: Vec<Uuid> = self.tx.needs_of(contexts).await?.iter().map(|edge| edge.need).collect();
        self.tx.delete_needs(contexts).await?;
        self.load_newest(&needs).await?;
        for need in needs {
            let Some(row) = self.newest_of(need).cloned() else { continue };
            let pipeline = match row.pipeline_id {
                Some(pipeline) => self.going_pipeline(pipeline).await?,
                None => None,
            };
            self.doomed.extend(pipeline);
            self.doomed.extend(row.deleted_at.map(|_| row.id));
        }
        Ok(())
    }

    /// All incarnations of a pipeline, and the contexts of all their tasks.
    pub(super) async fn whole_pipeline(
        &mut self,
        row: &PipelineRow,
    ) -> EngineResult<(Vec<PipelineRow>, Vec<Uuid>)> {
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
        let (_, contexts) = self.whole_pipeline(pipeline).await?;
        if self.has_live_dependents(&contexts).await? {
            return Ok(());
        }
        self.remove_whole_pipeline(pipeline).await
    }

    /// Removes a pipeline with all its incarnations and their tasks.
    pub(super) async fn remove_whole_pipeline(&mut self, pipeline: &PipelineRow) -> EngineResult<()> {
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

    /// Removes one old incarnation; one that others descend from stays as a stub, so that the tree stays whole.
    ///
    /// # Errors
    /// `Conflict` where it is about to be restarted, or where something runs on its outputs.
    pub(super) async fn remove_incarnation(&mut self, row: &TaskRow) -> EngineResult<()> {
        let mut tree = self.tx.context_tasks(row.context_id).await?;
        if tree.iter().any(|other| other.parent_id == Some(row.id)) {
            return self.strip(row).await;
        }
        // Stubs above it that nothing descends from any more go too.
        let mut gone = vec![row.clone()];
        loop {
            let last = gone.last().expect("it begins with one").clone();
            tree.retain(|other| other.id != last.id);
            let above = tree.iter().find(|other| Some(other.id) == last.parent_id).cloned();
            match above {
                Some(stub)
                    if stub.rare.stub && !tree.iter().any(|other| other.parent_id == Some(stub.id)) =>
                {
                    gone.push(stub);
                }
                _ => break,
            }
        }
        self.remove_tasks(&gone).await
    }

    /// Refuses to remove an old incarnation that is still of use.
    pub(super) async fn refuse_if_used(&mut self, row: &TaskRow) -> EngineResult<()> {
        let this = format!("{}@{}", row.name, row.incarnation);
        for other in self.tx.context_tasks(row.context_id).await? {
            let Some(wish) = &other.wish else { continue };
            if body::from_text::<Wish>(&row.name, wish).is_ok_and(|wish| wish.parent == Some(row.id)) {
                return Err(EngineError::conflict(format!("{this} is about to be restarted")));
            }
        }
        let edges = self.tx.dependents(&[row.context_id]).await?;
        let dependents: Vec<Uuid> = edges.iter().map(|edge| edge.dependent).collect();
        self.load_newest(&dependents).await?;
        let running: Vec<TaskRow> = dependents
            .iter()
            .filter_map(|context| self.newest_of(*context))
            .filter(|other| other.phase == Phase::Running)
            .cloned()
            .collect();
        for other in running {
            let results = self.tx.task_results(&[other.id]).await?;
            let text = results.into_iter().find_map(|result| result.resolved).unwrap_or_default();
            let taken: Vec<Resolved> = body::from_text(&other.name, &text).unwrap_or_default();
            if taken.iter().any(|taken| taken.id == row.id) {
                let words = format!("{}@{} runs on the outputs of {this}", other.name, other.incarnation);
                return Err(EngineError::conflict(words));
            }
        }
        Ok(())
    }

    /// Leaves of a task nothing but its place in the tree.
    async fn strip(&mut self, row: &TaskRow) -> EngineResult<()> {
        let id = self.adopt(row.clone());
        let now = self.now;
        let row = self.task_mut(id)?;
        row.rare.stub = true;
        row.deleted_at.get_or_insert(now);
        row.message = Some("deleted: only its place in the tree is left, others descend from it".into());
        self.flush().await?;
        self.tx.strip_tasks(&[id]).await?;
        self.tx.delete_events(&[id]).await?;
        self.effects.removed_tasks.push(id);
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
