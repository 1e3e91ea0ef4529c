//! `ktk server status`.

use clap::Args;
use jiff::Timestamp;
use ktk_client::api::server::{Counts, ServerStatus};
use serde::Serialize;

use crate::{
    commands::{completion, made},
    context::Context,
    error::{CliError, Exit},
    output::{DOCUMENT, Document, OutputFormat},
    ui::escape,
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
    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

/// What programs are shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    pid: u32,
    version: &'a str,
    build: &'a str,
    socket: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<&'a str>,
    data_dir: &'a str,
    store: &'a str,
    since: Timestamp,
    counts: Counts,
}

impl<'a> Shown<'a> {
    fn new(status: &'a ServerStatus) -> Self {
        Self {
            pid: status.pid,
            version: &status.version,
            build: &status.build,
            socket: &status.socket,
            listen: status.listen.as_deref(),
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
            ("Listen", self.listen.unwrap_or("nowhere else").to_owned()),
            ("Data", self.data_dir.to_owned()),
            ("Store", self.store.to_owned()),
            ("Since", self.since.to_string()),
            ("Tasks", counts),
        ]
    }
}

pub(super) async fn run(args: StatusArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let client = cx.client_without_start()?;
    let status = match client.server().status().await {
        Ok(status) => status,
        Err(error) if super::is_absent(&error) => {
            let text = format!("no server runs at {}", client.address());
            return Err(CliError::new(Exit::Unreachable, text)
                .with_hint("the next command starts it, or: ktk server start"));
        }
        Err(error) => return Err(error.into()),
    };
    let shown = Shown::new(&status);
    match format.machine() {
        Some(machine) => cx.ui.print_document(&machine.write(Document::One(made::value(&shown)?))?)?,
        None => {
            let lines = shown.lines(status.stopping);
            let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or_default() + 1;
            for (key, value) in lines {
                cx.ui.println(&format!("{:width$}  {}", format!("{key}:"), escape(&value)))?;
            }
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_see_exactly_what_is_documented() {
        let status = serde_json::json!({
            "pid": 7, "version": "0.1.0", "build": "b", "socket": "/s", "dataDir": "/d", "store": "sqlite",
            "since": "2026-11-22T00:00:00Z", "autoStarted": true, "stopping": false,
            "counts": {"pending": 1, "running": 2},
        });
        let status: ServerStatus = serde_json::from_value(status).expect("a status");
        let shown = made::value(&Shown::new(&status)).expect("json");
        let keys: Vec<&str> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["build", "counts", "dataDir", "pid", "since", "socket", "store", "version"]);
        let lines = Shown::new(&status).lines(true);
        assert_eq!(lines[0], ("Process", "7 (stopping)".to_owned()));
        assert_eq!(lines[7], ("Tasks", "2 running, 1 pending".to_owned()));
    }
}
