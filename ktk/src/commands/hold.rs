//! `ktk pause` and `ktk resume`: tasks, pipelines and queues.

use clap::Args;
use ktk_client::Client;
use serde_json::Value;

use super::{
    completion,
    made::{self, Made},
    missing,
    selection::Named,
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    target,
    ui::escape,
};

/// Hold tasks and pipelines back, or the tasks of a queue
///
/// Nothing of them starts until `ktk resume`. What runs goes on.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # One task: it starts when it is resumed
  ktk pause publish

  # All steps of a pipeline that have not ended
  ktk pause pipeline/nightly

  # Whatever waits in a queue
  ktk pause queue/batch")]
pub(crate) struct PauseArgs {
    /// What to hold; a bare name is a task
    #[arg(value_name = "[TYPE/]NAME", required = true, add = completion::names(Kind::Task, "pause"))]
    names: Vec<String>,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

/// Let go what `ktk pause` holds
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # One task, also one that was created with `hold: true`
  ktk resume publish

  # All steps of a pipeline, and the tasks of a queue
  ktk resume pipeline/nightly queue/batch")]
pub(crate) struct ResumeArgs {
    /// What to let go; a bare name is a task
    #[arg(value_name = "[TYPE/]NAME", required = true, add = completion::names(Kind::Task, "resume"))]
    names: Vec<String>,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn pause(args: PauseArgs, cx: &Context) -> Result<Exit, CliError> {
    run(&args.names, args.output.as_deref(), true, cx).await
}

pub(crate) async fn resume(args: ResumeArgs, cx: &Context) -> Result<Exit, CliError> {
    run(&args.names, args.output.as_deref(), false, cx).await
}

async fn run(names: &[String], output: Option<&str>, held: bool, cx: &Context) -> Result<Exit, CliError> {
    let (verb, done) = if held { ("pause", "paused") } else { ("resume", "resumed") };
    let targets = target::parse_names(verb, names)?;
    let format = OutputFormat::parse(output, CHANGE)?;
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut errors = Vec::new();
    for target in targets {
        let Some(name) = target.name else {
            let error = CliError::usage("resource(s) were provided, but no name was specified");
            return Err(error.with_hint(format!("name it, as ktk {verb} {}/NAME", target.kind)));
        };
        let named = Named { kind: target.kind, name };
        match hold(client, &named, held).await {
            Ok(object) => {
                if format == OutputFormat::Human {
                    cx.ui.println(&format!("{} {done}", escape(&named.label())))?;
                }
                made.add(object, None);
            }
            Err(error) if error.exit() == Exit::Unreachable => return Err(error),
            Err(error) => errors.push(missing::explain(client, verb, &named, error).await),
        }
    }
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

async fn hold(client: &Client, named: &Named, held: bool) -> Result<Value, CliError> {
    let name = &*named.name;
    match (named.kind, held) {
        (Kind::Queue, true) => made::value(&client.queues().pause(name).await?),
        (Kind::Queue, false) => made::value(&client.queues().resume(name).await?),
        (Kind::Pipeline, true) => made::value(&client.pipelines().pause(name).await?),
        (Kind::Pipeline, false) => made::value(&client.pipelines().resume(name).await?),
        (_, true) => made::value(&client.tasks().pause(name).await?),
        (_, false) => made::value(&client.tasks().resume(name).await?),
    }
}
