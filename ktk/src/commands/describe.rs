//! `ktk describe`.

use clap::Args;

use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// (being written)
#[derive(Args, Debug)]
pub(crate) struct DescribeArgs {}

pub(crate) async fn run(_args: DescribeArgs, _cx: &Context) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
