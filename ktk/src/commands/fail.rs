//! `ktk fail`.

use clap::Args;
use ktk_client::api::attempt::FailParams;

use super::{completion, running};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    ui::escape,
};

/// Say that an external task could not do its work
///
/// That is its end, unless --retry is given and its `retry` has an attempt left.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # An approval was refused
  ktk fail task/approval --message 'not before Monday'

  # Another attempt may follow, as its `retry` says
  ktk fail call-back --retry")]
pub(crate) struct FailArgs {
    /// The task
    #[arg(value_name = "[task/]NAME", add = completion::names(Kind::Task, "fail"))]
    name: String,

    /// Why, in a sentence
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,

    /// Let another attempt follow, as its `retry` says
    #[arg(long)]
    retry: bool,

    /// Only this attempt is meant
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    attempt: Option<u32>,
}

pub(crate) async fn run(args: FailArgs, cx: &Context) -> Result<Exit, CliError> {
    let running = running::find("fail", Some(args.name), args.attempt, cx)?;
    let (reference, attempt) = (running.reference, running.attempt);
    let params =
        FailParams { reference, attempt, message: args.message, retry: args.retry, request_id: None };
    let task = cx.client().await?.tasks().fail_with(params).await?;
    let goes_on = task.status.is_some_and(|status| !status.phase.is_terminal());
    let words = if goes_on { "failed, another attempt follows" } else { "failed" };
    cx.ui.println(&format!("{} {words}", escape(&running.label)))?;
    Ok(Exit::Done)
}
