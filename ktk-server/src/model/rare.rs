//! What few tasks and pipelines have: facts that no query searches by, stored together as JSON in one column that is
//! empty for all others.

use jiff::Timestamp;
use ktk_client::api::{
    Duration,
    change::Changes,
    restart::{Cascade, Decision},
    task::TaskProgress,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{clocks::Clocks, gate::Gate, pipeline::WholeClocks, unique::Key};

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRare {
    #[serde(skip_serializing_if = "is_default")]
    pub clocks: Clocks,
    /// Whether it has hooks: what they are, its manifest says.
    #[serde(skip_serializing_if = "is_default")]
    pub has_hooks: bool,
    /// The task whose running attempt made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_by: Option<Uuid>,
    /// What its newest attempt last said of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<TaskProgress>,
    /// How far its expressions are; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jq: Option<Stage>,
    /// It was deleted: only its place in the tree is left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stub: bool,
    /// What early cutoff decided last about this finished task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Whether somebody holds it: it starts when they let it go.
    #[serde(skip_serializing_if = "is_default")]
    pub held: bool,
    /// Whether that is the hold of its pipeline, and goes with it.
    #[serde(skip_serializing_if = "is_default")]
    pub held_within: bool,
    /// Whether it is a request: whoever runs processes sends it.
    #[serde(skip_serializing_if = "is_default")]
    pub is_request: bool,
    /// Its unique key. The store finds unfinished tasks by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<Key>,
    /// Whether its type has a schema for its outputs.
    #[serde(skip_serializing_if = "is_default")]
    pub checks_outputs: bool,
    /// How long it is kept after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// When that is over, of the newest incarnation once it has ended. The store finds it by this number.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::microsecond::optional"
    )]
    pub expires_at: Option<Timestamp>,
    /// Of an item under `forEach`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemRare>,
    /// Of a step with `forEach`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEachRare>,
    /// The set that it was applied with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Of an item under `forEach`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemRare {
    /// The incarnation of its step whose needs it takes.
    pub step: Uuid,
    /// Its place among the items, from 0.
    pub index: u32,
    /// Digest of what its step gave it to do, in hex.
    pub digest: String,
    /// Its step, expanded again, has no such item any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gone: bool,
}

/// Of a step with `forEach`: how far it is, and what its items have come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForEachRare {
    /// Whether its items are there; until then it waits for its needs and for its values.
    #[serde(skip_serializing_if = "is_default")]
    pub is_expanded: bool,
    /// Items in all, items that can still move, items that ended badly. Those that are gone do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub items: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub live: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub bad: u32,
    /// An item that succeeded anew after its outputs were collected, and put out none: that equals nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// The version at which an old result was taken back: it is not what its items had put out by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopted: Option<u64>,
}

/// How far the expressions of a task are. The store finds those that are to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Its needs have not settled.
    Waiting,
    /// Its needs have settled: the evaluator takes it.
    Evaluating,
    /// They were evaluated on what its needs have come to.
    Evaluated,
}

/// Of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineRare {
    /// A new incarnation that is made when this one has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wish: Option<WholeWish>,
    /// Whether somebody holds all of its steps.
    #[serde(skip_serializing_if = "is_default")]
    pub held: bool,
    /// How long it is kept after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// When that is over, of the newest incarnation once it has ended. The store finds it by this number.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::microsecond::optional"
    )]
    pub expires_at: Option<Timestamp>,
    /// Whether it has hooks: what they are, its manifest says.
    #[serde(skip_serializing_if = "is_default")]
    pub has_hooks: bool,
    /// Its unique key. The store finds unfinished pipelines by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<Key>,
    /// Its permits, where it needs any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    #[serde(skip_serializing_if = "is_default")]
    pub clocks: WholeClocks,
    /// When a clock moves it, in microseconds: the store finds those that are due.
    #[serde(
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::microsecond::optional"
    )]
    pub due_at: Option<Timestamp>,
    /// The set that it was applied with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What was asked for with a restart of a whole pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WholeWish {
    /// The incarnation to restart; the pipeline itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub by: String,
    pub cascade: Cascade,
    #[serde(skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
}
