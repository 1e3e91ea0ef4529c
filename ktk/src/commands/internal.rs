//! `ktk internal`: what ktk calls itself for. Not shown, and no promise to anyone.

mod api_page;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use ktk_server::{exec::launcher, jq};

use crate::{
    context::Context,
    error::{CliError, Exit},
    generate,
};

/// What ktk calls itself for
#[derive(Args, Debug)]
#[command(hide = true)]
pub(crate) struct InternalArgs {
    #[command(subcommand)]
    command: InternalCommand,
}

#[derive(Debug, Subcommand)]
enum InternalCommand {
    /// Start processes for the server that holds the other end of the pipe
    Launcher,
    /// Evaluate jq for the server that holds the other end of the socket
    Jq,
    /// Write man pages, completions and the page of the API
    Generate {
        /// Directory for man pages
        #[arg(long, value_name = "DIR")]
        man: Option<PathBuf>,
        /// Directory for completions
        #[arg(long, value_name = "DIR")]
        completions: Option<PathBuf>,
        /// Directory for the page of the API
        #[arg(long, value_name = "DIR")]
        docs: Option<PathBuf>,
    },
}

pub(crate) fn run(args: InternalArgs, cx: &Context) -> Result<Exit, CliError> {
    match args.command {
        InternalCommand::Launcher => ended(launcher::run()),
        InternalCommand::Jq => ended(jq::run()),
        InternalCommand::Generate { man, completions, docs } => {
            man.map_or(Ok(()), |directory| generate::man(cx.command_line(), &directory))
                .map_err(unwritable)?;
            completions.map_or(Ok(()), |directory| generate::completions(&directory)).map_err(unwritable)?;
            if let Some(directory) = docs {
                let document = ktk_server::server::openrpc(env!("CARGO_PKG_VERSION"));
                generate::document("api.md", &api_page::page(&document), &directory).map_err(unwritable)?;
            }
            Ok(Exit::Done)
        }
    }
}

fn ended(code: ExitCode) -> Result<Exit, CliError> {
    if code == ExitCode::SUCCESS { Ok(Exit::Done) } else { Err(CliError::silent(Exit::Failed)) }
}

fn unwritable(error: io::Error) -> CliError {
    CliError::failed(format!("cannot write what is generated: {error}"))
}
