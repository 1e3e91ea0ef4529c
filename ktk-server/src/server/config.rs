//! How a server is to run: plain values, resolved by whoever starts it.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

pub use crate::exec::http::AllowedPeers;
pub use crate::model::retention::Retention;

/// Where objects are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// In a file in the data directory.
    #[default]
    Sqlite,
    /// In memory: gone when the server ends.
    Memory,
}

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Where it listens; found from the data directory when absent.
    pub socket: Option<PathBuf>,
    /// How many attempts it runs at once; the cores when absent.
    pub slots: Option<usize>,
    /// Labels of its node.
    pub labels: BTreeMap<String, String>,
    /// Where its requests may go besides public addresses.
    pub allow_http_to: AllowedPeers,
    /// Where it keeps objects.
    pub store: StoreKind,
    /// How long what has ended is kept.
    pub retention: Retention,
    /// After what time without anything to do it ends.
    pub idle_exit: Option<Duration>,
    /// Whether a command started it by itself.
    pub auto_started: bool,
    /// Whether it says on standard output that it answers.
    pub ready_stdout: bool,
    /// Its version.
    pub version: String,
    /// Its build: what tells two binaries of one version apart.
    pub build: String,
    /// The program and arguments that are a launcher.
    pub launcher: (PathBuf, Vec<OsString>),
    /// The program and arguments that are a worker for jq.
    pub jq: (PathBuf, Vec<OsString>),
    /// The server's own variables that tasks without a caller's environment start from.
    pub environment: BTreeMap<String, String>,
}
