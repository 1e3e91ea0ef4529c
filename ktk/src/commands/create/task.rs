//! `ktk create task`.

use clap::{Args, ValueHint};

use crate::{
    commands::{completion, made, new_task::TaskFlags},
    context::Context,
    env,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
};

/// Create a task that runs a command, or one that is done elsewhere, and leave
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # A command, in this directory, with this PATH
  ktk create task thumbnails -- convert in.png out.png

  # After another task, with labels and up to three attempts
  ktk create task publish --need thumbnails --label team=media --retry 2 -- ./publish

  # An approval: it runs until somebody says ktk complete or ktk fail, for two days at most
  ktk create task approval --external --timeout 2d")]
pub(super) struct TaskArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    task: TaskFlags,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,

    /// Nothing runs: somebody else does the work and says how it ended
    #[arg(long, conflicts_with = "command")]
    external: bool,

    /// The command and its arguments
    #[arg(last = true, required_unless_present = "external", value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<String>,
}

pub(super) async fn run(args: TaskArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let base = cx.base()?;
    let task = match args.external {
        true => args.task.external(Some(args.name))?,
        false => args.task.task(Some(args.name), args.command, &env::variables(), base.as_deref())?,
    };
    let created = cx.client().await?.tasks().create(&task).await?;
    let name = format!("task/{}", created.object.metadata.name());
    super::report(&name, made::value(&created.object)?, created.created, format, cx)?;
    Ok(Exit::Done)
}
