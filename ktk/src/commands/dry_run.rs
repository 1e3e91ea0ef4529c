//! `--dry-run`: nothing is done, and what would be is said.

use clap::Args;

use crate::error::CliError;

/// Who says what would be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// Nobody: it is done.
    #[default]
    None,
    /// This command, without asking the server.
    Client,
    /// The server, which does everything but keep it.
    Server,
}

/// The flag itself.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DryRunFlag {
    /// Do nothing: say what would be sent (client, also without a word) or what the server would do with it (server)
    #[arg(
        long,
        value_name = "none|client|server",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "client"
    )]
    dry_run: Option<String>,
}

impl DryRunFlag {
    /// What was asked for.
    ///
    /// # Errors
    /// Code 2 for another word.
    pub(crate) fn read(&self) -> Result<DryRun, CliError> {
        match self.dry_run.as_deref() {
            None | Some("none") => Ok(DryRun::None),
            Some("client") => Ok(DryRun::Client),
            Some("server") => Ok(DryRun::Server),
            Some(other) => Err(invalid(other)),
        }
    }
}

/// The flag of what begins with a plan: the server alone can make one.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PlanFlag {
    /// Print the plan and change nothing: the server makes it, so a bare --dry-run is --dry-run=server
    #[arg(
        long,
        value_name = "none|server",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "server"
    )]
    dry_run: Option<String>,
}

impl PlanFlag {
    /// Whether only the plan is asked for.
    ///
    /// # Errors
    /// Code 2 for `client`, which knows too little, and for another word.
    pub(crate) fn read(&self) -> Result<bool, CliError> {
        match self.dry_run.as_deref() {
            None | Some("none") => Ok(false),
            Some("server") => Ok(true),
            Some("client") => {
                let words = "what would happen is planned by the server, and cannot be told without it";
                Err(CliError::usage(words).with_hint("--dry-run=server, or --dry-run alone"))
            }
            Some(other) => Err(invalid(other)),
        }
    }
}

fn invalid(word: &str) -> CliError {
    let words = format!("Invalid dry-run value ({word}). Must be \"none\", \"server\", or \"client\".");
    CliError::usage(words)
}

impl DryRun {
    /// Whether anything is done.
    pub(crate) fn is_dry(self) -> bool {
        self != Self::None
    }

    /// What stands behind each line of what was not done.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}
