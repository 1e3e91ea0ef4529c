//! `ktk progress`.

use clap::Args;
use ktk_client::api::attempt::ProgressParams;

use super::{completion, running};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    ui::escape,
};

/// Say how far a running attempt is
///
/// `ktk get tasks -o wide`, `ktk describe` and the live lines of `ktk run` show it. Inside a
/// task it needs no name.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Inside a task
  ktk progress 40 'half way'

  # For an external task
  ktk progress 80 --task approval")]
pub(crate) struct ProgressArgs {
    /// How far, from 0 to 100
    #[arg(value_name = "PERCENT", allow_negative_numbers = true)]
    percent: f64,

    /// What it is doing, in a few words
    #[arg(value_name = "TEXT")]
    message: Option<String>,

    /// The task [default: the one inside which this is typed]
    #[arg(long, value_name = "[task/]NAME", add = completion::names(Kind::Task, "keepalive"))]
    task: Option<String>,

    /// Only this attempt is meant
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    attempt: Option<u32>,
}

pub(crate) async fn run(args: ProgressArgs, cx: &Context) -> Result<Exit, CliError> {
    if !(0.0..=100.0).contains(&args.percent) {
        return Err(CliError::usage("PERCENT must be from 0 to 100"));
    }
    let running = running::find("progress", args.task, args.attempt, cx)?;
    let (reference, attempt) = (Some(running.reference), running.attempt);
    let params =
        ProgressParams { reference, attempt, percent: args.percent, message: args.message, request_id: None };
    cx.client().await?.tasks().progress_with(params).await?;
    if !running.is_own {
        cx.ui.println(&format!("{} is at {}%", escape(&running.label), args.percent))?;
    }
    Ok(Exit::Done)
}
