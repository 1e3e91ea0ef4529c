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
    if let Some(Ok(status)) = &server
        && let Some(skew) = skew(own, &status.version)
    {
        cx.ui.warning(&skew);
    }
    match server {
        Some(Err(error)) => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}

/// What to say of two versions that are more than one minor version apart.
fn skew(own: &str, server: &str) -> Option<String> {
    let numbers = |version: &str| -> Option<(u64, u64)> {
        let mut parts = version.split(['.', '-', '+']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let ((major, minor), (other_major, other_minor)) = (numbers(own)?, numbers(server)?);
    let is_far = major != other_major || minor.abs_diff(other_minor) > 1;
    is_far.then(|| {
        format!(
            "version difference between client ({own}) and server ({server}) exceeds the supported minor version \
             skew of +/-1"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::skew;

    #[test]
    fn more_than_one_minor_version_apart_is_told() {
        for (own, server, is_told) in [
            ("0.1.0", "0.1.9", false),
            ("0.1.0", "0.2.0", false),
            ("0.1.0", "0.3.0-rc.1", true),
            ("1.4.0", "2.4.0", true),
            ("0.1.0", "unknown", false),
        ] {
            assert_eq!(skew(own, server).is_some(), is_told, "{own} {server}");
        }
    }
}
