//! The memory store's data: rows in ordered maps, and the keys by which they are found.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use ktk_client::api::Reason;
use uuid::Uuid;

use crate::model::{
    entity::EntityRow,
    gate::Stand,
    lane::{LaneRow, PLAIN},
    row::{
        AttemptRow, EventRow, HookRow, NodeRow, PipelineRow, RequestRow, ResultRow, TaskRow, TombstoneRow,
    },
};

/// The order of work: priority (highest first), `ready_at`, id.
pub(super) type Rank = (Reverse<i32>, Option<Timestamp>, Uuid);

/// The first of all ranks.
pub(super) const FIRST: Rank = (Reverse(i32::MAX), None, Uuid::nil());

/// By what a task is found. The first four belong to one row each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TaskKey {
    Name(String, String, u32),
    Incarnation(Uuid, u32),
    Live(Uuid),
    Version(u64),
    Head(u64, Uuid),
    Pipeline(Uuid, Uuid),
    Claimable(String, Rank),
    Gated(Uuid, Rank),
    Evaluating(Uuid),
    /// Namespace and key of what is unfinished.
    Unique(String, String, Uuid),
    /// Who made it, of what is unfinished.
    Child(Uuid, Uuid),
    /// Lane, phase, reason, whether it is admitted: only what is unfinished, and not in the plain lane.
    Lane(u32, u8, Option<u8>, bool, Rank),
    Running(Uuid, Uuid),
    Due(Timestamp, Uuid),
}

impl TaskKey {
    /// All keys of a row.
    pub(super) fn of(row: &TaskRow) -> Vec<Self> {
        let mut keys = vec![
            Self::Name(row.namespace.clone(), row.name.clone(), row.incarnation),
            Self::Incarnation(row.context_id, row.incarnation),
            Self::Version(row.version),
            Self::Head(row.head, row.id),
        ];
        let rank = (Reverse(row.priority), row.ready_at, row.id);
        if !row.phase.is_terminal() {
            keys.push(Self::Live(row.context_id));
        }
        if let Some(pipeline) = row.pipeline_id {
            keys.push(Self::Pipeline(pipeline, row.id));
            if row.is_gated() {
                keys.push(Self::Gated(pipeline, rank));
            }
        }
        if row.lane != PLAIN && !row.phase.is_terminal() {
            let reason = row.reason.map(Reason::number);
            keys.push(Self::Lane(row.lane, row.phase.number(), reason, row.admitted, rank));
        } else if row.is_claimable() {
            keys.push(Self::Claimable(row.executor.clone(), rank));
        }
        if let Some(unique) = row.rare.unique.as_ref().filter(|_| !row.phase.is_terminal()) {
            keys.push(Self::Unique(row.namespace.clone(), unique.key.clone(), row.id));
        }
        if let Some(parent) = row.rare.spawned_by.filter(|_| !row.phase.is_terminal()) {
            keys.push(Self::Child(parent, row.id));
        }
        if row.is_evaluating() {
            keys.push(Self::Evaluating(row.id));
        }
        if let Some(node) = row.node_id.filter(|_| row.phase == ktk_client::api::Phase::Running) {
            keys.push(Self::Running(node, row.id));
        }
        if let Some(due) = row.due_at {
            keys.push(Self::Due(due, row.id));
        }
        keys
    }
}

/// By what a pipeline is found. `Name` and `Version` belong to one row each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PipelineKey {
    Name(String, String, u32),
    Version(u64),
    Head(u64, Uuid),
    /// Namespace and key of what is unfinished.
    Unique(String, String, Uuid),
    /// Of what is unfinished.
    Gate(u32, Stand, Rank),
    Due(Timestamp, Uuid),
}

impl PipelineKey {
    /// All keys of a row.
    pub(super) fn of(row: &PipelineRow) -> Vec<Self> {
        let mut keys = vec![
            Self::Name(row.namespace.clone(), row.name.clone(), row.incarnation),
            Self::Version(row.version),
            Self::Head(row.head, row.id),
        ];
        if let Some(unique) = row.rare.unique.as_ref().filter(|_| !row.phase.is_terminal()) {
            keys.push(Self::Unique(row.namespace.clone(), unique.key.clone(), row.id));
        }
        if let Some(gate) = row.rare.gate.as_ref().filter(|_| !row.phase.is_terminal()) {
            keys.push(Self::Gate(gate.lane, gate.stand, row.rank()));
        }
        keys.extend(row.rare.due_at.map(|due| Self::Due(due, row.id)));
        keys
    }
}

/// Kind and name of an entity.
pub(super) type EntityName = (String, String);

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<Uuid, TaskRow>,
    pub(super) task_keys: BTreeMap<TaskKey, Uuid>,
    pub(super) task_bodies: BTreeMap<Uuid, String>,
    pub(super) task_results: BTreeMap<Uuid, ResultRow>,
    pub(super) attempts: BTreeMap<(Uuid, u32), AttemptRow>,
    /// (need, dependent).
    pub(super) dependents: BTreeMap<(Uuid, Uuid), ()>,
    /// (dependent, need).
    pub(super) needs: BTreeMap<(Uuid, Uuid), ()>,
    pub(super) pipelines: BTreeMap<Uuid, PipelineRow>,
    pub(super) pipeline_keys: BTreeMap<PipelineKey, Uuid>,
    pub(super) pipeline_bodies: BTreeMap<Uuid, String>,
    pub(super) tombstones: BTreeMap<u64, TombstoneRow>,
    pub(super) history_start: BTreeMap<(), u64>,
    pub(super) tasks_version: BTreeMap<(), u64>,
    /// By time, then by the order in which they were written.
    pub(super) events: BTreeMap<(Timestamp, u64), EventRow>,
    pub(super) nodes: BTreeMap<Uuid, NodeRow>,
    /// By kind and name.
    pub(super) entities: BTreeMap<EntityName, EntityRow>,
    /// All of them, by number: every claim asks for them.
    pub(super) lanes: BTreeMap<(), Arc<Vec<LaneRow>>>,
    pub(super) entity_versions: BTreeMap<u64, EntityName>,
    pub(super) requests: BTreeMap<String, RequestRow>,
    /// By name.
    pub(super) facts: BTreeMap<String, String>,
    /// In the order in which they were written.
    pub(super) hooks: BTreeMap<u64, HookRow>,
    pub(super) counters: Counters,
}

/// Numbers that are never given twice, so that no rollback touches them.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) epoch: u64,
    pub(super) version: u64,
    pub(super) fence: u64,
    pub(super) event: u64,
    pub(super) hook: u64,
}

impl State {
    /// The rows of a run of keys that begins at `from`.
    pub(super) fn run<'a>(
        &'a self,
        from: TaskKey,
        belongs: impl Fn(&TaskKey) -> bool + 'a,
    ) -> impl Iterator<Item = &'a TaskRow> + 'a {
        let keys = self.task_keys.range(from..).take_while(move |(key, _)| belongs(key));
        keys.map(|(_, id)| self.tasks.get(id).expect("a key has its row"))
    }

    /// The rows of a run of keys that begins at `from`.
    pub(super) fn pipeline_run<'a>(
        &'a self,
        from: PipelineKey,
        belongs: impl Fn(&PipelineKey) -> bool + 'a,
    ) -> impl Iterator<Item = &'a PipelineRow> + 'a {
        let keys = self.pipeline_keys.range(from..).take_while(move |(key, _)| belongs(key));
        keys.map(|(_, id)| self.pipelines.get(id).expect("a key has its row"))
    }
}

/// Ids, each once: a load gives a row once, however often it is asked for.
pub(super) fn once(ids: &[Uuid]) -> impl Iterator<Item = Uuid> {
    ids.iter().copied().collect::<BTreeSet<_>>().into_iter()
}
