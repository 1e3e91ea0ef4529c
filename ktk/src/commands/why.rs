//! `ktk why`.

use clap::Args;
use ktk_client::{
    Client, Error,
    api::why::{PipelineWhyAnswer, WhyAnswer},
};
use serde_json::Value;

use super::{completion, made, missing, selection::Named};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{DOCUMENT, Document, OutputFormat},
    target,
    view::{Moment, why},
};

/// Say everything that a task or a pipeline waits for, and what would let it go on
///
/// Of a pipeline: what it waits for as a whole, or the first thing that each pending step waits for.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Upstreams, queue, permits and its place in the line, time, nodes, holds
  ktk why publish

  # A pipeline's permits, its unique key, its hold, its queue, and its steps
  ktk why pipeline/nightly

  # For programs
  ktk why task/publish -o json")]
pub(crate) struct WhyArgs {
    /// Tasks and pipelines
    #[arg(value_name = "[TYPE/]NAME", required = true, add = completion::names(Kind::Task, "why"))]
    names: Vec<String>,

    /// Format: json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

pub(crate) async fn run(args: WhyArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    let targets = target::parse_names("why", &args.names)?;
    let client = cx.client().await?;
    let moment = Moment::for_ages(clock::now());
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for target in targets {
        let named = Named { kind: target.kind, name: target.name.unwrap_or_default() };
        match ask(client, &named).await {
            Ok(answer) if format.machine().is_some() => values.push(answer.to_value()?),
            Ok(answer) => cx.ui.print(&answer.text(&moment))?,
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => errors.push(missing::explain(client, "why", &named, error.into()).await),
        }
    }
    if let Some(machine) = format.machine().filter(|_| !values.is_empty()) {
        cx.ui.print_document(&machine.write(Document::named(values))?)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// What a task or a pipeline waits for.
enum Answer {
    Task(WhyAnswer),
    Pipeline(PipelineWhyAnswer),
}

impl Answer {
    fn to_value(&self) -> Result<Value, CliError> {
        match self {
            Self::Task(answer) => made::value(answer),
            Self::Pipeline(answer) => made::value(answer),
        }
    }

    fn text(&self, moment: &Moment) -> String {
        match self {
            Self::Task(answer) => why::text(answer, moment),
            Self::Pipeline(answer) => why::pipeline_text(answer, moment),
        }
    }
}

async fn ask(client: &Client, named: &Named) -> Result<Answer, Error> {
    match named.kind {
        Kind::Pipeline => client.pipelines().why(&*named.name).await.map(Answer::Pipeline),
        _ => client.tasks().why(&*named.name).await.map(Answer::Task),
    }
}
