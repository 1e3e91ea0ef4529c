//! `ktk server`: the server itself, and what is done to it.

mod dump;
mod engine;
mod gone;
mod run;
mod start;
mod status;
mod stop;

use clap::{Args, Subcommand};
use ktk_client::Error;

pub(super) use self::stop::stop_and_wait;
use super::block_on;
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// Run, start, stop and look at the server
///
/// Commands start the local server by themselves when they need it, and it ends by itself when
/// it has nothing to do. These commands are for whoever wants to do it by hand.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Is a server running, and what does it do?
  ktk server status

  # Run it in the foreground, as a service manager wants it
  ktk server run --slots 8

  # Stop it; work goes on with its next start
  ktk server stop")]
pub(crate) struct ServerArgs {
    #[command(subcommand)]
    command: ServerCommand,
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    Run(Box<run::RunArgs>),
    Start(start::StartArgs),
    Stop(stop::StopArgs),
    Status(status::StatusArgs),
}

pub(crate) fn run(args: ServerArgs, cx: &Context) -> Result<Exit, CliError> {
    match args.command {
        ServerCommand::Run(args) => run::run(*args, cx),
        ServerCommand::Start(args) => block_on(|| start::run(args, cx)),
        ServerCommand::Stop(args) => block_on(|| stop::run(args, cx)),
        ServerCommand::Status(args) => block_on(|| status::run(args, cx)),
    }
}

/// Whether nobody listens there.
fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Unreachable { .. })
}
