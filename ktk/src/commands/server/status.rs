//! `ktk server status`.

use clap::{Args, ValueEnum};
use ktk_client::api::server::ServerStatus;
use serde::Serialize;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// Show the server that answers, and start none
///
/// Without a server it says so and ends with code 6.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Process, socket, data directory and what it has to do
  ktk server status

  # For programs
  ktk server status -o json")]
pub(super) struct StatusArgs {
    /// Output format
    #[arg(short, long, value_enum, ignore_case = true)]
    output: Option<Format>,
}

/// The formats of a status.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Indented JSON
    Json,
    /// YAML
    Yaml,
}

/// What programs are shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    pid: u32,
    version: &'a str,
    build: &'a str,
    socket: &'a str,
    data_dir: &'a str,
    store: &'a str,
    since: jiff::Timestamp,
    counts: ktk_client::api::server::Counts,
}

impl<'a> Shown<'a> {
    fn new(status: &'a ServerStatus) -> Self {
        Self {
            pid: status.pid,
            version: &status.version,
            build: &status.build,
            socket: &status.socket,
            data_dir: &status.data_dir,
            store: &status.store,
            since: status.since,
            counts: status.counts,
        }
    }

    fn lines(&self, is_stopping: bool) -> Vec<(&'static str, String)> {
        let counts = format!("{} running, {} pending", self.counts.running, self.counts.pending);
        vec![
            ("Process", if is_stopping { format!("{} (stopping)", self.pid) } else { self.pid.to_string() }),
            ("Version", format!("{} ({})", self.version, self.build)),
            ("Socket", self.socket.to_owned()),
            ("Data", self.data_dir.to_owned()),
            ("Store", self.store.to_owned()),
            ("Since", self.since.to_string()),
            ("Tasks", counts),
        ]
    }
}
