//! What can be seen in the state: the loads of a transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use jiff::Timestamp;
use ktk_client::api::{Phase, Reason};
use uuid::Uuid;

use super::state::{FIRST, PipelineKey, State, TaskKey, once};
use crate::{
    model::{
        entity::EntityRow,
        gate::Stand,
        lane::{LaneRow, PLAIN, Running},
        row::{
            AttemptRow, Change, EventRow, LineRow, NeedRow, NodeRow, PipelineRow, RequestRow, ResultRow,
            TaskRow,
        },
    },
    store::{ListQuery, LiveCounts, precision::kept},
};

impl State {
    pub(super) fn version(&self) -> u64 {
        let tasks = self.tasks_version.get(&()).copied();
        let versions = PipelineKey::Version(0)..=PipelineKey::Version(u64::MAX);
        let pipelines = self.pipeline_keys.range(versions).next_back();
        let pipelines = pipelines.map(|(_, id)| self.pipelines[id].version);
        let nodes = self.nodes.values().map(|row| row.version);
        let deleted = self.tombstones.keys().chain(self.entity_versions.keys()).copied();
        let trimmed = self.history_start.get(&()).copied();
        tasks.into_iter().chain(pipelines).chain(nodes).chain(deleted).chain(trimmed).max().unwrap_or(0)
    }

    pub(super) fn tasks(&self, ids: &[Uuid]) -> Vec<TaskRow> {
        once(ids).filter_map(|id| self.tasks.get(&id).cloned()).collect()
    }

    pub(super) fn newest_tasks(&self, contexts: &[Uuid]) -> Vec<TaskRow> {
        once(contexts).filter_map(|context| incarnations(self, context).last()).cloned().collect()
    }

    pub(super) fn context_tasks(&self, context: Uuid) -> Vec<TaskRow> {
        incarnations(self, context).cloned().collect()
    }

    pub(super) fn task_named(&self, namespace: &str, name: &str) -> Option<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Name(n, m, _) if n == namespace && m == name);
        self.run(TaskKey::Name(namespace.into(), name.into(), 0), belongs).last().cloned()
    }

    pub(super) fn tasks_by_head(&self, heads: RangeInclusive<u64>, limit: usize) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Head(head, _) if heads.contains(head));
        self.run(TaskKey::Head(*heads.start(), Uuid::nil()), belongs).take(limit).cloned().collect()
    }

    pub(super) fn pipeline_tasks(&self, pipeline: Uuid) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Pipeline(of, _) if *of == pipeline);
        let tasks = self.run(TaskKey::Pipeline(pipeline, Uuid::nil()), belongs);
        tasks.filter(|row| row.newest).cloned().collect()
    }

    pub(super) fn tasks_within(&self, pipeline: Uuid) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Pipeline(of, _) if *of == pipeline);
        self.run(TaskKey::Pipeline(pipeline, Uuid::nil()), belongs).cloned().collect()
    }

    pub(super) fn task_bodies(&self, ids: &[Uuid]) -> Vec<(Uuid, String)> {
        bodies(&self.task_bodies, ids)
    }

    pub(super) fn task_results(&self, ids: &[Uuid]) -> Vec<ResultRow> {
        once(ids).filter_map(|id| self.task_results.get(&id).cloned()).collect()
    }

    pub(super) fn attempts(&self, tasks: &[Uuid]) -> Vec<AttemptRow> {
        let of = |task| self.attempts.range((task, 0)..=(task, u32::MAX)).map(|(_, row)| row.clone());
        once(tasks).flat_map(of).collect()
    }

    pub(super) fn dependents(&self, needs: &[Uuid]) -> Vec<NeedRow> {
        let pairs = once(needs).flat_map(|id| pairs_of(&self.dependents, id));
        pairs.map(|(need, dependent)| NeedRow { need, dependent }).collect()
    }

    pub(super) fn needs_of(&self, dependents: &[Uuid]) -> Vec<NeedRow> {
        let pairs = once(dependents).flat_map(|id| pairs_of(&self.needs, id));
        pairs.map(|(dependent, need)| NeedRow { need, dependent }).collect()
    }

    pub(super) fn claimable(&self, executors: &[String], limit: usize) -> Vec<TaskRow> {
        let of = |executor: String| {
            let from = TaskKey::Claimable(executor.clone(), FIRST);
            let belongs = move |key: &TaskKey| matches!(key, TaskKey::Claimable(of, _) if *of == executor);
            self.run(from, belongs).take(limit)
        };
        let executors: BTreeSet<String> = executors.iter().cloned().collect();
        let mut rows: Vec<TaskRow> = executors.into_iter().flat_map(of).cloned().collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.ready_at, row.id));
        rows.truncate(limit);
        rows
    }

    pub(super) fn in_lanes(&self, lanes: &[u32], limit: usize) -> Vec<TaskRow> {
        let of = |lane: &u32| self.queued_in(*lane).take(limit);
        let mut rows: Vec<TaskRow> = lanes.iter().flat_map(of).cloned().collect();
        rows.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.ready_at, row.id));
        rows.truncate(limit);
        rows
    }

    fn queued_in(&self, lane: u32) -> impl Iterator<Item = &TaskRow> {
        let (phase, reason) = (Phase::Pending.number(), Some(Reason::Queued.number()));
        let belongs = move |key: &TaskKey| matches!(key, TaskKey::Lane(l, p, r, true, _) if (*l, *p, *r) == (lane, phase, reason));
        self.run(TaskKey::Lane(lane, phase, reason, true, FIRST), belongs)
    }

    fn unfinished_in(&self, lane: u32, phase: Phase) -> impl Iterator<Item = &TaskRow> {
        let phase = phase.number();
        let belongs =
            move |key: &TaskKey| matches!(key, TaskKey::Lane(l, p, ..) if (*l, *p) == (lane, phase));
        self.run(TaskKey::Lane(lane, phase, None, false, FIRST), belongs)
    }

    pub(super) fn lane_tasks(&self, lanes: &[u32], phase: Phase, limit: usize) -> Vec<TaskRow> {
        lanes.iter().flat_map(|lane| self.unfinished_in(*lane, phase)).take(limit).cloned().collect()
    }

    pub(super) fn running_in(&self, lanes: &[u32]) -> Vec<Running> {
        let count = |rows: &mut dyn Iterator<Item = &TaskRow>| {
            rows.fold(Running::default(), |count, row| Running {
                all: count.all + 1,
                on_nodes: count.on_nodes + u64::from(row.node_id.is_some()),
            })
        };
        let of = |lane: &u32| match *lane {
            PLAIN => {
                let is_plain = |row: &&TaskRow| row.phase == Phase::Running && row.lane == PLAIN;
                count(&mut self.tasks.values().filter(is_plain))
            }
            lane => count(&mut self.unfinished_in(lane, Phase::Running)),
        };
        lanes.iter().map(of).collect()
    }

    pub(super) fn waiting_in(&self, lanes: &[u32]) -> Vec<u64> {
        let of = |lane: &u32| match *lane {
            PLAIN => self.tasks.values().filter(|row| row.is_claimable() && row.lane == PLAIN).count() as u64,
            lane => self.queued_in(lane).count() as u64,
        };
        lanes.iter().map(of).collect()
    }

    pub(super) fn lanes(&self) -> Arc<Vec<LaneRow>> {
        self.lanes.get(&()).cloned().unwrap_or_default()
    }

    pub(super) fn gated(&self, pipeline: Uuid, limit: usize) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Gated(of, _) if *of == pipeline);
        self.run(TaskKey::Gated(pipeline, FIRST), belongs).take(limit).cloned().collect()
    }

    pub(super) fn evaluating(&self, limit: usize) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Evaluating(_));
        self.run(TaskKey::Evaluating(Uuid::nil()), belongs).take(limit).cloned().collect()
    }

    pub(super) fn tasks_of_key(&self, namespace: &str, key: &str) -> Vec<TaskRow> {
        let belongs = |found: &TaskKey| match found {
            TaskKey::Unique(other, of, _) => other == namespace && of == key,
            _ => false,
        };
        let first = TaskKey::Unique(namespace.into(), key.into(), Uuid::nil());
        self.run(first, belongs).cloned().collect()
    }

    pub(super) fn live_children(&self, task: Uuid, limit: usize) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Child(of, _) if *of == task);
        self.run(TaskKey::Child(task, Uuid::nil()), belongs).take(limit).cloned().collect()
    }

    pub(super) fn pipelines_of_key(&self, namespace: &str, key: &str) -> Vec<PipelineRow> {
        let belongs = |found: &PipelineKey| match found {
            PipelineKey::Unique(other, of, _) => other == namespace && of == key,
            _ => false,
        };
        let first = PipelineKey::Unique(namespace.into(), key.into(), Uuid::nil());
        self.pipeline_run(first, belongs).cloned().collect()
    }

    fn standing(&self, lane: u32, stand: Stand) -> impl Iterator<Item = &PipelineRow> {
        let belongs =
            move |key: &PipelineKey| matches!(key, PipelineKey::Gate(l, s, _) if (*l, *s) == (lane, stand));
        self.pipeline_run(PipelineKey::Gate(lane, stand, FIRST), belongs)
    }

    pub(super) fn lane_pipelines(&self, lanes: &[u32], stand: Stand, limit: usize) -> Vec<PipelineRow> {
        let mut rows: Vec<PipelineRow> =
            lanes.iter().flat_map(|lane| self.standing(*lane, stand)).cloned().collect();
        rows.sort_by_key(PipelineRow::rank);
        rows.truncate(limit);
        rows
    }

    pub(super) fn standing_in(&self, lanes: &[u32], stand: Stand) -> Vec<u64> {
        lanes.iter().map(|lane| self.standing(*lane, stand).count() as u64).collect()
    }

    pub(super) fn due_pipelines(&self, now: Timestamp, limit: usize) -> Vec<PipelineRow> {
        let now = kept(now);
        let belongs = |key: &PipelineKey| matches!(key, PipelineKey::Due(at, _) if *at <= now);
        self.pipeline_run(PipelineKey::Due(Timestamp::MIN, Uuid::nil()), belongs)
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn running_on(&self, node: Uuid) -> Vec<TaskRow> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Running(on, _) if *on == node);
        self.run(TaskKey::Running(node, Uuid::nil()), belongs).cloned().collect()
    }

    pub(super) fn due(&self, now: Timestamp, limit: usize) -> Vec<TaskRow> {
        let now = kept(now);
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Due(at, _) if *at <= now);
        self.run(TaskKey::Due(Timestamp::MIN, Uuid::nil()), belongs).take(limit).cloned().collect()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Due(..));
        let task = self.run(TaskKey::Due(Timestamp::MIN, Uuid::nil()), belongs).next();
        let pipeline = self.due_pipelines(Timestamp::MAX, 1).pop();
        let of_pipeline = pipeline.and_then(|row| row.rare.due_at);
        [task.and_then(|row| row.due_at), of_pipeline].into_iter().flatten().min()
    }

    pub(super) fn live_counts(&self) -> LiveCounts {
        let count = |takes: fn(&TaskRow) -> bool| self.tasks.values().filter(|row| takes(row)).count() as u64;
        LiveCounts {
            pending: count(|row| row.phase == Phase::Pending),
            running: count(|row| row.phase == Phase::Running),
            on_nodes: count(|row| row.phase == Phase::Running && row.node_id.is_some()),
            claimable: count(TaskRow::is_claimable),
        }
    }

    pub(super) fn pipelines(&self, ids: &[Uuid]) -> Vec<PipelineRow> {
        once(ids).filter_map(|id| self.pipelines.get(&id).cloned()).collect()
    }

    pub(super) fn pipeline_named(&self, namespace: &str, name: &str) -> Option<PipelineRow> {
        let belongs =
            |key: &PipelineKey| matches!(key, PipelineKey::Name(n, m, _) if n == namespace && m == name);
        self.pipeline_run(PipelineKey::Name(namespace.into(), name.into(), 0), belongs).last().cloned()
    }

    pub(super) fn pipelines_named(&self, namespace: &str, name: &str) -> Vec<PipelineRow> {
        let belongs =
            |key: &PipelineKey| matches!(key, PipelineKey::Name(n, m, _) if n == namespace && m == name);
        self.pipeline_run(PipelineKey::Name(namespace.into(), name.into(), 0), belongs).cloned().collect()
    }

    pub(super) fn pipelines_by_head(&self, heads: RangeInclusive<u64>, limit: usize) -> Vec<PipelineRow> {
        let belongs = |key: &PipelineKey| matches!(key, PipelineKey::Head(head, _) if heads.contains(head));
        let rows = self.pipeline_run(PipelineKey::Head(*heads.start(), Uuid::nil()), belongs);
        rows.take(limit).cloned().collect()
    }

    pub(super) fn pipeline_bodies(&self, ids: &[Uuid]) -> Vec<(Uuid, String)> {
        bodies(&self.pipeline_bodies, ids)
    }

    pub(super) fn list_tasks(&self, query: &ListQuery) -> Vec<TaskRow> {
        self.task_page(query).cloned().collect()
    }

    pub(super) fn list_lines(&self, query: &ListQuery) -> Vec<LineRow> {
        self.task_page(query).map(LineRow::from).collect()
    }

    fn task_page<'a>(&'a self, query: &'a ListQuery) -> impl Iterator<Item = &'a TaskRow> + 'a {
        let (from, after) = page_start(query);
        let from = TaskKey::Name(from.0, from.1, from.2);
        let belongs = move |key: &TaskKey| matches!(key, TaskKey::Name(n, ..) if in_namespace(query, n));
        let rows = self.run(from, belongs).filter(move |row| !query.newest_only || row.newest);
        let rows = rows.filter(move |row| !is_at(&after, &row.namespace, &row.name, row.incarnation));
        rows.take(query.limit)
    }

    pub(super) fn list_pipelines(&self, query: &ListQuery) -> Vec<PipelineRow> {
        let (from, after) = page_start(query);
        let from = PipelineKey::Name(from.0, from.1, from.2);
        let belongs = |key: &PipelineKey| matches!(key, PipelineKey::Name(n, ..) if in_namespace(query, n));
        let rows = self.pipeline_run(from, belongs).filter(|row| !query.newest_only || row.newest);
        let rows = rows.filter(|row| !is_at(&after, &row.namespace, &row.name, row.incarnation));
        rows.take(query.limit).cloned().collect()
    }

    pub(super) fn changes(&self, after: u64, limit: usize) -> Vec<Change> {
        let Some(first) = after.checked_add(1) else { return Vec::new() };
        let tasks = self.run(TaskKey::Version(first), |key| matches!(key, TaskKey::Version(_)));
        let pipelines =
            self.pipeline_run(PipelineKey::Version(first), |key| matches!(key, PipelineKey::Version(_)));
        let entities = self.entity_versions.range(first..).map(|(_, name)| &self.entities[name]);
        let deleted = self.tombstones.range(first..).map(|(_, row)| row);
        let mut changes: Vec<Change> = (tasks.take(limit).map(|row| Change::Task(Box::new(row.clone()))))
            .chain(pipelines.take(limit).map(|row| Change::Pipeline(Box::new(row.clone()))))
            .chain(entities.take(limit).map(|row| Change::Entity(Box::new(row.clone()))))
            .chain(deleted.take(limit).map(|row| Change::Deleted(row.clone())))
            .collect();
        changes.sort_by_key(Change::version);
        changes.truncate(limit);
        changes
    }

    pub(super) fn history_start(&self) -> u64 {
        self.history_start.get(&()).copied().unwrap_or(0)
    }

    pub(super) fn list_events(
        &self,
        namespace: Option<&str>,
        object: Option<Uuid>,
        limit: usize,
    ) -> Vec<EventRow> {
        let of = |row: &&EventRow| {
            namespace.is_none_or(|namespace| row.namespace == namespace)
                && object.is_none_or(|id| row.object_id == id || row.pipeline_id == Some(id))
        };
        let mut rows: Vec<EventRow> = self.events.values().rev().filter(of).take(limit).cloned().collect();
        rows.reverse();
        rows
    }

    pub(super) fn nodes(&self) -> Vec<NodeRow> {
        self.nodes.values().cloned().collect()
    }

    pub(super) fn node(&self, id: Uuid) -> Option<NodeRow> {
        self.nodes.get(&id).cloned()
    }

    pub(super) fn entities(&self, kind: &str, names: &[String]) -> Vec<EntityRow> {
        let names: BTreeSet<&String> = names.iter().collect();
        let row = |name: &String| self.entities.get(&(kind.to_owned(), name.clone())).cloned();
        names.into_iter().filter_map(row).collect()
    }

    pub(super) fn list_entities(&self, kind: &str, after: Option<&str>, limit: usize) -> Vec<EntityRow> {
        let from = (kind.to_owned(), after.unwrap_or_default().to_owned());
        let rows = self.entities.range(from..).map(|(_, row)| row).take_while(|row| row.kind == kind);
        rows.filter(|row| after != Some(&*row.name)).take(limit).cloned().collect()
    }

    pub(super) fn request(&self, key: &str) -> Option<RequestRow> {
        self.requests.get(key).cloned()
    }
}

fn incarnations(state: &State, context: Uuid) -> impl Iterator<Item = &TaskRow> {
    let belongs = move |key: &TaskKey| matches!(key, TaskKey::Incarnation(of, _) if *of == context);
    state.run(TaskKey::Incarnation(context, 0), belongs)
}

fn bodies(all: &BTreeMap<Uuid, String>, ids: &[Uuid]) -> Vec<(Uuid, String)> {
    once(ids).filter_map(|id| all.get(&id).map(|body| (id, body.clone()))).collect()
}

/// Pairs that begin with this.
pub(super) fn pairs_of(
    pairs: &BTreeMap<(Uuid, Uuid), ()>,
    first: Uuid,
) -> impl Iterator<Item = (Uuid, Uuid)> {
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
