//! The restart of a whole pipeline: a new incarnation of it, whose tasks are the next incarnations of theirs and
//! reuse nothing.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{
    API_VERSION, ApiError, Metadata, Phase, Pipeline, Reason, TaskId,
    change::{self, Changes},
    check,
    event::Severity,
    field,
    restart::Action,
};
use uuid::Uuid;

use super::{
    body::{self, PipelineBody, RestartBody, TaskBody},
    error::{EngineError, EngineResult},
    lanes::{self, Named},
    plan::{Equal, Plan},
    restart_pipeline::older_pipeline,
    unique,
    unit::{ClassChange, Unit},
    whole,
};
use crate::{
    model::{
        rare::{PipelineRare, WholeWish},
        restart,
        row::{NewPipeline, PipelineRow, StopWish, TaskRow},
        settle::{Class, class_of},
    },
    store::Tx,
};

/// A task that is to have a next incarnation.
struct Next {
    parent: TaskRow,
    newest: TaskRow,
}

impl<T: Tx> Unit<'_, T> {
    /// Refuses what is about a task of an older incarnation of its pipeline.
    pub(super) async fn refuse_older_pipeline(
        &mut self,
        named: &TaskRow,
        newest: &TaskRow,
    ) -> EngineResult<()> {
        match (named.pipeline_id, newest.pipeline_id) {
            (Some(old), Some(new)) if old != new => {
                let old = self.pipeline(old).await?.clone();
                Err(older_pipeline(&old, self.pipeline(new).await?))
            }
            _ => Ok(()),
        }
    }

    /// What lives is the answer where it was made by an equal restart (of `parent`, where one was named), otherwise
    /// it is a conflict.
    pub(super) async fn refuse_live_pipeline(
        &mut self,
        live: &PipelineRow,
        parent: Option<Uuid>,
        wish: &WholeWish,
    ) -> EngineResult<()> {
        let is_child = match parent {
            None => live.parent_id.is_some(),
            Some(parent) => live.parent_id == Some(parent),
        };
        let this = format!("{}@{}", live.name, live.incarnation);
        let why = match is_child {
            true if self.pipeline_body(live).await?.changes() == wish.changes => return Ok(()),
            true => format!("{this} lives ({}) and was restarted with other changes", live.phase),
            false => format!("{this} has not ended ({})", live.phase),
        };
        let hint = "wait for it, or cancel and restart it with --force";
        Err(EngineError::Refused(ApiError::conflict(why).with_hint(hint)))
    }

    /// What a restart of the whole does: every task of it again, and who needs one of them from outside.
    pub(super) async fn plan_whole(
        &mut self,
        newest: &PipelineRow,
        named: &PipelineRow,
        wish: &WholeWish,
    ) -> EngineResult<Plan> {
        let body = self.pipeline_body(named).await?;
        self.check_params(named, &body, &wish.changes).await?;
        let tasks = self.next_tasks(newest, named).await?;
        self.refuse_lost_step_limits(named, &body, &tasks).await?;
        let targets: Vec<TaskRow> = tasks.into_iter().map(|next| next.newest).collect();
        self.plan_as(&targets, Action::Restart, restart::why, (wish.cascade, Equal::Again)).await
    }

    /// Cancels what lives in a pipeline; the restart is stored with the cancel and happens when all has ended.
    pub(super) async fn force_whole(&mut self, id: Uuid, wish: WholeWish) -> EngineResult<()> {
        let row = self.pipeline_mut(id).await?;
        let stop = StopWish { reason: Reason::Replaced, now: false };
        row.cancel = Some(row.cancel.filter(|cancel| cancel.now).unwrap_or(stop));
        row.rare.wish = Some(wish);
        let row = row.clone();
        self.touched.insert(id);
        self.pipeline_event(
            &row,
            Severity::Normal,
            "Restarting",
            "cancelled, to be restarted as a whole".into(),
        );
        self.replace_pending(id).await
    }

    /// What has not ended in a pipeline gives its place to the next incarnation.
    async fn replace_pending(&mut self, pipeline: Uuid) -> EngineResult<()> {
        for task in self.tasks_of(pipeline).await? {
            if !task.phase.is_terminal() {
                self.forget_wish(task.id)?;
                self.stop_task(task.id, StopWish { reason: Reason::Replaced, now: false }).await?;
            }
        }
        Ok(())
    }

    /// The restart that was to follow the end of this pipeline.
    pub(super) async fn grant_whole(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.pipeline(id).await?.clone();
        let Some(wish) = row.rare.wish.clone().filter(|_| row.phase.is_terminal()) else { return Ok(()) };
        self.pipeline_mut(id).await?.rare.wish = None;
        if !row.newest || row.deleted_at.is_some() {
            return Ok(());
        }
        match self.restart_whole(&row, wish).await {
            Ok(_) => Ok(()),
            Err(EngineError::Refused(error)) => {
                self.pipeline_event(&row, Severity::Warning, "NotRestarted", error.message);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the next incarnation of a pipeline whose newest has ended.
    ///
    /// # Errors
    /// `Invalid` for a change of what is no parameter; `Conflict` where a stored manifest cannot be read.
    pub(super) async fn restart_whole(
        &mut self,
        newest: &PipelineRow,
        wish: WholeWish,
    ) -> EngineResult<Uuid> {
        let named = match wish.parent {
            Some(parent) => self.pipeline(parent).await?.clone(),
            None => newest.clone(),
        };
        let mut body = self.pipeline_body(&named).await?;
        body.header.params = self.check_params(&named, &body, &wish.changes).await?;
        body.header.created_by = Some(wish.by.clone());
        let params = body.header.params.clone();
        let plan = self.plan_whole(newest, &named, &wish).await?;
        let tasks = self.next_tasks(newest, &named).await?;
        let bodies = self.readable_bodies(&tasks).await?;
        let key = whole::key_of(&named.name, &body.spec, &params)?;
        self.refuse_held_whole(newest, key.as_ref()).await?;
        for (next, task) in tasks.iter().zip(&bodies) {
            self.refuse_held_key(&next.newest, &task.spec, &body.header.params).await?;
        }
        self.replace_pending(newest.id).await?;
        let because =
            RestartBody { reason: wish.reason.clone(), changes: Changes::new(), by: Some(wish.by.clone()) };
        body.restart = Some(RestartBody { changes: wish.changes.clone(), ..because.clone() });
        let id = self.draw_id().await?;
        let mut row = self.next_pipeline(&id, newest, &named, tasks.len());
        whole::describe(&mut row, &body.spec, key);
        self.set_gate(&mut row, &body.spec).await?;
        row.set_out(self.now);
        self.effects.arm(row.rare.due_at);
        self.tx.insert_pipelines(&[NewPipeline { row: row.clone(), body: body::to_text(&body)? }]).await?;
        self.pipelines.insert(row.id, row.clone());
        self.touched.insert(row.id);
        self.pipeline_mut(newest.id).await?.newest = false;
        let contexts: BTreeSet<Uuid> = tasks.iter().map(|next| next.newest.context_id).collect();
        let mut made = Vec::with_capacity(tasks.len());
        for (next, mut body) in tasks.iter().zip(bodies) {
            body.restart = Some(because.clone());
            made.push(self.next_task(next, body, (row.id, &params), &wish).await?);
        }
        self.tell_outside(&tasks, &contexts).await?;
        for task in made {
            self.start_out(task).await?;
        }
        self.tell_all().await?;
        // What depends on it from outside.
        let outside =
            Plan { steps: plan.steps.into_iter().filter(|step| !contexts.contains(&step.context)).collect() };
        self.carry_out(&outside, &[], &because, wish.cascade).await?;
        let words = format!("restarted as a whole: {}@{}", row.name, row.incarnation);
        self.pipeline_event(newest, Severity::Normal, "Restarted", words);
        Ok(row.id)
    }

    /// Refuses what would wait for ever: a queue or a semaphore of the pipeline or of a step is gone since, or too small.
    async fn refuse_lost_step_limits(
        &mut self,
        named: &PipelineRow,
        body: &PipelineBody,
        tasks: &[Next],
    ) -> EngineResult<()> {
        let bodies = self.readable_bodies(tasks).await?;
        let mut limits = vec![Named::new("spec", body.spec.queue.as_deref(), &body.spec.semaphores)];
        for (next, task) in tasks.iter().zip(&bodies) {
            let place = body.spec.steps.iter().position(|step| Some(&step.name) == next.parent.step.as_ref());
            let prefix = field::item("spec.steps", place.unwrap_or_default());
            limits.push(Named::new(prefix, task.spec.queue.as_deref(), &task.spec.semaphores));
        }
        let causes = lanes::causes(self.tx, &limits).await?;
        let refused =
            |causes| ApiError::invalid(&format!("the restart of pipeline {:?}", named.name), causes);
        if causes.is_empty() { Ok(()) } else { Err(refused(causes).into()) }
    }

    /// The parameters that hold after the changes, with which every task can still be made.
    async fn check_params(
        &mut self,
        named: &PipelineRow,
        body: &PipelineBody,
        changes: &Changes,
    ) -> EngineResult<BTreeMap<String, serde_json::Value>> {
        let refused =
            |causes| ApiError::invalid(&format!("the restart of pipeline {:?}", named.name), causes);
        let params = change::apply_to_params(&body.header.params, changes).map_err(refused)?;
        if changes.is_empty() {
            return Ok(params);
        }
        let object = Pipeline {
            api_version: API_VERSION.into(),
            kind: "Pipeline".into(),
            metadata: Metadata { name: Some(named.name.clone()), ..Metadata::default() },
            spec: body.spec.clone(),
            status: None,
        };
        let causes = check::pipeline(&object, &params);
        if causes.is_empty() { Ok(params) } else { Err(refused(causes).into()) }
    }

    pub(super) async fn pipeline_body(&mut self, row: &PipelineRow) -> EngineResult<PipelineBody> {
        self.flush().await?;
        let bodies = self.tx.pipeline_bodies(&[row.id]).await?;
        let text = bodies.first().map(|(_, text)| text.as_str()).unwrap_or_default();
        body::from_text::<PipelineBody>(&row.name, text).map_err(|error| {
            tracing::error!(pipeline = %row.id, %error, "a stored pipeline cannot be read");
            let words =
                format!("the stored manifest of {} cannot be read: nobody knows what to run", row.name);
            EngineError::conflict(words)
        })
    }

    /// The tasks of an incarnation of a pipeline, each with the newest of its context.
    async fn next_tasks(&mut self, newest: &PipelineRow, named: &PipelineRow) -> EngineResult<Vec<Next>> {
        let rows = match newest.id == named.id {
            true => self.tasks_of(newest.id).await?,
            false => {
                self.flush().await?;
                self.tx.tasks_within(named.id).await?
            }
        };
        let mut parents: BTreeMap<Uuid, TaskRow> = BTreeMap::new();
        // Items are made by their steps.
        for row in rows.into_iter().filter(|row| !row.is_item()) {
            let known = parents.entry(row.context_id).or_insert_with(|| row.clone());
            if known.incarnation < row.incarnation {
                *known = row;
            }
        }
        let contexts: Vec<Uuid> = parents.keys().copied().collect();
        self.load_newest(&contexts).await?;
        let next = |parent: TaskRow| {
            let newest = self.newest_of(parent.context_id)?.clone();
            Some(Next { parent, newest })
        };
        let mut tasks: Vec<Next> = parents.into_values().filter_map(next).collect();
        tasks.sort_by(|a, b| a.parent.name.cmp(&b.parent.name));
        Ok(tasks)
    }

    async fn readable_bodies(&mut self, tasks: &[Next]) -> EngineResult<Vec<TaskBody>> {
        let ids: Vec<Uuid> = tasks.iter().map(|next| next.parent.id).collect();
        let texts: BTreeMap<Uuid, String> = self.tx.task_bodies(&ids).await?.into_iter().collect();
        let read = |next: &Next| {
            let text = texts.get(&next.parent.id).map(String::as_str).unwrap_or_default();
            body::from_text::<TaskBody>(&next.parent.name, text)
                .map_err(|error| EngineError::conflict(error.to_string()))
        };
        tasks.iter().map(read).collect()
    }

    fn next_pipeline(
        &mut self,
        id: &TaskId,
        newest: &PipelineRow,
        named: &PipelineRow,
        total: usize,
    ) -> PipelineRow {
        PipelineRow {
            id: id.id(),
            parent_id: Some(named.id),
            incarnation: newest.incarnation + 1,
            newest: true,
            head: id.head(),
            phase: Phase::Pending,
            reason: None,
            message: None,
            total: total as u32,
            done: 0,
            failed: 0,
            cancelled: 0,
            admitted: 0,
            tripped: false,
            cancel: None,
            restarts: 0,
            created_at: self.now,
            updated_at: self.now,
            started_at: None,
            finished_at: None,
            deleted_at: None,
            version: self.tx.next_version(),
            rare: PipelineRare {
                ttl: named.rare.ttl,
                source: named.rare.source.clone(),
                ..PipelineRare::default()
            },
            ..named.clone()
        }
    }

    /// The next incarnation of one task, which waits for all that it needs.
    async fn next_task(
        &mut self,
        next: &Next,
        body: TaskBody,
        (pipeline, params): (Uuid, &BTreeMap<String, serde_json::Value>),
        wish: &WholeWish,
    ) -> EngineResult<Uuid> {
        let id = self.draw_id().await?;
        let (mut row, root) = self.child_row(&id, &next.parent, &next.newest, body);
        row.pipeline_id = Some(pipeline);
        row.cascade = wish.cascade;
        row.lane = self.lane_of(&root.body.spec, &root.queue).await?;
        let key = unique::key_of(&root.body.spec, "spec", params);
        row.rare.unique = key.map_err(|causes| ApiError::invalid("the task", causes))?;
        // Every need is a new task that has not ended.
        row.live_needs = row.needs;
        self.task_mut(next.newest.id)?.newest = false;
        self.insert(row, body::to_text(&root.body)?);
        Ok(id.id())
    }

    /// Tells who needs one of these tasks from outside that it runs again.
    async fn tell_outside(&mut self, tasks: &[Next], contexts: &BTreeSet<Uuid>) -> EngineResult<()> {
        let all: Vec<Uuid> = contexts.iter().copied().collect();
        let edges = self.tx.dependents(&all).await?;
        let before: BTreeMap<Uuid, Class> =
            tasks.iter().map(|next| (next.newest.context_id, class_of(&next.newest))).collect();
        let outside: Vec<_> = edges.into_iter().filter(|edge| !contexts.contains(&edge.dependent)).collect();
        let dependents: Vec<Uuid> = outside.iter().map(|edge| edge.dependent).collect();
        self.load_newest(&dependents).await?;
        for edge in outside {
            let was = before[&edge.need];
            if was != Class::Live {
                let change = ClassChange { context: edge.need, before: was, after: Class::Live };
                self.tell(edge.dependent, change).await?;
            }
        }
        Ok(())
    }
}
