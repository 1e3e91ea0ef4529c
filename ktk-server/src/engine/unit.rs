//! The unit of work of one operation: rows are loaded once, changed in memory, and written
//! together at the end, each with a version of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use ktk_client::api::{DEFAULT_NAMESPACE, Entity, event::Severity, task::Resolved};
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    shared::Shared,
};
use crate::{
    model::{
        row::{AttemptRow, EventRow, NewTask, PipelineRow, ResultRow, TaskRow, TombstoneRow},
        settle::Class,
    },
    store::Tx,
};

/// What has to be told, once the operation is committed, to those who wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Something may be claimed that could not be before.
    pub work: bool,
    /// Running attempts are to be stopped.
    pub stops: bool,
    /// Expressions are to be evaluated.
    pub evaluations: bool,
    /// Hooks are to be called.
    pub hooks: bool,
    /// The earliest new time at which a clock moves something.
    pub due: Option<Timestamp>,
    /// The earliest new time after which something goes by itself.
    pub expires: Option<Timestamp>,
    /// How many tasks have ended.
    pub ended: u64,
    /// The highest version that was written.
    pub version: u64,
    /// Tasks with an affinity that were kept for another node, with the node.
    pub offered: Vec<(Uuid, Uuid)>,
    /// Tasks with an affinity that a node was given.
    pub taken: Vec<Uuid>,
    /// Tasks that are gone: their logs go too.
    pub removed_tasks: Vec<Uuid>,
    /// Pipelines and contexts that are gone: their directories go too.
    pub removed_owners: Vec<Uuid>,
}

impl Effects {
    /// A clock moves something at this time.
    pub fn arm(&mut self, due: Option<Timestamp>) {
        self.due = [self.due, due].into_iter().flatten().min();
    }

    /// A task is written as it now is.
    fn wrote(&mut self, row: &TaskRow) {
        self.version = row.version;
        self.arm(row.due_at);
        self.expires = [self.expires, row.rare.expires_at].into_iter().flatten().min();
        self.ended += u64::from(row.phase.is_terminal());
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.work |= other.work;
        self.stops |= other.stops;
        self.evaluations |= other.evaluations;
        self.hooks |= other.hooks;
        self.arm(other.due);
        self.expires = [self.expires, other.expires].into_iter().flatten().min();
        self.ended += other.ended;
        self.version = self.version.max(other.version);
        self.offered.extend(other.offered);
        self.taken.extend(other.taken);
        self.removed_tasks.extend(other.removed_tasks);
        self.removed_owners.extend(other.removed_owners);
    }
}

/// A context whose newest incarnation changed its class.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassChange {
    pub context: Uuid,
    pub before: Class,
    pub after: Class,
}

/// The working set of one operation.
pub struct Unit<'u, T: Tx> {
    pub tx: &'u mut T,
    pub shared: &'u Shared,
    pub now: Timestamp,
    /// Who asked for it.
    pub by: &'u str,
    pub effects: Effects,
    /// Boxed: rows are large, and a map moves what it holds.
    pub(super) tasks: BTreeMap<Uuid, Box<TaskRow>>,
    pub(super) newest: BTreeMap<Uuid, Uuid>,
    pub(super) pipelines: BTreeMap<Uuid, PipelineRow>,
    /// Pipelines all of whose newest tasks are in the working set.
    pub(super) whole: BTreeSet<Uuid>,
    pub(super) changes: VecDeque<ClassChange>,
    /// Pipelines whose counts changed.
    pub(super) touched: BTreeSet<Uuid>,
    /// Pipelines in which a place under `maxParallel` became free.
    pub(super) freed: BTreeSet<Uuid>,
    /// Pipelines with `failFast` in which a task failed for good.
    pub(super) trips: BTreeSet<Uuid>,
    /// What happened to tasks that have hooks.
    pub(super) happened: VecDeque<super::hooks::Happened>,
    /// Steps for failures that have nothing to do.
    pub(super) unneeded: BTreeSet<Uuid>,
    /// External tasks that may start.
    pub(super) externals: BTreeSet<Uuid>,
    /// Namespaces and unique keys that have been given back.
    pub(super) keys: BTreeSet<(String, String)>,
    /// The same of pipelines.
    pub(super) whole_keys: BTreeSet<(String, String)>,
    /// Whether external tasks that wait for a permit, or for their queue, may start now.
    pub(super) looks_for_externals: bool,
    /// Finished dependents that saw something else than what is now, and wishes that are due.
    pub(super) reruns: VecDeque<super::rerun::Rerun>,
    /// Tasks and pipelines whose deletion can happen now.
    pub(super) doomed: BTreeSet<Uuid>,
    /// What steps with `forEach` took from their needs, by incarnation.
    pub(super) steps_took: BTreeMap<Uuid, Vec<Resolved>>,
    dirty_tasks: BTreeSet<Uuid>,
    dirty_pipelines: BTreeSet<Uuid>,
    /// Tasks that are made, with their bodies; the rows are in the working set.
    inserts: Vec<(Uuid, String)>,
    results: BTreeMap<Uuid, ResultRow>,
    attempts: Vec<AttemptRow>,
    events: Vec<EventRow>,
    tombstones: Vec<TombstoneRow>,
}

impl<'u, T: Tx> Unit<'u, T> {
    pub fn new(tx: &'u mut T, shared: &'u Shared, now: Timestamp, by: &'u str) -> Self {
        Self {
            tx,
            shared,
            now,
            by,
            effects: Effects::default(),
            tasks: BTreeMap::new(),
            newest: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            whole: BTreeSet::new(),
            changes: VecDeque::new(),
            touched: BTreeSet::new(),
            freed: BTreeSet::new(),
            trips: BTreeSet::new(),
            happened: VecDeque::new(),
            unneeded: BTreeSet::new(),
            externals: BTreeSet::new(),
            keys: BTreeSet::new(),
            whole_keys: BTreeSet::new(),
            looks_for_externals: false,
            reruns: VecDeque::new(),
            doomed: BTreeSet::new(),
            steps_took: BTreeMap::new(),
            dirty_tasks: BTreeSet::new(),
            dirty_pipelines: BTreeSet::new(),
            inserts: Vec::new(),
            results: BTreeMap::new(),
            attempts: Vec::new(),
            events: Vec::new(),
            tombstones: Vec::new(),
        }
    }

    /// Takes a loaded row into the working set; what is there already is newer.
    pub fn adopt(&mut self, row: TaskRow) -> Uuid {
        let id = row.id;
        if row.newest && !self.newest.contains_key(&row.context_id) {
            self.newest.insert(row.context_id, id);
        }
        self.tasks.entry(id).or_insert_with(|| Box::new(row));
        id
    }

    /// Loads tasks that are not in the working set yet.
    pub async fn load(&mut self, ids: &[Uuid]) -> EngineResult<()> {
        let missing: Vec<Uuid> = ids.iter().copied().filter(|id| !self.tasks.contains_key(id)).collect();
        if !missing.is_empty() {
            for row in self.tx.tasks(&missing).await? {
                self.adopt(row);
            }
        }
        Ok(())
    }

    /// Loads the newest incarnations of contexts that are not in the working set yet.
    pub async fn load_newest(&mut self, contexts: &[Uuid]) -> EngineResult<()> {
        let missing: Vec<Uuid> =
            contexts.iter().copied().filter(|context| !self.newest.contains_key(context)).collect();
        if !missing.is_empty() {
            for row in self.tx.newest_tasks(&missing).await? {
                self.adopt(row);
            }
        }
        Ok(())
    }

    /// A task of the working set.
    pub fn task(&self, id: Uuid) -> EngineResult<&TaskRow> {
        self.tasks
            .get(&id)
            .map(|row| &**row)
            .ok_or_else(|| EngineError::Bug(format!("task {id} was not loaded")))
    }

    /// The newest incarnation of a loaded context; `None` where the context is gone.
    pub fn newest_of(&self, context: Uuid) -> Option<&TaskRow> {
        self.tasks.get(self.newest.get(&context)?).map(|row| &**row)
    }

    /// A task to change: it will be written.
    pub fn task_mut(&mut self, id: Uuid) -> EngineResult<&mut TaskRow> {
        self.dirty_tasks.insert(id);
        self.tasks
            .get_mut(&id)
            .map(|row| &mut **row)
            .ok_or_else(|| EngineError::Bug(format!("task {id} was not loaded")))
    }

    /// A pipeline, loaded when needed.
    pub async fn pipeline(&mut self, id: Uuid) -> EngineResult<&PipelineRow> {
        if !self.pipelines.contains_key(&id) {
            for row in self.tx.pipelines(&[id]).await? {
                self.pipelines.insert(row.id, row);
            }
        }
        self.pipelines.get(&id).ok_or_else(|| EngineError::Bug(format!("pipeline {id} is not there")))
    }

    /// A pipeline to change: it will be written.
    pub async fn pipeline_mut(&mut self, id: Uuid) -> EngineResult<&mut PipelineRow> {
        self.pipeline(id).await?;
        self.dirty_pipelines.insert(id);
        Ok(self.pipelines.get_mut(&id).expect("loaded above"))
    }

    /// A task that this operation makes.
    pub fn insert(&mut self, row: TaskRow, body: String) {
        self.newest.insert(row.context_id, row.id);
        self.inserts.push((row.id, body));
        self.tasks.insert(row.id, Box::new(row));
    }

    /// What an attempt took or put out; fields that are absent leave what is stored.
    pub fn result_mut(&mut self, task: Uuid) -> &mut ResultRow {
        self.results.entry(task).or_insert_with(|| ResultRow { task_id: task, ..ResultRow::default() })
    }

    pub fn insert_attempt(&mut self, row: AttemptRow) {
        self.attempts.push(row);
    }

    pub fn insert_tombstone(&mut self, row: TombstoneRow) {
        self.tombstones.push(row);
    }

    /// Records something worth knowing of a task.
    pub fn task_event(&mut self, row: &TaskRow, severity: Severity, reason: &str, message: String) {
        self.events.push(EventRow {
            id: self.shared.entropy.id(self.now),
            at: self.now,
            namespace: row.namespace.clone(),
            severity,
            reason: reason.to_owned(),
            object_kind: "Task".into(),
            object_id: row.id,
            object_name: row.name.clone(),
            object_incarnation: row.incarnation,
            pipeline_id: row.pipeline_id,
            by: self.by.to_owned(),
            message,
        });
    }

    /// Records something worth knowing of a pipeline.
    pub fn pipeline_event(&mut self, row: &PipelineRow, severity: Severity, reason: &str, message: String) {
        self.events.push(EventRow {
            id: self.shared.entropy.id(self.now),
            at: self.now,
            namespace: row.namespace.clone(),
            severity,
            reason: reason.to_owned(),
            object_kind: "Pipeline".into(),
            object_id: row.id,
            object_name: row.name.clone(),
            object_incarnation: row.incarnation,
            pipeline_id: Some(row.id),
            by: self.by.to_owned(),
            message,
        });
    }

    /// Records something worth knowing of an object without a namespace.
    pub fn entity_event<E: Entity>(&mut self, object: &E, severity: Severity, reason: &str, message: String) {
        self.events.push(EventRow {
            id: self.shared.entropy.id(self.now),
            at: self.now,
            namespace: DEFAULT_NAMESPACE.into(),
            severity,
            reason: reason.to_owned(),
            object_kind: E::KIND.into(),
            object_id: object.metadata().id.unwrap_or_default(),
            object_name: object.metadata().name().to_owned(),
            object_incarnation: 1,
            pipeline_id: None,
            by: self.by.to_owned(),
            message,
        });
    }

    /// Takes a task out of the working set: it is being deleted.
    pub fn forget(&mut self, id: Uuid) {
        self.dirty_tasks.remove(&id);
        self.results.remove(&id);
        if let Some(row) = self.tasks.remove(&id)
            && self.newest.get(&row.context_id) == Some(&id)
        {
            self.newest.remove(&row.context_id);
        }
    }

    /// Takes a pipeline out of the working set: it is being deleted.
    pub fn forget_pipeline(&mut self, id: Uuid) {
        self.dirty_pipelines.remove(&id);
        self.pipelines.remove(&id);
    }

    /// Writes rows that changed, so that queries of the store see them. The version of each row
    /// is the one of its last write.
    pub async fn flush(&mut self) -> EngineResult<()> {
        self.flush_tasks().await?;
        let mut rows = Vec::with_capacity(self.dirty_pipelines.len());
        for id in std::mem::take(&mut self.dirty_pipelines) {
            let version = self.tx.next_version();
            let row = self.pipelines.get_mut(&id).expect("a changed pipeline is loaded");
            row.version = version;
            row.updated_at = self.now;
            row.keep_expiry();
            self.effects.version = version;
            self.effects.expires = [self.effects.expires, row.rare.expires_at].into_iter().flatten().min();
            self.effects.arm(row.rare.due_at);
            rows.push(row.clone());
        }
        if !rows.is_empty() {
            self.tx.update_pipelines(&rows).await?;
        }
        self.flush_cold().await
    }

    async fn flush_tasks(&mut self) -> EngineResult<()> {
        let mut inserts = Vec::with_capacity(self.inserts.len());
        for (id, body) in std::mem::take(&mut self.inserts) {
            let version = self.tx.next_version();
            let row = self.tasks.get_mut(&id).expect("a new task is in the working set");
            row.version = version;
            row.updated_at = self.now;
            row.keep_expiry();
            self.effects.wrote(row);
            inserts.push(NewTask { row: TaskRow::clone(row), body });
            self.dirty_tasks.remove(&id);
        }
        let mut rows = Vec::with_capacity(self.dirty_tasks.len());
        for id in std::mem::take(&mut self.dirty_tasks) {
            let version = self.tx.next_version();
            let row = self.tasks.get_mut(&id).expect("a changed task is in the working set");
            row.version = version;
            row.updated_at = self.now;
            row.keep_expiry();
            self.effects.wrote(row);
            rows.push(TaskRow::clone(row));
        }
        // Updates first: a parent stops being the newest before its child is.
        if !rows.is_empty() {
            self.tx.update_tasks(&rows).await?;
        }
        if !inserts.is_empty() {
            self.tx.insert_tasks(&inserts).await?;
        }
        Ok(())
    }

    async fn flush_cold(&mut self) -> EngineResult<()> {
        let results = std::mem::take(&mut self.results);
        if !results.is_empty() {
            self.merge_results(results).await?;
        }
        let attempts = std::mem::take(&mut self.attempts);
        if !attempts.is_empty() {
            self.tx.insert_attempts(&attempts).await?;
        }
        let events = std::mem::take(&mut self.events);
        if !events.is_empty() {
            self.tx.insert_events(&events).await?;
        }
        let tombstones = std::mem::take(&mut self.tombstones);
        if !tombstones.is_empty() {
            self.tx.insert_tombstones(&tombstones).await?;
        }
        Ok(())
    }

    /// Outputs, resolved needs and inputs are written at different times: one keeps the others.
    async fn merge_results(&mut self, mut results: BTreeMap<Uuid, ResultRow>) -> EngineResult<()> {
        let partial: Vec<Uuid> = results
            .values()
            .filter(|row| self.tasks.get(&row.task_id).is_none_or(|task| lacks_parts(task, row)))
            .map(|row| row.task_id)
            .collect();
        if !partial.is_empty() {
            for stored in self.tx.task_results(&partial).await? {
                let row = results.get_mut(&stored.task_id).expect("asked for these");
                row.outputs = row.outputs.take().or(stored.outputs);
                row.resolved = row.resolved.take().or(stored.resolved);
                row.inputs = row.inputs.take().or(stored.inputs);
            }
        }
        let rows: Vec<ResultRow> = results.into_values().collect();
        Ok(self.tx.put_task_results(&rows).await?)
    }
}

/// Whether the store may have parts of a result that this one lacks.
fn lacks_parts(task: &TaskRow, row: &ResultRow) -> bool {
    let has_values = task.rare.jq.is_some();
    row.outputs.is_none()
        || ((task.needs > 0 || task.is_item()) && row.resolved.is_none())
        || (has_values && row.inputs.is_none())
}
