//! `ktk keepalive`.

use clap::Args;
use ktk_client::api::attempt::KeepaliveParams;

use super::{completion, running};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    ui::escape,
};

/// Say that a running attempt is alive
///
/// A task with `keepalive: 30s` must hear this at least every 30 seconds; otherwise the attempt
/// is stopped and counts as `KeepaliveLost`. Inside a task it needs no name.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Inside a task
  ktk keepalive

  # For an external task
  ktk keepalive task/approval")]
pub(crate) struct KeepaliveArgs {
    /// The task [default: the one inside which this is typed]
    #[arg(value_name = "[task/]NAME", add = completion::names(Kind::Task, "keepalive"))]
    name: Option<String>,

    /// Only this attempt is meant
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    attempt: Option<u32>,
}

pub(crate) async fn run(args: KeepaliveArgs, cx: &Context) -> Result<Exit, CliError> {
    let running = running::find("keepalive", args.name, args.attempt, cx)?;
    let params =
        KeepaliveParams { reference: Some(running.reference), attempt: running.attempt, request_id: None };
    cx.client().await?.tasks().keepalive_with(params).await?;
    // A task's own log is for its own words.
    if !running.is_own {
        cx.ui.println(&format!("{} kept alive", escape(&running.label)))?;
    }
    Ok(Exit::Done)
}
