//! `ktk create semaphore`.

use clap::Args;
use ktk_client::api::Semaphore;

use crate::{
    commands::{completion, made},
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
};

/// Create a semaphore: permits that tasks hold while they run
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Two tasks with `semaphores: [gpu]` run at once
  ktk create semaphore gpu --permits 2")]
pub(super) struct SemaphoreArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    /// How many permits there are
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    permits: u32,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(super) async fn run(args: SemaphoreArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let semaphore = Semaphore::new(args.name, args.permits);
    let created = cx.client().await?.semaphores().create(&semaphore).await?;
    let name = format!("semaphore/{}", created.object.metadata.name());
    super::report(&name, made::value(&created.object)?, created.created, format, cx)?;
    Ok(Exit::Done)
}
