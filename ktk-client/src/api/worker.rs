//! What workers and servers say to each other.
//!
//! One call, [`Sync`], one at a time: it reports what ended, renews the lease of what runs, and
//! takes new work. With nothing to report it is held until there is work. An answer that got
//! lost is asked for again with `resync`: grants are given again with their old fences, and a
//! worker starts each fence once.
//!
//! Neither this call nor [`Register`] takes a request id, as both may be repeated by what they carry: a report counts
//! for its fence, and so once; a registration that comes twice raises the generation twice, and only the last one is
//! the worker's.
//!
//! ```
//! use ktk_client::api::{Reason, worker::Outcome};
//! let ended = Outcome { reason: Some(Reason::ExitCode), exit_code: Some(2), ..Outcome::default() };
//! assert!(ended.outputs.is_none());
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Duration, Method, Reason, Secret,
    http::HttpSpec,
    meta::StringMap,
    task::{RunSpec, is_default},
};

/// The proof that an attempt is the current one: the store's epoch at the grant and a counter.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// The store's epoch at the grant.
    pub epoch: u64,
    /// Rises with every grant of an epoch.
    pub counter: u64,
}

/// `worker.register`: a worker has started. What its earlier generation ran is lost.
#[derive(Clone, Debug, JsonSchema)]
pub struct Register;

/// Parameters of `worker.register`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RegisterParams {
    /// Persistent over restarts of the worker.
    pub id: Uuid,
    /// Its name: a DNS label.
    pub name: String,
    /// `server` or `worker`.
    pub role: String,
    /// How many attempts it runs at once.
    pub slots: u32,
    /// Labels for node selectors.
    pub labels: StringMap,
    /// Names of its handlers.
    pub types: Vec<String>,
    /// Whether it runs processes (`run.command`) and sends requests (`http`).
    pub processes: bool,
}

/// Answer of `worker.register`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// Rises with each start.
    pub generation: u32,
    /// What the worker must be heard of within, while it runs something.
    pub lease: Duration,
    /// The store's id: `KTK_STORE_ID` of every process.
    pub store_id: Uuid,
}

impl Method for Register {
    const NAME: &'static str = "worker.register";
    type Params = RegisterParams;
    type Output = Registered;
}

/// `worker.sync`: reports, renews and claims.
#[derive(Clone, Debug, JsonSchema)]
pub struct Sync;

/// Parameters of `worker.sync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncParams {
    /// The worker.
    pub node: Uuid,
    /// Its generation.
    pub generation: u32,
    /// Attempts that have ended since the last answered call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// How many more attempts it can take.
    pub free: u32,
    /// The lent slots among those: what the last answer said.
    #[serde(skip_serializing_if = "is_default")]
    pub lent: u32,
    /// How many attempts it holds (reported ones not included): its lease is renewed.
    pub running: u32,
    /// Attempts that it is stopping already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stopping: Vec<Fence>,
    /// The answer before may have been lost: `held` lists what the worker really has.
    #[serde(skip_serializing_if = "is_default")]
    pub resync: bool,
    /// With `resync`: every attempt it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Fence>,
    /// How long the server may hold the call when there is nothing to answer; for as long as it
    /// takes when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// The worker takes no more work and will end: its node is shown as Stopping; with nothing
    /// running, as Stopped.
    #[serde(skip_serializing_if = "is_default")]
    pub leaving: bool,
}

/// Answer of `worker.sync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Synced {
    /// One for each report, in order: whether it counted.
    pub accepted: Vec<bool>,
    /// Attempts to start.
    pub grants: Vec<Grant>,
    /// Attempts to stop.
    pub stops: Vec<StopOrder>,
    /// How many of its attempts wait for sub-tasks of theirs: it can take as many more.
    #[serde(skip_serializing_if = "is_default")]
    pub lent: u32,
    /// The server does not know this generation any more: register again and drop everything.
    #[serde(skip_serializing_if = "is_default")]
    pub unknown_node: bool,
}

impl Method for Sync {
    const NAME: &'static str = "worker.sync";
    type Params = SyncParams;
    type Output = Synced;
}

/// An attempt to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The task.
    pub task: Uuid,
    /// Attempt number, from 1.
    pub attempt: u32,
    /// What every report must carry.
    pub fence: Fence,
    /// The task's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its restart context.
    pub context: Uuid,
    /// The owner of `KTK_DIR`: the pipeline, or the restart context.
    pub directory_owner: Uuid,
    /// The process to run, its parameters filled in; absent for a handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// The request to send, its references filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// The handler to call.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The environment of whoever created the task; the worker's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
    /// The task's inputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
    /// The outputs that were taken from each need; `null` where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Value>,
    /// The longest that the attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub grace_period: Duration,
    /// Speaks for this attempt alone, while it runs: `KTK_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// When it was granted.
    pub granted_at: Timestamp,
}

/// An attempt to stop: its task was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StopOrder {
    /// Which attempt.
    pub fence: Fence,
    /// SIGKILL at once.
    pub now: bool,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The task.
    pub task: Uuid,
    /// Attempt number.
    pub attempt: u32,
    /// The fence of its grant.
    pub fence: Fence,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended, as the worker saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    /// Absent for success. Else `ExitCode`, `Signal`, `Timeout`, `SpawnError`, `HandlerError`,
    /// `InvalidOutput`, `InvalidInput`, `NodeLost` (the launcher died) or `Interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The process's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The end in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Outputs; absent when it wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeMap<String, Value>>,
}
