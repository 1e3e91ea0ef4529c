//! `ktk version`: of this program, and of the server that answers.

use clap::Args;
use serde_json::json;

use super::completion;
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
    output::{DOCUMENT, Document, OutputFormat},
};

const EXAMPLES: &str = "\
Examples:
  # Of this program, and of the server
  ktk version

  # Of this program only: asks nobody
  ktk version --client";

/// Show the versions of this program and of the server
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VersionArgs {
    /// This program only
    #[arg(long)]
    client: bool,

    /// Format: json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

impl VersionArgs {
    /// Whether it is about this program alone.
    pub(crate) fn is_client(&self) -> bool {
        self.client
    }
}

pub(crate) async fn run(args: VersionArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let own = env!("CARGO_PKG_VERSION");
    // A question about the server does not start one.
    let server = match args.client {
        true => None,
        false => Some(cx.client_without_start()?.server().status().await),
    };
    match format.machine() {
        Some(machine) => {
            let mut versions = json!({"client": {"version": own, "build": env::build()}});
            if let Some(Ok(status)) = &server {
                versions["server"] = json!({"version": status.version, "build": status.build});
            }
            cx.ui.print_document(&machine.write(Document::One(versions))?)?;
        }
        None => {
            cx.ui.println(&format!("Client Version: {own}"))?;
            if let Some(Ok(status)) = &server {
                cx.ui.println(&format!("Server Version: {}", crate::ui::escape(&status.version)))?;
            }
        }
    }
    match server {
        Some(Err(error)) => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}
