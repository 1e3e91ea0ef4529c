//! `ktk create semaphore`.

use clap::Args;
use ktk_client::{api::Semaphore, manifest::Manifest};

use super::make::{MakeFlags, Maker};
use crate::{
    context::Context,
    error::{CliError, Exit},
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

    #[command(flatten)]
    flags: MakeFlags,
}

pub(super) async fn run(args: SemaphoreArgs, cx: &Context) -> Result<Exit, CliError> {
    let maker = Maker::new(&args.flags, cx)?;
    maker.make(Manifest::Semaphore(Semaphore::new(args.name, args.permits))).await
}
