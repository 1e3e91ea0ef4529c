//! The memory store's transaction.

use std::{ops::RangeInclusive, sync::Arc};

use jiff::Timestamp;
use ktk_client::api::{Phase, worker::Fence};
use uuid::Uuid;

use super::{
    journal::Journal,
    state::{Counters, State},
};
use crate::{
    model::{
        entity::EntityRow,
        gate::Stand,
        lane::{LaneRow, Running},
        row::{
            AttemptRow, Change, EventRow, HookRow, LineRow, NeedRow, NewPipeline, NewTask, NodeRow,
            PipelineRow, RequestRow, ResultRow, TaskRow, TombstoneRow, WholeKind, WholeRow,
        },
    },
    store::{ListQuery, LiveCounts, StoreError, StoreResult, Tx, drive::Trouble},
};

/// One transaction on the state.
pub(super) struct MemoryTx<'a> {
    pub(super) journal: Journal<'a>,
    pub(super) trouble: Trouble,
    read_only: bool,
}

impl<'a> MemoryTx<'a> {
    pub(super) fn new(journal: Journal<'a>, read_only: bool) -> Self {
        Self { journal, trouble: Trouble::default(), read_only }
    }

    fn load<T>(&mut self, load: impl FnOnce(&State) -> T) -> StoreResult<T> {
        self.trouble.check()?;
        Ok(load(self.journal.state))
    }

    fn change(&mut self, change: impl FnOnce(&mut Journal<'a>) -> StoreResult<()>) -> StoreResult<()> {
        self.trouble.check()?;
        let outcome = if self.read_only { Err(writes()) } else { change(&mut self.journal) };
        outcome.inspect_err(|error| self.trouble.note(error))
    }

    fn count(&mut self) -> &mut Counters {
        if self.read_only {
            self.trouble.note(&writes());
        }
        &mut self.journal.state.counters
    }
}

fn writes() -> StoreError {
    StoreError::Failed("an operation that only reads wrote".into())
}

impl Tx for MemoryTx<'_> {
    fn next_version(&mut self) -> u64 {
        let counters = self.count();
        counters.version += 1;
        counters.version
    }

    async fn version(&mut self) -> StoreResult<u64> {
        self.load(|state| state.version())
    }

    fn next_fence(&mut self) -> Fence {
        let counters = self.count();
        counters.fence += 1;
        Fence { epoch: counters.epoch, counter: counters.fence }
    }

    async fn begin_part(&mut self) -> StoreResult<()> {
        self.change(|journal| {
            journal.begin_part();
            Ok(())
        })
    }

    async fn end_part(&mut self, stays: bool) -> StoreResult<()> {
        self.change(|journal| {
            if !stays {
                journal.roll_part_back();
            }
            Ok(())
        })
    }

    async fn tasks(&mut self, ids: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.tasks(ids))
    }

    async fn newest_tasks(&mut self, contexts: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.newest_tasks(contexts))
    }

    async fn context_tasks(&mut self, context: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.context_tasks(context))
    }

    async fn task_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<TaskRow>> {
        self.load(|state| state.task_named(namespace, name))
    }

    async fn tasks_by_head(&mut self, heads: RangeInclusive<u64>, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.tasks_by_head(heads, limit))
    }

    async fn pipeline_tasks(&mut self, pipeline: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.pipeline_tasks(pipeline))
    }

    async fn tasks_within(&mut self, pipeline: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.tasks_within(pipeline))
    }

    async fn insert_tasks(&mut self, tasks: &[NewTask]) -> StoreResult<()> {
        self.change(|journal| journal.insert_tasks(tasks))
    }

    async fn put_task_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        self.change(|journal| journal.put_task_bodies(rows))
    }

    async fn update_tasks(&mut self, rows: &[TaskRow]) -> StoreResult<()> {
        self.change(|journal| journal.update_tasks(rows))
    }

    async fn delete_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.delete_tasks(ids))
    }

    async fn strip_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.strip_tasks(ids))
    }

    async fn task_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|state| state.task_bodies(ids))
    }

    async fn task_results(&mut self, ids: &[Uuid]) -> StoreResult<Vec<ResultRow>> {
        self.load(|state| state.task_results(ids))
    }

    async fn put_task_results(&mut self, rows: &[ResultRow]) -> StoreResult<()> {
        self.change(|journal| journal.put_task_results(rows))
    }

    async fn attempts(&mut self, tasks: &[Uuid]) -> StoreResult<Vec<AttemptRow>> {
        self.load(|state| state.attempts(tasks))
    }

    async fn insert_attempts(&mut self, rows: &[AttemptRow]) -> StoreResult<()> {
        self.change(|journal| journal.insert_attempts(rows))
    }

    async fn insert_needs(&mut self, rows: &[NeedRow]) -> StoreResult<()> {
        self.change(|journal| journal.insert_needs(rows))
    }

    async fn dependents(&mut self, needs: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|state| state.dependents(needs))
    }

    async fn needs_of(&mut self, dependents: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|state| state.needs_of(dependents))
    }

    async fn delete_needs(&mut self, dependents: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.delete_needs(dependents))
    }

    async fn claimable(&mut self, executors: &[String], limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.claimable(executors, limit))
    }

    async fn evaluating(&mut self, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.evaluating(limit))
    }

    async fn tasks_of_key(&mut self, namespace: &str, key: &str) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.tasks_of_key(namespace, key))
    }

    async fn live_children(&mut self, task: Uuid, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.live_children(task, limit))
    }

    async fn pipelines_of_key(&mut self, namespace: &str, key: &str) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.pipelines_of_key(namespace, key))
    }

    async fn lane_pipelines(
        &mut self,
        lanes: &[u32],
        stand: Stand,
        limit: usize,
    ) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.lane_pipelines(lanes, stand, limit))
    }

    async fn standing_in(&mut self, lanes: &[u32], stand: Stand) -> StoreResult<Vec<u64>> {
        self.load(|state| state.standing_in(lanes, stand))
    }

    async fn due_pipelines(&mut self, now: Timestamp, limit: usize) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.due_pipelines(now, limit))
    }

    async fn in_lanes(&mut self, lanes: &[u32], limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.in_lanes(lanes, limit))
    }

    async fn lane_tasks(&mut self, lanes: &[u32], phase: Phase, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.lane_tasks(lanes, phase, limit))
    }

    async fn running_in(&mut self, lanes: &[u32]) -> StoreResult<Vec<Running>> {
        self.load(|state| state.running_in(lanes))
    }

    async fn waiting_in(&mut self, lanes: &[u32]) -> StoreResult<Vec<u64>> {
        self.load(|state| state.waiting_in(lanes))
    }

    async fn lanes(&mut self) -> StoreResult<Arc<Vec<LaneRow>>> {
        self.load(|state| state.lanes())
    }

    async fn put_lanes(&mut self, rows: &[LaneRow]) -> StoreResult<()> {
        self.change(|journal| journal.put_lanes(rows))
    }

    async fn delete_lanes(&mut self, ids: &[u32]) -> StoreResult<()> {
        self.change(|journal| journal.delete_lanes(ids))
    }

    async fn gated(&mut self, pipeline: Uuid, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.gated(pipeline, limit))
    }

    async fn running_on(&mut self, node: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.running_on(node))
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.due(now, limit))
    }

    async fn next_due(&mut self) -> StoreResult<Option<Timestamp>> {
        self.load(|state| state.next_due())
    }

    async fn live_counts(&mut self) -> StoreResult<LiveCounts> {
        self.load(|state| state.live_counts())
    }

    async fn count_tasks(&mut self) -> StoreResult<u64> {
        self.load(|state| state.tasks.len() as u64)
    }

    async fn wholes(&mut self, kind: WholeKind, after: Uuid, limit: usize) -> StoreResult<Vec<WholeRow>> {
        self.load(|state| state.wholes(kind, after, limit))
    }

    async fn expiring(
        &mut self,
        kind: WholeKind,
        after: (Timestamp, Uuid),
        limit: usize,
    ) -> StoreResult<Vec<WholeRow>> {
        self.load(|state| state.expiring(kind, after, limit))
    }

    async fn pipelines(&mut self, ids: &[Uuid]) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.pipelines(ids))
    }

    async fn pipeline_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<PipelineRow>> {
        self.load(|state| state.pipeline_named(namespace, name))
    }

    async fn pipelines_named(&mut self, namespace: &str, name: &str) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.pipelines_named(namespace, name))
    }

    async fn pipelines_by_head(
        &mut self,
        heads: RangeInclusive<u64>,
        limit: usize,
    ) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.pipelines_by_head(heads, limit))
    }

    async fn insert_pipelines(&mut self, pipelines: &[NewPipeline]) -> StoreResult<()> {
        self.change(|journal| journal.insert_pipelines(pipelines))
    }

    async fn put_pipeline_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        self.change(|journal| journal.put_pipeline_bodies(rows))
    }

    async fn update_pipelines(&mut self, rows: &[PipelineRow]) -> StoreResult<()> {
        self.change(|journal| journal.update_pipelines(rows))
    }

    async fn delete_pipelines(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.delete_pipelines(ids))
    }

    async fn pipeline_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|state| state.pipeline_bodies(ids))
    }

    async fn list_tasks(&mut self, query: &ListQuery) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.list_tasks(query))
    }

    async fn list_lines(&mut self, query: &ListQuery) -> StoreResult<Vec<LineRow>> {
        self.load(|state| state.list_lines(query))
    }

    async fn list_pipelines(&mut self, query: &ListQuery) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| state.list_pipelines(query))
    }

    async fn changes(&mut self, after: u64, limit: usize) -> StoreResult<Vec<Change>> {
        self.load(|state| state.changes(after, limit))
    }

    async fn insert_tombstones(&mut self, rows: &[TombstoneRow]) -> StoreResult<()> {
        self.change(|journal| journal.insert_tombstones(rows))
    }

    async fn history_start(&mut self) -> StoreResult<u64> {
        self.load(|state| state.history_start())
    }

    async fn trim_tombstones(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|journal| journal.trim_tombstones(before))
    }

    async fn limit_tombstones(&mut self, most: u64) -> StoreResult<()> {
        self.change(|journal| journal.limit_tombstones(most))
    }

    async fn insert_events(&mut self, rows: &[EventRow]) -> StoreResult<()> {
        self.change(|journal| journal.insert_events(rows))
    }

    async fn list_events(
        &mut self,
        namespace: Option<&str>,
        object: Option<Uuid>,
        limit: usize,
    ) -> StoreResult<Vec<EventRow>> {
        self.load(|state| state.list_events(namespace, object, limit))
    }

    async fn delete_events(&mut self, objects: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.delete_events(objects))
    }

    async fn trim_events(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|journal| journal.trim_events(before))
    }

    async fn nodes(&mut self) -> StoreResult<Vec<NodeRow>> {
        self.load(|state| state.nodes())
    }

    async fn node(&mut self, id: Uuid) -> StoreResult<Option<NodeRow>> {
        self.load(|state| state.node(id))
    }

    async fn put_node(&mut self, row: &NodeRow) -> StoreResult<()> {
        self.change(|journal| journal.put_node(row))
    }

    async fn entities(&mut self, kind: &str, names: &[String]) -> StoreResult<Vec<EntityRow>> {
        self.load(|state| state.entities(kind, names))
    }

    async fn list_entities(
        &mut self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreResult<Vec<EntityRow>> {
        self.load(|state| state.list_entities(kind, after, limit))
    }

    async fn all_entities(&mut self, kind: &str) -> StoreResult<Arc<Vec<EntityRow>>> {
        self.load(|state| Arc::new(state.list_entities(kind, None, usize::MAX)))
    }

    async fn put_entities(&mut self, rows: &[EntityRow]) -> StoreResult<()> {
        self.change(|journal| journal.put_entities(rows))
    }

    async fn delete_entities(&mut self, kind: &str, names: &[String]) -> StoreResult<()> {
        self.change(|journal| journal.delete_entities(kind, names))
    }

    async fn fact(&mut self, name: &str) -> StoreResult<Option<String>> {
        self.load(|state| state.facts.get(name).cloned())
    }

    async fn put_fact(&mut self, name: &str, value: &str) -> StoreResult<()> {
        self.change(|journal| journal.put_fact(name, value))
    }

    async fn request(&mut self, key: &str) -> StoreResult<Option<RequestRow>> {
        self.load(|state| state.request(key))
    }

    async fn insert_request(&mut self, row: &RequestRow) -> StoreResult<()> {
        self.change(|journal| journal.insert_request(row))
    }

    async fn hooks(&mut self, limit: usize) -> StoreResult<Vec<HookRow>> {
        self.load(|state| state.hooks.values().take(limit).cloned().collect())
    }

    async fn hooks_of(&mut self, task: Uuid) -> StoreResult<Vec<HookRow>> {
        self.load(|state| state.hooks.values().filter(|row| row.task_id == task).cloned().collect())
    }

    async fn insert_hooks(&mut self, rows: &[HookRow]) -> StoreResult<()> {
        self.change(|journal| journal.insert_hooks(rows))
    }

    async fn delete_hooks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| journal.delete_hooks(ids))
    }

    async fn trim_requests(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|journal| journal.trim_requests(before))
    }
}
