//! The memory store's transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use jiff::Timestamp;
use ktk_client::api::{Phase, worker::Fence};
use uuid::Uuid;

use super::{
    journal::Journal,
    precision::{Kept, kept},
    state::{FIRST, PipelineKey, State, TaskKey, once},
};
use crate::{
    model::row::{
        AttemptRow, Change, EventRow, NeedRow, NewPipeline, NewTask, NodeRow, PipelineRow, RequestRow,
        ResultRow, TaskRow, TombstoneRow,
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

    fn count(&mut self) -> &mut super::state::Counters {
        if self.read_only {
            self.trouble.note(&writes());
        }
        &mut self.journal.state.counters
    }
}

fn writes() -> StoreError {
    StoreError::Failed("an operation that only reads wrote".into())
}

fn absent(what: &str, id: Uuid) -> StoreError {
    StoreError::Failed(format!("there is no {what} {id} to change"))
}

fn need_task(journal: &Journal<'_>, id: Uuid) -> StoreResult<()> {
    if journal.state.tasks.contains_key(&id) { Ok(()) } else { Err(absent("task", id)) }
}

impl Tx for MemoryTx<'_> {
    fn next_version(&mut self) -> u64 {
        let counters = self.count();
        counters.version += 1;
        counters.version
    }

    async fn version(&mut self) -> StoreResult<u64> {
        self.load(|state| {
            let tasks = state.tasks.values().map(|row| row.version);
            let pipelines = state.pipelines.values().map(|row| row.version);
            let nodes = state.nodes.values().map(|row| row.version);
            let deleted = state.tombstones.keys().copied();
            let trimmed = state.history_start.get(&()).copied();
            tasks.chain(pipelines).chain(nodes).chain(deleted).chain(trimmed).max().unwrap_or(0)
        })
    }

    fn next_fence(&mut self) -> Fence {
        let counters = self.count();
        counters.fence += 1;
        Fence { epoch: counters.epoch, counter: counters.fence }
    }

    async fn tasks(&mut self, ids: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| state.tasks(ids))
    }

    async fn newest_tasks(&mut self, contexts: &[Uuid]) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            once(contexts).filter_map(|context| incarnations(state, context).last()).cloned().collect()
        })
    }

    async fn context_tasks(&mut self, context: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| incarnations(state, context).cloned().collect())
    }

    async fn task_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<TaskRow>> {
        self.load(|state| {
            let belongs =
                |key: &TaskKey| matches!(key, TaskKey::Name(n, m, _) if n == namespace && m == name);
            state.run(TaskKey::Name(namespace.into(), name.into(), 0), belongs).last().cloned()
        })
    }

    async fn tasks_by_head(&mut self, heads: RangeInclusive<u64>, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Head(head, _) if heads.contains(head));
            state.run(TaskKey::Head(*heads.start(), Uuid::nil()), belongs).take(limit).cloned().collect()
        })
    }

    async fn pipeline_tasks(&mut self, pipeline: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Pipeline(of, _) if *of == pipeline);
            let tasks = state.run(TaskKey::Pipeline(pipeline, Uuid::nil()), belongs);
            tasks.filter(|row| row.newest).cloned().collect()
        })
    }

    async fn insert_tasks(&mut self, tasks: &[NewTask]) -> StoreResult<()> {
        self.change(|journal| {
            for task in tasks {
                if journal.state.tasks.contains_key(&task.row.id) {
                    return Err(StoreError::Duplicate(format!("task {}", task.row.id)));
                }
                journal.put_task(task.row.kept())?;
                journal.put(|state| &mut state.task_bodies, task.row.id, task.body.clone());
            }
            Ok(())
        })
    }

    async fn update_tasks(&mut self, rows: &[TaskRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                need_task(journal, row.id)?;
                journal.put_task(row.kept())?;
            }
            Ok(())
        })
    }

    async fn delete_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| {
            for id in ids {
                journal.remove_task(*id);
                journal.remove(|state| &mut state.task_bodies, id);
                journal.remove(|state| &mut state.task_results, id);
                let attempts = journal.state.attempts.range((*id, 0)..=(*id, u32::MAX)).map(|(key, _)| *key);
                for key in attempts.collect::<Vec<_>>() {
                    journal.remove(|state| &mut state.attempts, &key);
                }
            }
            Ok(())
        })
    }

    async fn task_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|state| bodies(&state.task_bodies, ids))
    }

    async fn task_results(&mut self, ids: &[Uuid]) -> StoreResult<Vec<ResultRow>> {
        self.load(|state| once(ids).filter_map(|id| state.task_results.get(&id).cloned()).collect())
    }

    async fn put_task_results(&mut self, rows: &[ResultRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                need_task(journal, row.task_id)?;
                journal.put(|state| &mut state.task_results, row.task_id, row.clone());
            }
            Ok(())
        })
    }

    async fn attempts(&mut self, tasks: &[Uuid]) -> StoreResult<Vec<AttemptRow>> {
        self.load(|state| {
            let of = |task| state.attempts.range((task, 0)..=(task, u32::MAX)).map(|(_, row)| row.clone());
            once(tasks).flat_map(of).collect()
        })
    }

    async fn insert_attempts(&mut self, rows: &[AttemptRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                need_task(journal, row.task_id)?;
                let key = (row.task_id, row.number);
                if journal.state.attempts.contains_key(&key) {
                    return Err(StoreError::Duplicate(format!("attempt {key:?}")));
                }
                journal.put(|state| &mut state.attempts, key, row.kept());
            }
            Ok(())
        })
    }

    async fn insert_needs(&mut self, rows: &[NeedRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                journal.put(|state| &mut state.dependents, (row.need, row.dependent), ());
                journal.put(|state| &mut state.needs, (row.dependent, row.need), ());
            }
            Ok(())
        })
    }

    async fn dependents(&mut self, needs: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|state| {
            let pairs = once(needs).flat_map(|id| pairs_of(&state.dependents, id));
            pairs.map(|(need, dependent)| NeedRow { need, dependent }).collect()
        })
    }

    async fn needs_of(&mut self, dependents: &[Uuid]) -> StoreResult<Vec<NeedRow>> {
        self.load(|state| {
            let pairs = once(dependents).flat_map(|id| pairs_of(&state.needs, id));
            pairs.map(|(dependent, need)| NeedRow { need, dependent }).collect()
        })
    }

    async fn delete_needs(&mut self, dependents: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| {
            for dependent in dependents {
                for (dependent, need) in pairs_of(&journal.state.needs, *dependent).collect::<Vec<_>>() {
                    journal.remove(|state| &mut state.needs, &(dependent, need));
                    journal.remove(|state| &mut state.dependents, &(need, dependent));
                }
            }
            Ok(())
        })
    }

    async fn claimable(&mut self, executors: &[String], limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let of = |executor: String| {
                let from = TaskKey::Claimable(executor.clone(), FIRST);
                let belongs =
                    move |key: &TaskKey| matches!(key, TaskKey::Claimable(of, _) if *of == executor);
                state.run(from, belongs).take(limit)
            };
            let executors: BTreeSet<String> = executors.iter().cloned().collect();
            let mut rows: Vec<TaskRow> = executors.into_iter().flat_map(of).cloned().collect();
            rows.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.ready_at, row.id));
            rows.truncate(limit);
            rows
        })
    }

    async fn gated(&mut self, pipeline: Uuid, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Gated(of, _) if *of == pipeline);
            state.run(TaskKey::Gated(pipeline, FIRST), belongs).take(limit).cloned().collect()
        })
    }

    async fn running_on(&mut self, node: Uuid) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Running(on, _) if *on == node);
            state.run(TaskKey::Running(node, Uuid::nil()), belongs).cloned().collect()
        })
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let now = kept(now);
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Due(at, _) if *at <= now);
            state.run(TaskKey::Due(Timestamp::MIN, Uuid::nil()), belongs).take(limit).cloned().collect()
        })
    }

    async fn next_due(&mut self) -> StoreResult<Option<Timestamp>> {
        self.load(|state| {
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Due(..));
            state.run(TaskKey::Due(Timestamp::MIN, Uuid::nil()), belongs).next().and_then(|row| row.due_at)
        })
    }

    async fn live_counts(&mut self) -> StoreResult<LiveCounts> {
        self.load(|state| {
            let count =
                |takes: fn(&TaskRow) -> bool| state.tasks.values().filter(|row| takes(row)).count() as u64;
            LiveCounts {
                pending: count(|row| row.phase == Phase::Pending),
                running: count(|row| row.phase == Phase::Running),
                claimable: count(TaskRow::is_claimable),
            }
        })
    }

    async fn pipelines(&mut self, ids: &[Uuid]) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| once(ids).filter_map(|id| state.pipelines.get(&id).cloned()).collect())
    }

    async fn pipeline_named(&mut self, namespace: &str, name: &str) -> StoreResult<Option<PipelineRow>> {
        self.load(|state| {
            let belongs =
                |key: &PipelineKey| matches!(key, PipelineKey::Name(n, m, _) if n == namespace && m == name);
            state.pipeline_run(PipelineKey::Name(namespace.into(), name.into(), 0), belongs).last().cloned()
        })
    }

    async fn pipelines_by_head(
        &mut self,
        heads: RangeInclusive<u64>,
        limit: usize,
    ) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| {
            let belongs =
                |key: &PipelineKey| matches!(key, PipelineKey::Head(head, _) if heads.contains(head));
            let rows = state.pipeline_run(PipelineKey::Head(*heads.start(), Uuid::nil()), belongs);
            rows.take(limit).cloned().collect()
        })
    }

    async fn insert_pipelines(&mut self, pipelines: &[NewPipeline]) -> StoreResult<()> {
        self.change(|journal| {
            for pipeline in pipelines {
                if journal.state.pipelines.contains_key(&pipeline.row.id) {
                    return Err(StoreError::Duplicate(format!("pipeline {}", pipeline.row.id)));
                }
                journal.put_pipeline(pipeline.row.kept())?;
                journal.put(|state| &mut state.pipeline_bodies, pipeline.row.id, pipeline.body.clone());
            }
            Ok(())
        })
    }

    async fn update_pipelines(&mut self, rows: &[PipelineRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                if !journal.state.pipelines.contains_key(&row.id) {
                    return Err(absent("pipeline", row.id));
                }
                journal.put_pipeline(row.kept())?;
            }
            Ok(())
        })
    }

    async fn delete_pipelines(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| {
            for id in ids {
                journal.remove_pipeline(*id);
                journal.remove(|state| &mut state.pipeline_bodies, id);
            }
            Ok(())
        })
    }

    async fn pipeline_bodies(&mut self, ids: &[Uuid]) -> StoreResult<Vec<(Uuid, String)>> {
        self.load(|state| bodies(&state.pipeline_bodies, ids))
    }

    async fn list_tasks(&mut self, query: &ListQuery) -> StoreResult<Vec<TaskRow>> {
        self.load(|state| {
            let (from, after) = page_start(query);
            let from = TaskKey::Name(from.0, from.1, from.2);
            let belongs = |key: &TaskKey| matches!(key, TaskKey::Name(n, ..) if in_namespace(query, n));
            let rows = state.run(from, belongs).filter(|row| !query.newest_only || row.newest);
            let rows = rows.filter(|row| !is_at(&after, &row.namespace, &row.name, row.incarnation));
            rows.take(query.limit).cloned().collect()
        })
    }

    async fn list_pipelines(&mut self, query: &ListQuery) -> StoreResult<Vec<PipelineRow>> {
        self.load(|state| {
            let (from, after) = page_start(query);
            let from = PipelineKey::Name(from.0, from.1, from.2);
            let belongs =
                |key: &PipelineKey| matches!(key, PipelineKey::Name(n, ..) if in_namespace(query, n));
            let rows = state.pipeline_run(from, belongs).filter(|row| !query.newest_only || row.newest);
            let rows = rows.filter(|row| !is_at(&after, &row.namespace, &row.name, row.incarnation));
            rows.take(query.limit).cloned().collect()
        })
    }

    async fn changes(&mut self, after: u64, limit: usize) -> StoreResult<Vec<Change>> {
        self.load(|state| {
            let Some(first) = after.checked_add(1) else { return Vec::new() };
            let tasks = state.run(TaskKey::Version(first), |key| matches!(key, TaskKey::Version(_)));
            let pipelines =
                state.pipeline_run(PipelineKey::Version(first), |key| matches!(key, PipelineKey::Version(_)));
            let deleted = state.tombstones.range(first..).map(|(_, row)| row);
            let mut changes: Vec<Change> = (tasks.take(limit).map(|row| Change::Task(Box::new(row.clone()))))
                .chain(pipelines.take(limit).map(|row| Change::Pipeline(Box::new(row.clone()))))
                .chain(deleted.take(limit).map(|row| Change::Deleted(row.clone())))
                .collect();
            changes.sort_by_key(Change::version);
            changes.truncate(limit);
            changes
        })
    }

    async fn insert_tombstones(&mut self, rows: &[TombstoneRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                if journal.state.tombstones.contains_key(&row.version) {
                    return Err(StoreError::Duplicate(format!("tombstone {}", row.version)));
                }
                journal.put(|state| &mut state.tombstones, row.version, row.kept());
            }
            Ok(())
        })
    }

    async fn history_start(&mut self) -> StoreResult<u64> {
        self.load(|state| state.history_start.get(&()).copied().unwrap_or(0))
    }

    async fn trim_tombstones(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        self.change(|journal| {
            let old = journal.state.tombstones.values().filter(|row| row.at < before);
            if let Some(newest) = old.map(|row| row.version).max() {
                let start = journal.state.history_start.get(&()).copied().unwrap_or(0).max(newest);
                journal.put(|state| &mut state.history_start, (), start);
            }
            journal.remove_where(|state| &mut state.tombstones, |_, row| row.at < before);
            Ok(())
        })
    }

    async fn insert_events(&mut self, rows: &[EventRow]) -> StoreResult<()> {
        self.change(|journal| {
            for row in rows {
                journal.state.counters.event += 1;
                let (row, number) = (row.kept(), journal.state.counters.event);
                journal.put(|state| &mut state.events, (row.at, number), row);
            }
            Ok(())
        })
    }

    async fn list_events(
        &mut self,
        namespace: Option<&str>,
        object: Option<Uuid>,
        limit: usize,
    ) -> StoreResult<Vec<EventRow>> {
        self.load(|state| {
            let of = |row: &&EventRow| {
                namespace.is_none_or(|namespace| row.namespace == namespace)
                    && object.is_none_or(|id| row.object_id == id || row.pipeline_id == Some(id))
            };
            let mut rows: Vec<EventRow> =
                state.events.values().rev().filter(of).take(limit).cloned().collect();
            rows.reverse();
            rows
        })
    }

    async fn delete_events(&mut self, objects: &[Uuid]) -> StoreResult<()> {
        self.change(|journal| {
            journal.remove_where(|state| &mut state.events, |_, row| objects.contains(&row.object_id));
            Ok(())
        })
    }

    async fn trim_events(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        self.change(|journal| {
            journal.remove_where(|state| &mut state.events, |(at, _), _| *at < before);
            Ok(())
        })
    }

    async fn nodes(&mut self) -> StoreResult<Vec<NodeRow>> {
        self.load(|state| state.nodes.values().cloned().collect())
    }

    async fn node(&mut self, id: Uuid) -> StoreResult<Option<NodeRow>> {
        self.load(|state| state.nodes.get(&id).cloned())
    }

    async fn put_node(&mut self, row: &NodeRow) -> StoreResult<()> {
        self.change(|journal| {
            journal.put(|state| &mut state.nodes, row.id, row.kept());
            Ok(())
        })
    }

    async fn request(&mut self, key: &str) -> StoreResult<Option<RequestRow>> {
        self.load(|state| state.requests.get(key).cloned())
    }

    async fn insert_request(&mut self, row: &RequestRow) -> StoreResult<()> {
        self.change(|journal| {
            if journal.state.requests.contains_key(&row.key) {
                return Err(StoreError::Duplicate(format!("request {}", row.key)));
            }
            journal.put(|state| &mut state.requests, row.key.clone(), row.kept());
            Ok(())
        })
    }

    async fn trim_requests(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        self.change(|journal| {
            journal.remove_where(|state| &mut state.requests, |_, row| row.at < before);
            Ok(())
        })
    }
}

fn incarnations(state: &State, context: Uuid) -> impl Iterator<Item = &TaskRow> {
    let belongs = move |key: &TaskKey| matches!(key, TaskKey::Incarnation(of, _) if *of == context);
    state.run(TaskKey::Incarnation(context, 0), belongs)
}

fn bodies(all: &BTreeMap<Uuid, String>, ids: &[Uuid]) -> Vec<(Uuid, String)> {
    once(ids).filter_map(|id| all.get(&id).map(|body| (id, body.clone()))).collect()
}

fn pairs_of(pairs: &BTreeMap<(Uuid, Uuid), ()>, first: Uuid) -> impl Iterator<Item = (Uuid, Uuid)> {
    pairs.range((first, Uuid::nil())..=(first, Uuid::max())).map(|(pair, ())| *pair)
}

type Place = (String, String, u32);

/// Where a page begins, and the place that it must not contain.
fn page_start(query: &ListQuery) -> (Place, Option<Place>) {
    let namespace = (query.namespace.clone().unwrap_or_default(), String::new(), 0);
    match &query.after {
        Some(after) if *after > namespace => (after.clone(), Some(after.clone())),
        _ => (namespace, None),
    }
}

fn in_namespace(query: &ListQuery, namespace: &str) -> bool {
    query.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
}

fn is_at(place: &Option<Place>, namespace: &str, name: &str, incarnation: u32) -> bool {
    place
        .as_ref()
        .is_some_and(|place| (place.0.as_str(), place.1.as_str(), place.2) == (namespace, name, incarnation))
}
