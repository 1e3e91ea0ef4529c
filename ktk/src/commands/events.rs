//! `ktk events`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct EventsArgs {}

pub(crate) async fn run(_args: EventsArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
