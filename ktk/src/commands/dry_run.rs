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
            Some(other) => Err(CliError::usage(format!(
                "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
            ))),
        }
    }
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
