//! `ktk get`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct GetArgs {}

pub(crate) async fn run(_args: GetArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
