//! `ktk tree`: the restarts of a task.

use clap::Args;
use ktk_client::Client;
use serde_json::Value;

use super::completion;
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, Document, OutputFormat},
    target::{self, Target},
    view::tree,
};

const EXAMPLES: &str = "\
Examples:
  # How test-web came to its newest incarnation
  ktk tree test-web

  # The same as JSON, oldest incarnation first
  ktk tree task/test-web -o json

A pipeline's steps with their restarts: ktk get pipeline NAME -o tree";

/// Show the tree of a task's restarts
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TreeArgs {
    /// Tasks: NAME, task/NAME, or any other reference
    #[arg(value_name = "NAME", required = true, add = completion::names(Kind::Task, "tree"))]
    words: Vec<String>,

    /// Format: json, yaml, name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: TreeArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let targets = target::parse_names("tree", &args.words)?;
    let client = cx.client().await?;
    let mut families = Vec::new();
    let mut errors = Vec::new();
    for Target { name, .. } in targets {
        let name = name.unwrap_or_default();
        match client.tasks().tree(&*name).await {
            Ok(family) => families.push(family.items),
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) if error.is_not_found() => {
                errors.push(explain_missing(client, &name, error.into()).await)
            }
            Err(error) => errors.push(CliError::from(error)),
        }
    }
    match format.machine() {
        Some(machine) => {
            let values: Vec<Value> = families
                .iter()
                .flatten()
                .map(serde_json::to_value)
                .collect::<Result<_, _>>()
                .map_err(|error| CliError::failed(format!("cannot write the object: {error}")))?;
            if !values.is_empty() {
                cx.ui.print_document(&machine.write(Document::Many(values))?)?;
            }
        }
        None => {
            for family in &families {
                cx.ui.print(&tree::text(family, clock::now(), cx.ui.stdout_has_color()))?;
            }
        }
    }
    CliError::of_all(errors).map(|()| Exit::Done)
}

/// Where there is only a pipeline of the name, says how its tree is drawn.
async fn explain_missing(client: &Client, name: &str, error: CliError) -> CliError {
    match client.pipelines().get_opt(name).await {
        Ok(Some(_)) => error.with_hint(format!("pipeline/{name} has one: ktk get pipeline/{name} -o tree")),
        _ => error,
    }
}
