//! `ktk create queue`.

use clap::Args;
use ktk_client::{
    api::{Queue, queue::QueueSpec},
    manifest::Manifest,
};

use super::make::{MakeFlags, Maker};
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// Create a queue, where tasks wait
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # A queue of which four tasks run at once, however many slots there are
  ktk create queue batch --max-running 4

  # What waits in it
  ktk get tasks --field-selector spec.queue=batch")]
pub(super) struct QueueArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    /// How many of its tasks run at once; no limit without it
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_running: Option<u32>,

    /// None of its tasks starts until `ktk resume queue/NAME`
    #[arg(long)]
    paused: bool,

    #[command(flatten)]
    flags: MakeFlags,
}

pub(super) async fn run(args: QueueArgs, cx: &Context) -> Result<Exit, CliError> {
    let maker = Maker::new(&args.flags, cx)?;
    let queue = Queue::new(args.name, QueueSpec { paused: args.paused, max_running: args.max_running });
    maker.make(Manifest::Queue(queue)).await
}
