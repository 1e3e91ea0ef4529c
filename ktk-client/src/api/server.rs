//! The server itself: its state and its end.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{Duration, server::{Stop, StopParams}};
//! let params = StopParams { drain: Some(Duration::from_secs(10)), ..StopParams::default() };
//! println!("process {} is going to end", client.call_once::<Stop>(params).await?.pid);
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Method, rpc};

/// `server.status`: who answers here.
#[derive(Clone, Debug, JsonSchema)]
pub struct Status;

/// Parameters of `server.status`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusParams {}

/// Answer of `server.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// Its process.
    pub pid: u32,
    /// Its version, as `0.1.0`.
    pub version: String,
    /// Its build: what tells two binaries of one version apart.
    pub build: String,
    /// The path of its socket.
    pub socket: String,
    /// Where it listens for the network: `https://0.0.0.0:7777`; nowhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Its data directory.
    pub data_dir: String,
    /// `sqlite` or `memory`.
    pub store: String,
    /// When it started.
    pub since: Timestamp,
    /// Whether a command started it by itself.
    #[serde(default)]
    pub auto_started: bool,
    /// Whether it is stopping.
    #[serde(default)]
    pub stopping: bool,
    /// What it has to do.
    pub counts: Counts,
}

/// Unfinished tasks, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Tasks that wait.
    pub pending: u64,
    /// Tasks that run.
    pub running: u64,
}

impl Method for Status {
    const NAME: &'static str = "server.status";
    type Params = StatusParams;
    type Output = ServerStatus;
}

rpc::repeatable!(CollectParams, StopParams);

/// `server.collect`: removes what is past its time, by `ttlAfterFinished` or by the server's retention. Done twice, it
/// finds nothing the second time.
#[derive(Clone, Debug, JsonSchema)]
pub struct Collect;

/// Parameters of `server.collect`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CollectParams {
    /// Say what would go, and remove nothing.
    #[serde(skip_serializing_if = "super::task::is_default")]
    pub dry_run: bool,
    /// With `dryRun`: the `next` of the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Answer of `server.collect`: the longest due first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Collected {
    /// What has gone, or would go.
    pub items: Vec<CollectedItem>,
    /// There is more: ask again, with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The server's retention, as `30d,100000`.
    pub retention: String,
    /// The clock has jumped: until then the server does not collect by itself what ended before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
}

/// A task with all its incarnations, or a pipeline with all of its own and their tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectedItem {
    /// `Task` or `Pipeline`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The id of its newest incarnation.
    pub id: uuid::Uuid,
    /// How many tasks it is.
    pub tasks: u64,
    /// What it ended in.
    pub phase: super::Phase,
    /// When its newest incarnation ended.
    pub finished_at: Timestamp,
    /// Why it goes: `ttlAfterFinished 1h`, `retention 30d`, `retention failed=90d`, `retention 100000`.
    pub rule: String,
    /// Since when it may go.
    pub since: Timestamp,
}

impl Method for Collect {
    const NAME: &'static str = "server.collect";
    type Params = CollectParams;
    type Output = Collected;
}

/// `server.stop`: ends the server; work goes on with its next start.
#[derive(Clone, Debug, JsonSchema)]
pub struct Stop;

/// Parameters of `server.stop`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StopParams {
    /// How long running work may go on; 60 s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Duration>,
    /// Stop only if nothing runs: otherwise `Conflict`.
    #[serde(skip_serializing_if = "super::task::is_default")]
    pub if_idle: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Answer of `server.stop`: the process that is going to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stopping {
    /// Its process.
    pub pid: u32,
}

impl Method for Stop {
    const NAME: &'static str = "server.stop";
    type Params = StopParams;
    type Output = Stopping;
}
