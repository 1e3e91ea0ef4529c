//! `ktk apply`: makes objects as manifests say, however they were before.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use ktk_client::{
    Error,
    api::task_type::{AppliedType, ApplyParams},
    manifest::{Document, Manifest},
};
use serde_json::json;

use super::{completion, manifests};
use crate::{
    context::Context,
    error::{CliError, Exit},
    output::{self, CHANGE, OutputFormat},
    ui::escape,
};

/// Make task types as manifests say
///
/// All manifests are read and checked first, and all are applied in one step or none. A type that is there and
/// different is changed: tasks keep what they were made with. With --source the types are a set of that name; with
/// --prune, what is gone from the set is removed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The types of a directory, as a set of their own
  ktk apply -f types/ --source media

  # And without those that are no longer in the directory
  ktk apply -f types/ --source media --prune

  # What that would do
  ktk apply -f types/ --source media --prune --dry-run")]
pub(crate) struct ApplyArgs {
    /// File, directory, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH", value_delimiter = ',', value_hint = ValueHint::AnyPath, required = true)]
    filenames: Vec<PathBuf>,

    /// Directories inside directories too
    #[arg(short = 'R', long)]
    recursive: bool,

    /// The set that these types are
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Remove types of the set that are not among these
    #[arg(long, requires = "source")]
    prune: bool,

    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: ApplyArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    // The last type of a set can go too.
    let documents = match args.prune {
        true => manifests::read_any(&args.filenames, args.recursive, cx).await?,
        false => manifests::read(&args.filenames, args.recursive, cx).await?,
    };
    let mut params = ApplyParams {
        source: args.source,
        prune: args.prune,
        dry_run: args.dry_run,
        ..ApplyParams::default()
    };
    for document in &documents {
        let Manifest::TaskType(task_type) = &document.value else { return Err(not_applied(document)) };
        params.objects.push((**task_type).clone());
    }
    let applied = match cx.client().await?.task_types().apply(&params).await {
        Ok(applied) => applied,
        Err(error) => return Err(refused(error, &documents)),
    };
    if let Some(machine) = format.machine() {
        let values = applied.results.iter().map(value).collect();
        return cx.ui.print_document(&machine.write(output::Document::Many(values))?).map(|()| Exit::Done);
    }
    let suffix = if args.dry_run { " (dry run)" } else { "" };
    for result in &applied.results {
        let line = format!("tasktype/{} {}{suffix}", escape(&result.name), result.outcome.as_str());
        cx.ui.println(&line)?;
    }
    Ok(Exit::Done)
}

fn value(result: &AppliedType) -> serde_json::Value {
    json!({"kind": "TaskType", "metadata": {"name": result.name}, "outcome": result.outcome.as_str()})
}

fn not_applied(document: &Document) -> CliError {
    let kind = document.value.kind();
    let words =
        format!("{}:{}: a {kind} is not applied: apply takes task types", document.source, document.line);
    CliError::new(Exit::Invalid, words).with_hint(format!("ktk create -f {}", document.source))
}

/// A refusal, its causes at their places in the files: their fields begin with the number of the object.
fn refused(error: Error, documents: &[Document]) -> CliError {
    let Error::Api(mut refused) = error else { return error.into() };
    let mut first = None;
    for cause in &mut refused.causes {
        let Some((number, field)) =
            cause.field.strip_prefix("objects[").and_then(|rest| rest.split_once("]."))
        else {
            continue;
        };
        if let Some(document) = number.parse::<usize>().ok().and_then(|number| documents.get(number)) {
            let (line, column) = document.locate(field);
            let place = format!("{}:{line}:{column}", document.source);
            cause.field = format!("{place}: {field}");
            first.get_or_insert(place);
        }
    }
    if let Some(place) = first {
        refused.message = format!("error when applying {place:?}: {}", refused.message);
    }
    refused.into()
}
