//! `ktk version`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct VersionArgs {}

pub(crate) async fn run(_args: VersionArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
