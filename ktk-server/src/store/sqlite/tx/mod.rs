//! The transaction of the sqlite store: one method of the trait, one call into the file of its
//! subject. Its futures are ready at once.

pub(super) mod changes;
mod entities;
mod events;
mod hooks;
mod lanes;
mod lists;
mod needs;
mod nodes;
mod pipelines;
mod tasks;
#[cfg(test)]
mod tests;
mod wholes;
mod work;

use std::{ops::RangeInclusive, sync::Arc};

use jiff::Timestamp;
use ktk_client::api::{Phase, worker::Fence};
use uuid::Uuid;

use super::{
    fault::Fault,
    transaction::{Mode, SqliteTx},
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
    store::{ListQuery, LiveCounts, StoreResult, Tx},
};

impl Tx for SqliteTx {
    fn next_version(&mut self) -> u64 {
        let version = match self.mode {
            Mode::Read => Err(Fault::ReadOnly),
            // The transaction may be gone: nothing is written any more.
            Mode::Write { .. } if self.trouble.check().is_err() => return 0,
            Mode::Write { synced } => self.numbers.next_version(&self.session, synced),
        };
        // The trouble that is noted keeps a transaction with this number from being committed.
        version.unwrap_or_else(|fault| {
            self.note(&fault);
            0
        })
    }

    async fn version(&mut self) -> StoreResult<u64> {
        self.load(changes::version)
    }

    fn next_fence(&mut self) -> Fence {
        if self.mode == Mode::Read {
            self.note(&Fault::ReadOnly);
        }
        self.numbers.next_fence()
    }

    async fn begin_part(&mut self) -> StoreResult<()> {
        SqliteTx::begin_part(self)
    }

    async fn end_part(&mut self, stays: bool) -> StoreResult<()> {
        SqliteTx::end_part(self, stays)
    }

    async fn tasks(&mut self, ids: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| tasks::by_ids(session, ids))
    }

    async fn newest_tasks(&mut self, contexts: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| tasks::newest(session, contexts))
    }

    async fn context_tasks(&mut self, context: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| session.by_ids(tasks::CONTEXT, &[context]))
    }

    async fn task_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<TaskRow>> {
        self.load(|session| session.row(tasks::NAMED, [namespace, name]))
    }

    async fn tasks_by_head(&mut self, heads: RangeInclusive<u64>, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| tasks::by_heads(session, &heads, limit))
    }

    async fn pipeline_tasks(&mut self, pipeline: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| session.by_ids(tasks::OF_PIPELINE, &[pipeline]))
    }

    async fn tasks_within(&mut self, pipeline: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| session.by_ids(tasks::WITHIN, &[pipeline]))
    }

    async fn insert_tasks(&mut self, tasks: &[NewTask]) -> StoreResult<()> {
        self.change(|session| tasks::insert(session, tasks))
    }

    async fn update_tasks(&mut self, rows: &[TaskRow]) -> StoreResult<()> {
        self.change(|session| tasks::update(session, rows))
    }

    async fn delete_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|session| tasks::delete(session, ids))
    }

    async fn strip_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|session| tasks::strip(session, ids))
    }

    async fn task_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|session| tasks::bodies(session, ids))
    }

    async fn put_task_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        self.change(|session| tasks::put_bodies(session, rows))
    }

    async fn task_results(&mut self, ids: &[Uuid]) -> StoreResult<Vec<ResultRow>> {
        self.load(|session| tasks::results(session, ids))
    }

    async fn put_task_results(&mut self, rows: &[ResultRow]) -> StoreResult<()> {
        self.change(|session| tasks::put_results(session, rows))
    }

    async fn attempts(&mut self, tasks: &[Uuid]) -> StoreResult<Vec<AttemptRow>> {
        self.load(|session| tasks::attempts(session, tasks))
    }

    async fn insert_attempts(&mut self, rows: &[AttemptRow]) -> StoreResult<()> {
        self.change(|session| tasks::insert_attempts(session, rows))
    }

    async fn insert_needs(&mut self, rows: &[NeedRow]) -> StoreResult<()> {
        self.change(|session| needs::insert(session, rows))
    }

    async fn dependents(&mut self, needs: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|session| session.by_ids(needs::DEPENDENTS, needs))
    }

    async fn needs_of(&mut self, dependents: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|session| session.by_ids(needs::NEEDS, dependents))
    }

    async fn delete_needs(&mut self, dependents: &[Uuid]) -> StoreResult<()> {
        self.change(|session| session.for_ids(needs::DELETE, dependents))
    }

    async fn claimable(&mut self, executors: &[String], limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::claimable(session, executors, limit))
    }

    async fn evaluating(&mut self, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::evaluating(session, limit))
    }

    async fn tasks_of_key(&mut self, namespace: &str, key: &str) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::tasks_of_key(session, namespace, key))
    }

    async fn live_children(&mut self, task: Uuid, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::live_children(session, task, limit))
    }

    async fn pipelines_of_key(&mut self, namespace: &str, key: &str) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| pipelines::of_key(session, namespace, key))
    }

    async fn lane_pipelines(
        &mut self,
        lanes: &[u32],
        stand: Stand,
        limit: usize,
    ) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| pipelines::in_lanes(session, lanes, stand, limit))
    }

    async fn standing_in(&mut self, lanes: &[u32], stand: Stand) -> StoreResult<Vec<u64>> {
        self.load(|session| pipelines::standing_in(session, lanes, stand))
    }

    async fn due_pipelines(&mut self, now: Timestamp, limit: usize) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| pipelines::due(session, now, limit))
    }

    async fn in_lanes(&mut self, lanes: &[u32], limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| lanes::claimable(session, lanes, limit))
    }

    async fn lane_tasks(&mut self, lanes: &[u32], phase: Phase, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| lanes::tasks(session, lanes, phase, limit))
    }

    async fn running_in(&mut self, lanes: &[u32]) -> StoreResult<Vec<Running>> {
        self.load(|session| lanes::running(session, lanes))
    }

    async fn waiting_in(&mut self, lanes: &[u32]) -> StoreResult<Vec<u64>> {
        self.load(|session| lanes::waiting(session, lanes))
    }

    async fn lanes(&mut self) -> StoreResult<Arc<Vec<LaneRow>>> {
        if let Some(lanes) = self.lanes.clone() {
            return self.load(|_| Ok(lanes));
        }
        let lanes = Arc::new(self.load(|session| session.rows(lanes::ALL, [], usize::MAX))?);
        if self.mode != Mode::Read {
            self.lanes = Some(Arc::clone(&lanes));
        }
        Ok(lanes)
    }

    async fn put_lanes(&mut self, rows: &[LaneRow]) -> StoreResult<()> {
        self.lanes = None;
        self.change(|session| lanes::put(session, rows))
    }

    async fn delete_lanes(&mut self, ids: &[u32]) -> StoreResult<()> {
        self.lanes = None;
        self.change(|session| lanes::delete(session, ids))
    }

    async fn gated(&mut self, pipeline: Uuid, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::gated(session, pipeline, limit))
    }

    async fn running_on(&mut self, node: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| session.by_ids(work::RUNNING, &[node]))
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| work::due(session, now, limit))
    }

    async fn next_due(&mut self) -> StoreResult<Option<Timestamp>> {
        self.load(work::next_due)
    }

    async fn live_counts(&mut self) -> StoreResult<LiveCounts> {
        self.load(work::live_counts)
    }

    async fn count_tasks(&mut self) -> StoreResult<u64> {
        self.load(wholes::count)
    }

    async fn wholes(&mut self, kind: WholeKind, after: Uuid, limit: usize) -> StoreResult<Vec<WholeRow>> {
        self.load(|session| wholes::after(session, kind, after, limit))
    }

    async fn expiring(
        &mut self,
        kind: WholeKind,
        after: (Timestamp, Uuid),
        limit: usize,
    ) -> StoreResult<Vec<WholeRow>> {
        self.load(|session| wholes::expiring(session, kind, after, limit))
    }

    async fn pipelines(&mut self, ids: &[Uuid]) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| session.by_ids(pipelines::BY_ID, ids))
    }

    async fn pipeline_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<PipelineRow>> {
        self.load(|session| session.row(pipelines::NAMED, [namespace, name]))
    }

    async fn pipelines_named(&mut self, namespace: &str, name: &str) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| session.rows(pipelines::INCARNATIONS, [namespace, name], usize::MAX))
    }

    async fn pipelines_by_head(
        &mut self,
        heads: RangeInclusive<u64>,
        limit: usize,
    ) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| pipelines::by_heads(session, &heads, limit))
    }

    async fn insert_pipelines(&mut self, pipelines: &[NewPipeline]) -> StoreResult<()> {
        self.change(|session| pipelines::insert(session, pipelines))
    }

    async fn update_pipelines(&mut self, rows: &[PipelineRow]) -> StoreResult<()> {
        self.change(|session| pipelines::update(session, rows))
    }

    async fn delete_pipelines(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|session| pipelines::delete(session, ids))
    }

    async fn pipeline_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|session| pipelines::bodies(session, ids))
    }

    async fn put_pipeline_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        self.change(|session| pipelines::put_bodies(session, rows))
    }

    async fn list_tasks(&mut self, query: &ListQuery) -> StoreResult<Vec<TaskRow>> {
        self.load(|session| lists::page(session, &lists::TASKS, query))
    }

    async fn list_lines(&mut self, query: &ListQuery) -> StoreResult<Vec<LineRow>> {
        self.load(|session| lists::page(session, &lists::LINES, query))
    }

    async fn list_pipelines(&mut self, query: &ListQuery) -> StoreResult<Vec<PipelineRow>> {
        self.load(|session| lists::page(session, &lists::PIPELINES, query))
    }

    async fn changes(&mut self, after: u64, limit: usize) -> StoreResult<Vec<Change>> {
        self.load(|session| changes::after(session, after, limit))
    }

    async fn insert_tombstones(&mut self, rows: &[TombstoneRow]) -> StoreResult<()> {
        self.change(|session| changes::insert_tombstones(session, rows))
    }

    async fn history_start(&mut self) -> StoreResult<u64> {
        self.load(changes::history_start)
    }

    async fn trim_tombstones(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|session| changes::trim_tombstones(session, before))
    }

    async fn limit_tombstones(&mut self, most: u64) -> StoreResult<()> {
        self.change(|session| changes::limit_tombstones(session, most))
    }

    async fn insert_events(&mut self, rows: &[EventRow]) -> StoreResult<()> {
        self.change(|session| events::insert(session, rows))
    }

    async fn list_events(
        &mut self,
        namespace: Option<&str>,
        object: Option<Uuid>,
        limit: usize,
    ) -> StoreResult<Vec<EventRow>> {
        self.load(|session| events::list(session, namespace, object, limit))
    }

    async fn delete_events(&mut self, objects: &[Uuid]) -> StoreResult<()> {
        self.change(|session| session.for_ids("DELETE FROM events WHERE object_id = ?1", objects))
    }

    async fn trim_events(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|session| events::trim(session, before))
    }

    async fn nodes(&mut self) -> StoreResult<Vec<NodeRow>> {
        self.load(|session| session.rows(nodes::ALL, [], usize::MAX))
    }

    async fn node(&mut self, id: Uuid) -> StoreResult<Option<NodeRow>> {
        self.load(|session| session.row(nodes::BY_ID, [id.as_bytes()]))
    }

    async fn put_node(&mut self, row: &NodeRow) -> StoreResult<()> {
        self.change(|session| nodes::put(session, row))
    }

    async fn entities(&mut self, kind: &str, names: &[String]) -> StoreResult<Vec<EntityRow>> {
        self.load(|session| entities::named(session, kind, names))
    }

    async fn list_entities(
        &mut self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> StoreResult<Vec<EntityRow>> {
        self.load(|session| entities::list(session, kind, after, limit))
    }

    async fn all_entities(&mut self, kind: &str) -> StoreResult<Arc<Vec<EntityRow>>> {
        if let Some(rows) = self.entities.get(kind).cloned() {
            return self.load(|_| Ok(rows));
        }
        let rows = Arc::new(self.load(|session| entities::list(session, kind, None, usize::MAX))?);
        if self.mode != Mode::Read {
            self.entities.insert(kind.to_owned(), Arc::clone(&rows));
        }
        Ok(rows)
    }

    async fn put_entities(&mut self, rows: &[EntityRow]) -> StoreResult<()> {
        self.entities.clear();
        self.change(|session| entities::put(session, rows))
    }

    async fn delete_entities(&mut self, kind: &str, names: &[String]) -> StoreResult<()> {
        self.entities.clear();
        self.change(|session| entities::delete(session, kind, names))
    }

    async fn fact(&mut self, name: &str) -> StoreResult<Option<String>> {
        self.load(|session| wholes::fact(session, name))
    }

    async fn put_fact(&mut self, name: &str, value: &str) -> StoreResult<()> {
        self.change(|session| wholes::put_fact(session, name, value))
    }

    async fn request(&mut self, key: &str) -> StoreResult<Option<RequestRow>> {
        self.load(|session| session.row(nodes::REQUEST, [key]))
    }

    async fn insert_request(&mut self, row: &RequestRow) -> StoreResult<()> {
        self.change(|session| nodes::insert_request(session, row))
    }

    async fn hooks(&mut self, limit: usize) -> StoreResult<Vec<HookRow>> {
        self.load(|session| session.rows(hooks::FIRST, [], limit))
    }

    async fn hooks_of(&mut self, task: Uuid) -> StoreResult<Vec<HookRow>> {
        self.load(|session| session.by_ids(hooks::OF_TASK, &[task]))
    }

    async fn insert_hooks(&mut self, rows: &[HookRow]) -> StoreResult<()> {
        self.change(|session| hooks::insert(session, rows))
    }

    async fn delete_hooks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|session| session.for_ids(hooks::DELETE, ids))
    }

    async fn trim_requests(&mut self, before: Timestamp) -> StoreResult<()> {
        self.change(|session| nodes::trim_requests(session, before))
    }
}
