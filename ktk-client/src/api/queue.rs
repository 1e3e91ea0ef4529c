//! Queues: where tasks wait. A queue can be paused and capped.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::queue::{Queue, QueueSpec};
//! let nightly = Queue::new("nightly", QueueSpec { max_running: Some(4), ..QueueSpec::default() });
//! client.queues().create(&nightly).await?;
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Cause, List, ListParams, Metadata, Method, ObjectRef,
    apply::{AppliedObject, ApplyParams},
    entity::{CreateParams, Entity, NamedParams, entity},
    list::Created,
    patch::{PatchParams, Patched},
    rpc,
    task::{Deleted, is_default},
};

/// A queue. `default` always exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Queue`.
    pub kind: String,
    /// Name, labels, identity; not namespaced.
    pub metadata: Metadata,
    /// What holds for its tasks.
    pub spec: QueueSpec,
    /// What waits and runs in it; absent in manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<QueueStatus>,
}

impl Queue {
    /// A queue to create.
    ///
    /// ```
    /// # use ktk_client::api::queue::{Queue, QueueSpec};
    /// assert_eq!(Queue::new("nightly", QueueSpec::default()).metadata.name(), "nightly");
    /// ```
    pub fn new(name: impl Into<String>, spec: QueueSpec) -> Self {
        Self::assemble(Metadata { name: Some(name.into()), ..Metadata::default() }, spec)
    }
}

/// What holds for the tasks of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueSpec {
    /// Whether none of them starts. What runs goes on.
    #[serde(skip_serializing_if = "is_default")]
    pub paused: bool,
    /// How many of them run at once, over all nodes; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// What waits and runs in a queue. Written by the server only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueStatus {
    /// Tasks that are ready and wait.
    pub waiting: u64,
    /// Tasks that run.
    pub running: u64,
}

entity!(Queue, QueueSpec, check);

fn check(spec: &QueueSpec) -> Vec<Cause> {
    let is_closed = spec.max_running == Some(0);
    let why = "must be at least 1: leave it out for no limit, or pause the queue";
    is_closed.then(|| Cause::new("spec.maxRunning", why)).into_iter().collect()
}

/// `queue.create`: makes a queue.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

impl Method for Create {
    const NAME: &'static str = "queue.create";
    type Params = CreateParams<Queue>;
    type Output = Created<Queue>;
}

/// `queue.apply`: makes a queue, or changes it until it is as given.
#[derive(Clone, Debug, JsonSchema)]
pub struct Apply;

impl Method for Apply {
    const NAME: &'static str = "queue.apply";
    type Params = ApplyParams<Queue>;
    type Output = AppliedObject<Queue>;
}

/// `queue.get`: one queue, by any reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "queue.get";
    type Params = ObjectRef;
    type Output = Queue;
}

/// `queue.list`: a page of queues, by name.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListQueues;

impl Method for ListQueues {
    const NAME: &'static str = "queue.list";
    type Params = ListParams;
    type Output = List<Queue>;
}

/// `queue.patch`: changes labels, annotations and spec of a queue.
#[derive(Clone, Debug, JsonSchema)]
pub struct Patch;

impl Method for Patch {
    const NAME: &'static str = "queue.patch";
    type Params = PatchParams;
    type Output = Patched<Queue>;
}

/// `queue.delete`: removes a queue that no task uses.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

impl Method for Delete {
    const NAME: &'static str = "queue.delete";
    type Params = NamedParams;
    type Output = Deleted<Queue>;
}

rpc::repeatable!(ScaleParams);

/// `queue.scale`: another number of tasks that run at once, from now on. What runs goes on.
#[derive(Clone, Debug, JsonSchema)]
pub struct Scale;

/// Parameters of `queue.scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleParams {
    /// Which queue.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// How many of its tasks run at once; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Scale {
    const NAME: &'static str = "queue.scale";
    type Params = ScaleParams;
    type Output = Queue;
}

/// `queue.pause`: none of its tasks starts; what runs goes on.
#[derive(Clone, Debug, JsonSchema)]
pub struct Pause;

impl Method for Pause {
    const NAME: &'static str = "queue.pause";
    type Params = NamedParams;
    type Output = Queue;
}

/// `queue.resume`: its tasks start again.
#[derive(Clone, Debug, JsonSchema)]
pub struct Resume;

impl Method for Resume {
    const NAME: &'static str = "queue.resume";
    type Params = NamedParams;
    type Output = Queue;
}
