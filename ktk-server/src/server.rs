//! The server as a whole: stands in for the one that is being written.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use tokio::sync::watch;

/// Where objects are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In a file of the data directory.
    Sqlite,
    /// In memory.
    Memory,
}

/// How a server runs.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Where it listens.
    pub socket: Option<PathBuf>,
    /// How many attempts it runs at once.
    pub slots: Option<usize>,
    /// Where it keeps objects.
    pub store: StoreKind,
    /// After what time without anything to do it ends.
    pub idle_exit: Option<Duration>,
    /// Whether a command started it.
    pub auto_started: bool,
    /// Whether it says on stdout that it is ready.
    pub ready_stdout: bool,
    /// Its version.
    pub version: String,
    /// Its build.
    pub build: String,
    /// The launcher's program and arguments.
    pub launcher: (PathBuf, Vec<OsString>),
}

/// Serves until `stop` has a drain time and that is over.
///
/// # Errors
/// Where it cannot serve.
pub async fn run(config: ServerConfig, mut stop: watch::Receiver<Option<Duration>>) -> anyhow::Result<()> {
    let _ = config;
    stop.wait_for(Option::is_some).await?;
    Ok(())
}
