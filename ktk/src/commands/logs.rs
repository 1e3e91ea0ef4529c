//! `ktk logs`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct LogsArgs {}

pub(crate) async fn run(_args: LogsArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
