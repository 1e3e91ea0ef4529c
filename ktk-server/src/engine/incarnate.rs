//! New rows of tasks: roots and further incarnations, their needs counted and judged at once.

use ktk_client::api::{
    ApiError, Cause, Phase, Reason, TaskId,
    change::{self, Changes},
    check,
    event::Severity,
    restart::Cascade,
    shell,
    task::{Resolved, TaskSpec},
};
use uuid::Uuid;

use super::{
    body::{self, RestartBody, TaskBody},
    create_task::add,
    error::{EngineError, EngineResult},
    lanes::{Limits, Named},
    typed::{TypeUse, Types},
    unit::Unit,
};
use crate::{
    limits,
    model::{
        clocks::later,
        lane::PLAIN,
        rare::{ForEachRare, Stage, TaskRare},
        row::{EXTERNAL, FOR_EACH, TaskRow},
        settle::{self, Class, class_of},
    },
    store::Tx,
};

/// What a root task is made of.
pub struct Root {
    pub namespace: String,
    /// The human name of the id when absent.
    pub name: Option<String>,
    pub labels: Option<String>,
    pub body: TaskBody,
    /// Pipeline and step.
    pub step: Option<(Uuid, String)>,
    pub queue: String,
}

impl<T: Tx> Unit<'_, T> {
    /// An id whose human name nobody has.
    pub async fn draw_id(&mut self) -> EngineResult<TaskId> {
        for _ in 0..limits::NAME_DRAWS {
            let id = TaskId::new(self.shared.entropy.id(self.now));
            let heads = id.namesakes();
            let is_taken = !self.tx.tasks_by_head(heads.clone(), 1).await?.is_empty()
                || !self.tx.pipelines_by_head(heads, 1).await?.is_empty();
            if !is_taken {
                return Ok(id);
            }
        }
        Err(EngineError::Bug(format!("{} human names in turn were taken", limits::NAME_DRAWS)))
    }

    /// The row of a new root task, its needs not yet judged.
    pub fn root_row(&self, id: &TaskId, root: &Root) -> TaskRow {
        let spec = &root.body.spec;
        let mut row = TaskRow {
            id: id.id(),
            context_id: id.id(),
            parent_id: None,
            incarnation: 1,
            newest: true,
            namespace: root.namespace.clone(),
            name: root.name.clone().unwrap_or_else(|| id.human_name().to_owned()),
            head: id.head(),
            pipeline_id: root.step.as_ref().map(|(pipeline, _)| *pipeline),
            step: root.step.as_ref().map(|(_, step)| step.clone()),
            execution_id: root.step.as_ref().map_or(id.id(), |(pipeline, _)| *pipeline),
            labels: root.labels.clone(),
            command: command_text(spec),
            executor: executor(spec).to_owned(),
            queue: root.queue.clone(),
            lane: PLAIN,
            priority: spec.priority.unwrap_or(0),
            run_if: spec.run_if,
            cascade: Cascade::Auto,
            phase: Phase::Pending,
            reason: Some(Reason::WaitingForUpstream),
            message: None,
            admitted: false,
            needs: root.body.needs.len() as u32,
            live_needs: 0,
            bad_needs: 0,
            attempt: 0,
            counted: 0,
            lost: 0,
            fence: None,
            token: None,
            node_id: None,
            node: None,
            exit_code: None,
            output_digest: None,
            stop: None,
            wish: None,
            created_at: self.now,
            updated_at: self.now,
            ready_at: None,
            started_at: None,
            finished_at: None,
            due_at: spec.run_after.filter(|at| *at > self.now),
            deleted_at: None,
            version: 0,
            rare: TaskRare {
                jq: spec.holds_expression().then_some(Stage::Waiting),
                // A pipeline's tasks go with it.
                ttl: spec.ttl_after_finished.filter(|_| root.step.is_none()),
                source: root.body.applied.as_ref().and_then(|applied| applied.source.clone()),
                checks_outputs: root.body.of_type.as_ref().is_some_and(|of| of.definition.outputs.is_some()),
                ..TaskRare::default()
            },
        };
        if spec.for_each.is_some() {
            // It never runs: times, hooks and outputs are its items'.
            row.due_at = None;
            row.rare.checks_outputs = false;
            row.rare.for_each = Some(ForEachRare::default());
            return row;
        }
        row.rare.has_hooks = spec.hooks.is_some();
        row.rare.is_request = spec.http.is_some();
        if let Some(deadline) = spec.deadline {
            row.set_deadline_at(later(self.now, deadline.get()));
        }
        row
    }

    /// Counts the needs of a new row as they are now.
    pub async fn count_needs(&mut self, row: &mut TaskRow, needs: &[Uuid]) -> EngineResult<()> {
        self.load_newest(needs).await?;
        (row.live_needs, row.bad_needs) = (0, 0);
        for need in needs {
            match self.newest_of(*need).map(class_of) {
                Some(Class::Live) => row.live_needs += 1,
                Some(Class::Bad) => row.bad_needs += 1,
                Some(Class::Good) => {}
                None => return Err(EngineError::Bug(format!("{} needs {need}, which is gone", row.name))),
            }
        }
        Ok(())
    }

    /// Makes the next incarnation of a context: everything the parent had. All earlier changes
    /// must have settled.
    pub async fn incarnate(
        &mut self,
        parent: Uuid,
        because: RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Uuid> {
        let id = self.next_incarnation(parent, because, cascade).await?;
        self.start_out(id).await?;
        // Settled before anything else is made: later rows count their needs as they then are.
        self.tell_all().await?;
        Ok(id)
    }

    /// The same, not yet judged.
    pub(super) async fn next_incarnation(
        &mut self,
        parent: Uuid,
        because: RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Uuid> {
        let id = self.draw_id().await?;
        let old_body = self.body(parent).await?;
        let parent = self.task(parent)?.clone();
        let Some(body) = old_body else {
            let words =
                format!("the stored manifest of {} cannot be read: nobody knows what to run", parent.name);
            return Err(EngineError::conflict(words));
        };
        let mut body = self.changed(&parent, body, &because.changes, Limits::Lost).await?;
        self.load_newest(&[parent.context_id]).await?;
        let newest = self
            .newest_of(parent.context_id)
            .ok_or_else(|| EngineError::Bug(format!("{} has no newest incarnation", parent.name)))?
            .clone();
        let holds_anew = because.changes.contains_key("hold") && body.spec.hold;
        let values = match parent.is_item() {
            true => self.values_of_item(&parent, &because.changes).await?,
            false => None,
        };
        body.restart = Some(because);
        let (mut row, root) = self.child_row(&id, &parent, &newest, body);
        row.cascade = cascade;
        row.lane = self.lane_of(&root.body.spec, &root.queue).await?;
        row.rare.unique = self.key_within(&root.body.spec, parent.pipeline_id).await?;
        if let Some(text) = values {
            row.rare.jq = Some(Stage::Evaluated);
            self.result_mut(row.id).inputs = Some(text);
        }
        if let Some(step) = self.step_of(&parent).await?
            && let Some(item) = &mut row.rare.item
            && step.rare.for_each.is_some_and(|each| each.is_expanded)
        {
            item.step = step.id;
        }
        // A hold is the parent's own; in a pipeline that is held, everything is.
        row.rare.held = holds_anew;
        row.rare.held_within = false;
        if let Some(pipeline) = parent.pipeline_id
            && !holds_anew
        {
            row.rare.held = self.pipeline(pipeline).await?.rare.held;
            row.rare.held_within = row.rare.held;
        }
        self.count_needs(&mut row, &root.body.needs).await?;
        self.task_mut(newest.id)?.newest = false;
        self.replace_in_pipeline(&newest, &row).await?;
        let id = row.id;
        self.insert(row, body::to_text(&root.body)?);
        self.tell_new_incarnation(&newest, id);
        Ok(id)
    }

    /// The row of a context's next incarnation, with what its parent had, its needs not yet judged.
    pub(super) fn child_row(
        &self,
        id: &TaskId,
        parent: &TaskRow,
        newest: &TaskRow,
        body: TaskBody,
    ) -> (TaskRow, Root) {
        let root = Root {
            namespace: parent.namespace.clone(),
            name: Some(parent.name.clone()),
            labels: parent.labels.clone(),
            step: parent.pipeline_id.zip(parent.step.clone()),
            queue: body.spec.queue.clone().unwrap_or_else(|| parent.queue.clone()),
            body,
        };
        let mut row = self.root_row(id, &root);
        row.context_id = parent.context_id;
        row.parent_id = Some(parent.id);
        row.incarnation = newest.incarnation + 1;
        row.execution_id = parent.execution_id;
        row.rare.spawned_by = parent.rare.spawned_by;
        row.rare.item = parent.rare.item.clone();
        if let (Some(each), Some(old)) = (&mut row.rare.for_each, &newest.rare.for_each) {
            // Its items are what they are, whichever incarnation made them.
            (each.items, each.live, each.bad) = (old.items, old.live, old.bad);
        }
        (row, root)
    }

    /// What a restart with these changes runs.
    ///
    /// # Errors
    /// `Invalid` with every change that is no field, and with all that is wrong with what comes of them.
    pub async fn changed(
        &mut self,
        parent: &TaskRow,
        mut body: TaskBody,
        changes: &Changes,
        limits: Limits,
    ) -> EngineResult<TaskBody> {
        let refused = |causes| ApiError::invalid(&format!("the restart of task {:?}", parent.name), causes);
        if changes.is_empty() {
            // Its queue or its semaphores may be gone since: it would wait for ever.
            let causes = match parent.is_in_line() {
                false => Vec::new(),
                true => limits.causes(self.tx, &[Named::of(&body.spec)]).await?,
            };
            if !causes.is_empty() {
                return Err(refused(causes).into());
            }
            if body.spec.unique.is_some() {
                let params = self.params_of(parent.pipeline_id).await?;
                self.refuse_held_key(parent, &body.spec, &params).await?;
            }
            return Ok(body);
        }
        let asked = body.of_type.as_ref().map_or(&body.spec, |of_type| &of_type.asked);
        let (asked, mut causes) = match change::apply(asked, changes) {
            Ok(asked) => (asked, Vec::new()),
            // The other changes may be wrong as well: all is said at once.
            Err(causes) => match change::apply(asked, &change::sound(asked, changes)) {
                Ok(asked) => (asked, causes),
                Err(_) => return Err(refused(causes).into()),
            },
        };
        let header = match parent.pipeline_id {
            Some(pipeline) => self.shared.header(self.tx, pipeline).await?,
            None => Default::default(),
        };
        add(&mut causes, check::changed(&asked, &header.params));
        if parent.pipeline_id.is_some() && asked.ttl_after_finished.is_some() {
            causes.push(Cause::new("ttlAfterFinished", "a step's task goes with its pipeline: remove it"));
        }
        if asked.for_each.is_some() != parent.is_for_each() {
            causes.push(Cause::new("forEach", "cannot be given to a task, or taken away, by a restart"));
        }
        if causes.is_empty() {
            let keeps_type = |of_type: &TypeUse| of_type.asked.type_name == asked.type_name;
            match body.of_type.take().filter(|of_type| keeps_type(of_type)) {
                // The same version: as it was when the task was made.
                Some(of_type) => {
                    let of_type = Box::new(TypeUse { asked, ..*of_type });
                    body.spec = of_type.spec();
                    causes.extend(self.input_causes(&of_type.definition, "spec", &body.spec));
                    body.of_type = Some(of_type);
                }
                None => match Types::new(None).complete(self, &asked, "spec", &header.params).await? {
                    Ok((spec, of_type)) => (body.spec, body.of_type) = (spec, of_type),
                    Err(more) => causes.extend(more),
                },
            }
        } else {
            body.spec = asked;
        }
        add(&mut causes, limits.causes(self.tx, &[Named::of(&body.spec)]).await?);
        if !causes.is_empty() {
            return Err(refused(causes).into());
        }
        self.refuse_held_key(parent, &body.spec, &header.params).await?;
        Ok(body)
    }

    /// As [`Unit::incarnate`], where nobody asks at that moment: what cannot be made is recorded, and all else goes
    /// its way.
    pub async fn try_incarnate(
        &mut self,
        parent: Uuid,
        because: RestartBody,
        cascade: Cascade,
    ) -> EngineResult<Option<Uuid>> {
        let made = self.incarnate(parent, because, cascade).await;
        self.noted(parent, made)
    }

    /// What was made, or nothing where it was refused: that is recorded.
    pub(super) fn noted(&mut self, parent: Uuid, made: EngineResult<Uuid>) -> EngineResult<Option<Uuid>> {
        match made {
            Ok(id) => Ok(Some(id)),
            Err(EngineError::Refused(error)) => {
                let row = self.task(parent)?.clone();
                self.task_event(&row, Severity::Warning, "NotRestarted", error.message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn tell_all(&mut self) -> EngineResult<()> {
        while !self.changes.is_empty() {
            self.tell_changes().await?;
        }
        Ok(())
    }

    /// The dependents of the context see the new incarnation in the place of the old one. One that need not run has
    /// settled at once: who has finished is compared.
    pub(super) fn tell_new_incarnation(&mut self, old: &TaskRow, new: Uuid) {
        let was = class_of(old);
        let row = &self.tasks[&new];
        let is = class_of(row);
        if was != is || row.phase.is_terminal() {
            let change = super::unit::ClassChange { context: old.context_id, before: was, after: is };
            self.changes.push_back(change);
        }
    }

    pub(super) async fn replace_in_pipeline(&mut self, old: &TaskRow, new: &TaskRow) -> EngineResult<()> {
        let Some(pipeline) = new.pipeline_id else { return Ok(()) };
        let row = self.pipeline_mut(pipeline).await?;
        if old.pipeline_id == new.pipeline_id {
            crate::model::pipeline::uncount(row, old);
            crate::model::pipeline::count(row, new);
            row.restarts += 1;
        }
        self.touched.insert(pipeline);
        Ok(())
    }

    /// Somebody asked for a restart inside: an earlier cancel or `failFast` is over.
    pub async fn reopen(&mut self, task: Uuid) -> EngineResult<()> {
        match self.task(task)?.pipeline_id {
            Some(pipeline) => self.reopen_whole(pipeline).await,
            None => Ok(()),
        }
    }

    /// Judges the needs of a row that was just made (it is `Pending/WaitingForUpstream`).
    pub async fn start_out(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?;
        if row.needs == 0 && settle::decision(row) == settle::Decision::Go {
            return self.make_ready(id).await;
        }
        self.reconsider(id).await
    }

    /// The stored manifest of a task. One that is missing or cannot be read is a trouble of that task alone:
    /// it is logged, and nobody else is stopped by it.
    pub async fn body(&mut self, id: Uuid) -> EngineResult<Option<TaskBody>> {
        self.flush().await?;
        let bodies = self.tx.task_bodies(&[id]).await?;
        let text = bodies.first().map(|(_, text)| text.as_str()).unwrap_or_default();
        match body::from_text("a task", text) {
            Ok(body) => Ok(Some(body)),
            Err(error) => {
                tracing::error!(task = %id, %error, "a stored task cannot be read");
                Ok(None)
            }
        }
    }

    /// Records what tasks take from their needs as they are now.
    pub async fn take_needs(&mut self, ids: &[Uuid]) -> EngineResult<()> {
        for id in ids {
            if self.task(*id)?.needs == 0 {
                continue;
            }
            let Some(body) = self.body(*id).await? else { continue };
            self.load_newest(&body.needs).await?;
            let resolved = self.resolved(&body);
            self.result_mut(*id).resolved = Some(body::to_text(&resolved)?);
        }
        Ok(())
    }

    /// What each need has come to now.
    pub fn resolved(&self, body: &TaskBody) -> Vec<Resolved> {
        let names = body.spec.needs.iter();
        names
            .zip(&body.needs)
            .filter_map(|(name, context)| {
                let row = self.newest_of(*context)?;
                Some(Resolved {
                    need: name.clone(),
                    id: row.id,
                    phase: row.phase,
                    output_digest: row.output_digest.clone(),
                })
            })
            .collect()
    }
}

/// Who carries out such a spec.
pub(super) fn executor(spec: &TaskSpec) -> &str {
    match &spec.type_name {
        _ if spec.for_each.is_some() => FOR_EACH,
        // A request waits where processes do: the same nodes take both.
        _ if spec.run.is_some() || spec.http.is_some() => "",
        Some(name) => bare(name),
        None if spec.external.is_some() => EXTERNAL,
        None => "",
    }
}

/// A type's name without the version: what handlers are called.
pub(super) fn bare(type_name: &str) -> &str {
    type_name.split_once('@').map_or(type_name, |(name, _)| name)
}

/// The command as tables show it.
fn command_text(spec: &TaskSpec) -> String {
    let full = match (&spec.run, &spec.http, &spec.type_name) {
        _ if spec.for_each.is_some() => {
            spec.for_each.as_ref().map(|each| each.jq.clone()).unwrap_or_default()
        }
        (Some(run), ..) => shell::line(&run.command),
        (None, Some(http), _) => http.line(),
        (None, None, Some(name)) => name.clone(),
        (None, None, None) if spec.external.is_some() => "external".to_owned(),
        (None, None, None) => String::new(),
    };
    match full.char_indices().nth(limits::COMMAND_CHARS) {
        Some((end, _)) => full[..end].to_owned(),
        None => full,
    }
}
