//! `ktk completion`, and the candidates that completion offers.

use std::ffi::OsString;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct CompletionArgs {}

pub(crate) fn run(_args: CompletionArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}

/// Answers a shell that asks for candidates.
pub(crate) fn answer_shell(_args: &[OsString]) -> Option<Exit> {
    None
}

/// Completes namespaces.
pub(crate) fn namespaces() -> ArgValueCompleter {
    ArgValueCompleter::new(|_: &std::ffi::OsStr| Vec::new())
}
