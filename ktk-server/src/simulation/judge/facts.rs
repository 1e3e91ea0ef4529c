//! What the judge is shown: what was committed, in order, and what callers were told. Plain words and numbers, so
//! that it shares nothing with those whom it judges, and a state that it does not know is only a word.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

/// The proof of a grant: epoch and counter.
pub type FenceFact = (u64, u64);

/// A task's row.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct TaskFact {
    pub id: Uuid,
    pub context: Uuid,
    pub parent: Option<Uuid>,
    pub incarnation: u32,
    pub newest: bool,
    pub name: String,
    pub pipeline: Option<Uuid>,
    pub execution: Uuid,
    /// The task whose attempt made it.
    pub spawned_by: Option<Uuid>,
    pub queue: String,
    pub priority: i32,
    pub run_if: &'static str,
    pub cascade: &'static str,
    pub phase: &'static str,
    pub reason: Option<&'static str>,
    pub attempt: u32,
    pub fence: Option<FenceFact>,
    pub node: Option<Uuid>,
    pub digest: Option<String>,
    /// Why its attempt is being stopped.
    pub stop: Option<&'static str>,
    /// Whether it has a place of its pipeline, or needs none.
    pub is_admitted: bool,
    pub is_held: bool,
    pub has_wish: bool,
    pub is_going: bool,
    /// It was deleted, and is kept for those who descend from it.
    pub is_stub: bool,
    /// Its place under `forEach`.
    pub item: Option<ItemFact>,
    /// Of a step with `forEach`: whether its items are there.
    pub is_expanded: Option<bool>,
    pub key: Option<KeyFact>,
    pub finished_at: Option<i64>,
    /// Microseconds.
    pub created_at: i64,
    pub ready_at: Option<i64>,
    pub started_at: Option<i64>,
    pub version: u64,
}

impl TaskFact {
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase, "Succeeded" | "Failed" | "Cancelled" | "Skipped")
    }

    pub fn is_good(&self) -> bool {
        matches!(self.phase, "Succeeded" | "Skipped")
    }

    pub fn is_for_each(&self) -> bool {
        self.is_expanded.is_some()
    }

    /// An item, and one that its step still has.
    pub fn is_present_item(&self) -> bool {
        self.item.is_some_and(|item| !item.is_gone)
    }

    /// Told to stop for good: it does not run again by itself.
    pub fn stops_for_good(&self) -> bool {
        self.reason == Some("Stopping") && !self.stops_for_now()
    }

    /// Only its attempt is stopped: another one may follow.
    pub fn stops_for_now(&self) -> bool {
        matches!(self.stop, Some("KeepaliveLost" | "DeadlineExceeded"))
    }

    /// Ended without success, or waiting behind one that did.
    pub fn is_bad(&self) -> bool {
        matches!(self.phase, "Failed" | "Cancelled") || self.reason == Some("UpstreamFailed")
    }
}

/// The place of an item under `forEach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemFact {
    /// The incarnation of the step whose needs it takes.
    pub step: Uuid,
    pub index: u32,
    /// Its step has no such item any more.
    pub is_gone: bool,
}

/// A unique key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyFact {
    pub key: String,
    /// Whether it is held only until it starts.
    pub is_until_start: bool,
    /// Whether it waits for the end of whom it replaces.
    pub waits: bool,
}

impl KeyFact {
    /// Whether something in this phase holds it.
    pub fn is_held_in(&self, phase: &str) -> bool {
        phase == "Pending" || (phase == "Running" && !self.is_until_start)
    }
}

/// A pipeline's row.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct PipelineFact {
    pub id: Uuid,
    pub context: Uuid,
    pub parent: Option<Uuid>,
    pub incarnation: u32,
    pub newest: bool,
    pub name: String,
    pub phase: &'static str,
    pub total: u32,
    pub max_parallel: Option<u32>,
    /// Why it was stopped.
    pub stop: Option<&'static str>,
    /// Where it stands with its permits, where it needs any.
    pub stand: Option<&'static str>,
    pub stands_since: Option<i64>,
    pub key: Option<KeyFact>,
    pub has_started: bool,
    pub finished_at: Option<i64>,
    pub has_wish: bool,
    pub is_going: bool,
    pub version: u64,
}

impl PipelineFact {
    pub fn is_terminal(&self) -> bool {
        !matches!(self.phase, "Pending" | "Running")
    }

    /// Stopped because its time was over.
    pub fn is_over(&self) -> bool {
        matches!(self.stop, Some("Timeout" | "DeadlineExceeded"))
    }
}

/// A queue or a semaphore.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct EntityFact {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    /// What is stored of it, as JSON text.
    pub body: String,
    pub version: u64,
}

/// A hook that is to be called.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct HookFact {
    pub id: Uuid,
    pub task: Uuid,
    pub moment: &'static str,
    pub attempt: u32,
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct AttemptFact {
    pub task: Uuid,
    pub number: u32,
    pub reason: Option<&'static str>,
    pub exit_code: Option<i32>,
    /// Microseconds.
    pub finished_at: i64,
}

/// One thing that a commit wrote.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Fact {
    /// A new task and the text of its manifest.
    NewTask(TaskFact, String),
    Task(TaskFact),
    GoneTask(Uuid),
    /// Outputs and what was taken from the needs, as JSON texts.
    Result {
        task: Uuid,
        outputs: Option<String>,
        resolved: Option<String>,
    },
    Entity(EntityFact),
    GoneEntity {
        kind: String,
        name: String,
    },
    Hook(HookFact),
    GoneHook(Uuid),
    Attempt(AttemptFact),
    Need {
        need: Uuid,
        dependent: Uuid,
    },
    GoneNeeds(Uuid),
    /// A new pipeline and the text of its manifest.
    NewPipeline(PipelineFact, String),
    Pipeline(PipelineFact),
    GonePipeline(Uuid),
    Deleted {
        id: Uuid,
        version: u64,
    },
    Node {
        id: Uuid,
        generation: u32,
        phase: &'static str,
        slots: u32,
        /// A JSON object.
        labels: String,
    },
    Request(String),
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Told<T> {
    Done(T),
    /// Refused for this reason: nothing has happened.
    Refused(&'static str),
    /// No answer: it has happened once, or not at all.
    Unknown,
}

impl<T> Told<T> {
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(answer) => Some(answer),
            _ => None,
        }
    }
}

/// What a worker reported.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct ReportFact {
    pub task: Uuid,
    pub attempt: u32,
    pub fence: FenceFact,
    pub reason: Option<&'static str>,
    pub exit_code: Option<i32>,
    pub outputs: Option<Value>,
}

/// What a worker was given to run.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct GrantFact {
    pub task: Uuid,
    pub attempt: u32,
    pub fence: FenceFact,
    /// The outputs of each need.
    pub needs: BTreeMap<String, Value>,
    pub inputs: BTreeMap<String, Value>,
}

/// A worker's call.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct SyncFact {
    pub node: Uuid,
    pub generation: u32,
    pub reports: Vec<ReportFact>,
    pub told: Told<(Vec<bool>, Vec<GrantFact>)>,
}

/// What a watch delivered: version, object, whether it is gone; and up to where everything has now been seen.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Page {
    pub events: Vec<(u64, Uuid, bool)>,
    pub upto: u64,
}

/// An attempt that speaks for itself: its task and its grant.
pub type Speaker = (Uuid, FenceFact);

/// What somebody has set.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Setting {
    Permits {
        semaphore: String,
        permits: u32,
    },
    Paused {
        queue: String,
        paused: bool,
    },
    TaskHeld {
        task: Uuid,
        held: bool,
    },
    /// A pipeline was held or let go, or something was made or deleted that has no namespace.
    Other,
}

/// A call and its answer. What it committed stands right before it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Call {
    CreateTask {
        request: String,
        /// Whose attempt asks, where it is one.
        by: Option<Speaker>,
        /// The answer: which task, and whether it was made.
        told: Told<(Uuid, bool)>,
    },
    CreatePipeline {
        request: String,
        told: Told<(Uuid, bool)>,
    },
    /// Something that must be refused.
    Bad {
        told: Told<Uuid>,
    },
    /// The answer: which task, and whether it was made by this call.
    Restart {
        request: String,
        told: Told<(Uuid, bool)>,
    },
    /// As a restart.
    Adopt {
        request: String,
        told: Told<(Uuid, bool)>,
    },
    /// The answer: the pipeline, and the tasks that were made.
    RestartPipeline {
        request: String,
        told: Told<(Uuid, Vec<Uuid>)>,
    },
    CancelTask {
        told: Told<Uuid>,
    },
    CancelPipeline {
        told: Told<Uuid>,
    },
    /// The answer: what, and whether it is gone.
    Delete {
        is_cascade: bool,
        told: Told<(Uuid, bool)>,
    },
    /// The answer: id, version, phase.
    Get {
        told: Told<(Uuid, u64, &'static str)>,
    },
    Set {
        told: Told<Setting>,
    },
    /// Somebody says how an external task ended: which attempt was meant, and whether another one is asked for.
    End {
        request: String,
        attempt: Option<u32>,
        asks_for_retry: bool,
        told: Told<Uuid>,
    },
    /// An attempt shows its token.
    Identify {
        by: Speaker,
        told: Told<()>,
    },
    /// A sign of life, or how far it is: by an attempt, or of a task.
    Say {
        by: Option<Speaker>,
        attempt: Option<u32>,
        told: Told<Uuid>,
    },
    /// An attempt waits for the tasks that it has made, or no longer does.
    Wait {
        task: Uuid,
        waits: bool,
    },
    Watch {
        after: u64,
        told: Told<Page>,
    },
    Register {
        node: Uuid,
        told: Told<u32>,
    },
    Sync(SyncFact),
    /// What expressions came to was to be stored.
    Verdict {
        task: Uuid,
        told: Told<()>,
    },
    /// A hook was called.
    HookCalled {
        id: Uuid,
    },
    /// It was to be forgotten.
    HookSettled {
        told: Told<()>,
    },
    /// What a clock moved; whether all of it could be moved.
    Timer {
        at: i64,
        is_through: bool,
    },
    /// What was past its time was collected, at a time and by a retention.
    Collect {
        at: i64,
        retention: &'static str,
    },
}

/// One entry of the record.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Entry {
    /// A server began with this epoch of the store.
    Start {
        epoch: u64,
    },
    Commit {
        at: i64,
        facts: Vec<Fact>,
    },
    Call(Call),
    /// The engine failed in a way that is no refusal.
    Broken(String),
    /// Nothing is left that anybody would do.
    Rest,
}
