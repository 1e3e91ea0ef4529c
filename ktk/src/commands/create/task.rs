//! `ktk create task`.

use clap::{Args, ValueHint};
use ktk_client::manifest::Manifest;

use super::make::{MakeFlags, Maker};
use crate::{
    commands::new_task::{TaskFlags, WorkFlags, give_stdin},
    context::Context,
    env,
    error::{CliError, Exit},
};

/// Create a task that runs a command, or does other work, and leave
///
/// There is a flag for each field of a task's spec. With --dry-run -o yaml it prints the manifest that they make.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # A command, in this directory, with this PATH
  ktk create task thumbnails -- convert in.png out.png

  # After another task, with labels and up to three attempts
  ktk create task publish --need thumbnails --label team=media --retry 2 -- ./publish

  # An approval: it runs until somebody says ktk complete or ktk fail, for two days at most
  ktk create task approval --external --timeout 2d

  # A request, tried again while the server there is busy
  ktk create task ping --http https://example.com/health --http-expect 200 --retry 3

  # A manifest to begin with
  ktk create task thumbnails --queue batch --dry-run -o yaml -- convert in.png out.png")]
pub(super) struct TaskArgs {
    /// Its name
    #[arg(value_name = "NAME", required_unless_present = "generate_name", conflicts_with = "generate_name")]
    name: Option<String>,

    /// Begin of its name; two words follow
    #[arg(long, value_name = "PREFIX")]
    generate_name: Option<String>,

    #[command(flatten)]
    task: TaskFlags,

    #[command(flatten)]
    work: WorkFlags,

    /// Give the process this command's standard input (1 MiB at most)
    #[arg(short = 'i', long = "stdin", conflicts_with = "work")]
    stdin: bool,

    #[command(flatten)]
    flags: MakeFlags,

    /// The command and its arguments
    #[arg(last = true, required_unless_present = "work", value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<String>,
}

pub(super) async fn run(args: TaskArgs, cx: &Context) -> Result<Exit, CliError> {
    let maker = Maker::new(&args.flags, cx)?;
    let base = cx.base()?;
    let mut task = match args.work.spec()? {
        Some(work) => args.task.with_work(args.name, work)?,
        None => args.task.task(args.name, args.command, &env::variables(), base.as_deref())?,
    };
    task.metadata.generate_name = args.generate_name;
    if let Some(run) = task.spec.run.as_mut().filter(|_| args.stdin) {
        give_stdin(run)?;
    }
    maker.make(Manifest::Task(task)).await
}
