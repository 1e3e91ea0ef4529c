//! The rows that stores keep: hot columns (state, times, counters) as fields, cold parts
//! (manifest, outputs) as JSON text.

use jiff::Timestamp;
use ktk_client::api::{
    Duration, Phase, Reason, event::Severity, hook::Moment, node::NodePhase, restart::Cascade, task::RunIf,
    worker::Fence,
};
use uuid::Uuid;

use super::{
    entity::EntityRow,
    lane::PLAIN,
    rare::{PipelineRare, Stage, TaskRare},
};

/// What a running task comes to when its attempt has been stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopWish {
    /// The reason of the `Cancelled` that follows.
    pub reason: Reason,
    /// Whether the attempt is killed at once.
    pub now: bool,
}

/// The executor of tasks that run nowhere here. No handler can have this name.
pub const EXTERNAL: &str = "!external";

/// The executor of steps with `forEach`, whose items run in their place. No handler can have this name.
pub const FOR_EACH: &str = "!forEach";

/// The hot part of a task: one incarnation.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    pub id: Uuid,
    /// The root's id.
    pub context_id: Uuid,
    pub parent_id: Option<Uuid>,
    pub incarnation: u32,
    /// Whether no later incarnation exists.
    pub newest: bool,
    pub namespace: String,
    pub name: String,
    /// The first 8 bytes of the digest: see `ktk_client::api::id`.
    pub head: u64,
    pub pipeline_id: Option<Uuid>,
    pub step: Option<String>,
    pub execution_id: Uuid,
    /// Labels as a JSON object; absent when there are none.
    pub labels: Option<String>,
    /// The command as tables show it, cut to a limit.
    pub command: String,
    /// Empty for a process or a request, [`EXTERNAL`], [`FOR_EACH`], else the handler's name.
    pub executor: String,
    pub queue: String,
    /// Where it waits: see `model::lane`.
    pub lane: u32,
    pub priority: i32,
    pub run_if: RunIf,
    /// What its end does to dependents that have finished.
    pub cascade: Cascade,
    pub phase: Phase,
    pub reason: Option<Reason>,
    pub message: Option<String>,
    /// Whether it may be claimed as far as its pipeline's `maxParallel` goes, and counts there.
    pub admitted: bool,
    /// Needs in all, needs that can still move, needs that ended badly.
    pub needs: u32,
    pub live_needs: u32,
    pub bad_needs: u32,
    /// The number of the newest attempt; 0 before the first.
    pub attempt: u32,
    /// Attempts that count against `retry.limit`.
    pub counted: u32,
    /// Attempts that were lost with their node.
    pub lost: u32,
    /// The grant of the running attempt.
    pub fence: Option<Fence>,
    /// SHA-256 of the running attempt's token.
    pub token: Option<[u8; 32]>,
    pub node_id: Option<Uuid>,
    /// The node of the newest attempt as people see it: `local.g3`.
    pub node: Option<String>,
    pub exit_code: Option<i32>,
    /// Digest of the outputs, in hex.
    pub output_digest: Option<String>,
    /// Set while a running attempt is being stopped.
    pub stop: Option<StopWish>,
    /// A restart that happens when this one has ended, as JSON.
    pub wish: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub ready_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// When a clock moves it on.
    pub due_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// The server-wide number of its last change.
    pub version: u64,
    pub rare: TaskRare,
}

impl TaskRow {
    /// Whether somebody else does its work and reports it.
    pub fn is_external(&self) -> bool {
        self.executor == EXTERNAL
    }

    /// Whether it is a process.
    pub fn is_process(&self) -> bool {
        self.executor.is_empty() && !self.rare.is_request
    }

    /// Whether a handler in a worker carries it out.
    pub fn has_handler(&self) -> bool {
        !self.executor.is_empty() && !self.is_external() && !self.is_for_each()
    }

    /// Whether it is a step whose items run in its place.
    pub fn is_for_each(&self) -> bool {
        self.rare.for_each.is_some()
    }

    /// Whether a lane limits it, or its items.
    pub fn is_in_line(&self) -> bool {
        self.lane != PLAIN || self.is_for_each()
    }

    /// Whether it is an item under `forEach`.
    pub fn is_item(&self) -> bool {
        self.rare.item.is_some()
    }

    /// Whether it takes a place under its pipeline's `maxParallel` while it runs.
    pub fn takes_a_place(&self) -> bool {
        !self.is_external() && !self.is_for_each()
    }

    /// Whether a worker may claim it.
    pub fn is_claimable(&self) -> bool {
        self.is_queued() && self.admitted
    }

    /// Whether it waits only for its pipeline's `maxParallel`.
    pub fn is_gated(&self) -> bool {
        self.is_queued() && !self.admitted
    }

    /// Whether its expressions are to be evaluated.
    pub fn is_evaluating(&self) -> bool {
        self.rare.jq == Some(Stage::Evaluating)
    }

    /// Whether nothing holds it back but places, permits, and a slot.
    pub fn is_queued(&self) -> bool {
        self.phase == Phase::Pending && self.reason == Some(Reason::Queued)
    }
}

/// The little of a task that a table of many shows.
#[derive(Clone, Debug, PartialEq)]
pub struct LineRow {
    pub namespace: String,
    pub name: String,
    pub incarnation: u32,
    pub phase: Phase,
    pub reason: Option<Reason>,
    pub attempt: u32,
    pub created_at: Timestamp,
    pub lane: u32,
    /// Of a task that is queued.
    pub executor: Option<String>,
}

impl From<&TaskRow> for LineRow {
    fn from(row: &TaskRow) -> Self {
        Self {
            namespace: row.namespace.clone(),
            name: row.name.clone(),
            incarnation: row.incarnation,
            phase: row.phase,
            reason: row.reason,
            attempt: row.attempt,
            created_at: row.created_at,
            lane: row.lane,
            executor: row.is_queued().then(|| row.executor.clone()),
        }
    }
}

/// Of the two things that are collected as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WholeKind {
    /// A task that belongs to no pipeline, with all its incarnations.
    Task,
    /// A pipeline with all its incarnations and their tasks.
    Pipeline,
}

/// What collecting asks of a whole: its newest incarnation, and how many tasks it is.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeRow {
    pub kind: WholeKind,
    /// Of the newest incarnation, as all that follows but the count.
    pub id: Uuid,
    pub context_id: Uuid,
    pub namespace: String,
    pub name: String,
    pub phase: Phase,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub ttl: Option<Duration>,
    /// All its tasks, of all its incarnations.
    pub tasks: u64,
}

/// A task and its manifest: what is written once.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    pub row: TaskRow,
    /// JSON text; `engine::body` knows its form.
    pub body: String,
}

/// The cold part that attempts write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultRow {
    pub task_id: Uuid,
    /// JSON object; absent when there are none.
    pub outputs: Option<String>,
    /// JSON array of what was taken from the needs; absent when there are none.
    pub resolved: Option<String>,
    /// JSON object: the inputs as expressions made them; absent when there are none.
    pub inputs: Option<String>,
}

/// An attempt that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    pub task_id: Uuid,
    pub number: u32,
    pub node: String,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub reason: Option<Reason>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub message: Option<String>,
}

/// `dependent` (a context) needs `need` (a context).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeedRow {
    pub need: Uuid,
    pub dependent: Uuid,
}

/// The hot part of a pipeline: one incarnation.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineRow {
    pub id: Uuid,
    pub context_id: Uuid,
    pub parent_id: Option<Uuid>,
    pub incarnation: u32,
    pub newest: bool,
    pub namespace: String,
    pub name: String,
    pub head: u64,
    /// Labels as a JSON object; absent when there are none.
    pub labels: Option<String>,
    pub phase: Phase,
    pub reason: Option<Reason>,
    pub message: Option<String>,
    /// Steps in all, succeeded or skipped, ended badly or waiting behind one that did.
    pub total: u32,
    pub done: u32,
    pub failed: u32,
    /// Steps that were cancelled (they count in `failed` too).
    pub cancelled: u32,
    /// Tasks that run or may be claimed: never above `max_parallel`.
    pub admitted: u32,
    pub max_parallel: Option<u32>,
    pub fail_fast: bool,
    /// Whether `failFast` has cancelled what it cancels.
    pub tripped: bool,
    /// Whether somebody cancelled it, and whether `always` steps were to run.
    pub cancel: Option<StopWish>,
    /// Incarnations of its steps after their first.
    pub restarts: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub version: u64,
    pub rare: PipelineRare,
}

/// A pipeline and its manifest: what is written once.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPipeline {
    pub row: PipelineRow,
    /// JSON text; `engine::body` knows its form.
    pub body: String,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub id: Uuid,
    pub at: Timestamp,
    pub namespace: String,
    pub severity: Severity,
    pub reason: String,
    /// `Task`, `Pipeline`, `Node`, or the kind of an entity.
    pub object_kind: String,
    pub object_id: Uuid,
    pub object_name: String,
    pub object_incarnation: u32,
    /// The pipeline of a task, so that its events are found with it.
    pub pipeline_id: Option<Uuid>,
    pub by: String,
    pub message: String,
}

/// A server or worker.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRow {
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub generation: u32,
    pub slots: u32,
    /// JSON object.
    pub labels: String,
    /// JSON array of handler names.
    pub types: String,
    pub processes: bool,
    pub phase: NodePhase,
    pub registered_at: Timestamp,
    pub heartbeat_at: Timestamp,
    pub version: u64,
}

/// A remembered request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// The method's name and the caller's request id.
    pub key: String,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// The first answer, as JSON.
    pub answer: String,
    pub at: Timestamp,
}

/// A hook that is to be called.
#[derive(Clone, Debug, PartialEq)]
pub struct HookRow {
    /// The delivery.
    pub id: Uuid,
    pub task_id: Uuid,
    pub moment: Moment,
    pub attempt: u32,
    /// JSON text; `engine::hooks` knows its form.
    pub body: String,
}

/// What remains of a deleted object for those who watch.
#[derive(Clone, Debug, PartialEq)]
pub struct TombstoneRow {
    pub version: u64,
    /// `Task`, `Pipeline`, or the kind of an entity.
    pub kind: String,
    pub id: Uuid,
    pub context_id: Uuid,
    pub pipeline_id: Option<Uuid>,
    pub namespace: String,
    pub name: String,
    pub incarnation: u32,
    /// Labels as a JSON object; absent when there are none.
    pub labels: Option<String>,
    pub at: Timestamp,
}

/// One change, as a watch delivers it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Task(Box<TaskRow>),
    Pipeline(Box<PipelineRow>),
    Entity(Box<EntityRow>),
    Deleted(TombstoneRow),
}

impl Change {
    /// Its place in the order of changes.
    pub fn version(&self) -> u64 {
        match self {
            Self::Task(row) => row.version,
            Self::Pipeline(row) => row.version,
            Self::Entity(row) => row.version,
            Self::Deleted(row) => row.version,
        }
    }
}
