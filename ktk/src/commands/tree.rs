//! `ktk tree`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct TreeArgs {}

pub(crate) async fn run(_args: TreeArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
