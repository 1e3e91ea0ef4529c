//! The server itself: its state and its end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Duration, Method};

/// `server.status`: who answers here.
#[derive(Clone, Debug)]
pub struct Status;

/// Parameters of `server.status`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusParams {}

/// Answer of `server.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// `server.stop`: ends the server; work goes on with its next start.
#[derive(Clone, Debug)]
pub struct Stop;

/// Parameters of `server.stop`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StopParams {
    /// How long running work may go on; 60 s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Duration>,
    /// Stop only if nothing runs: otherwise `Conflict`.
    #[serde(skip_serializing_if = "super::task::is_default")]
    pub if_idle: bool,
}

/// Answer of `server.stop`: the process that is going to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
