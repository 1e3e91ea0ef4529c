//! `ktk why`.

use clap::Args;

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

/// Say everything that a task waits for, and what would let it go on
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Upstreams, queue, permits and its place in the line, time, nodes, holds
  ktk why publish

  # For programs
  ktk why task/publish -o json")]
pub(crate) struct WhyArgs {
    /// Tasks
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
        let named = Named { kind: Kind::Task, name: target.name.unwrap_or_default() };
        match client.tasks().why(&*named.name).await {
            Ok(answer) if format.machine().is_some() => values.push(made::value(&answer)?),
            Ok(answer) => cx.ui.print(&why::text(&answer, &moment))?,
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
