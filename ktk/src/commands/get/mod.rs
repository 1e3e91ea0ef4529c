//! `ktk get`: lists objects, in tables and formats.

mod choice;
mod document;
mod execution;
mod graph;
mod live;
mod tables;
mod watch;

use std::collections::BTreeMap;

use clap::Args;
use ktk_client::config::text_of;
use serde_json::Value;

use self::document::Shape;
use super::{completion, filed::ManifestFlags};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{
        Document, LISTING, OutputFormat,
        jsonpath::{Missing, Path},
        sort,
    },
    target::{Target, Targets},
    view::object::Object,
};

const EXAMPLES: &str = "\
Examples:
  # All tasks of the namespace, the newest incarnation of each
  ktk get tasks

  # With queue, node, times, exit code and command
  ktk get tasks -o wide

  # Failed tasks of all namespaces
  ktk get tasks -A --field-selector status.phase=Failed

  # One task as JSON
  ktk get task/build-web -o json

  # The names of those that failed today, one a line
  ktk get tasks -o name --field-selector 'status.phase=Failed,status.finishedAt>2026-11-21T00:00:00Z'

  # One field: see ktk help jsonpath
  ktk get task build-web -o jsonpath='{.status.phase}'

  # Columns of one's own
  ktk get tasks -o custom-columns=NAME:.metadata.name,NODE:.status.node,AGE:'age(.metadata.createdAt)'

  # What jq makes of them
  ktk get tasks --jq '.items[].metadata.name'

  # Pipelines with their steps and restarts
  ktk get pipelines -o tree

  # Follow changes
  ktk get tasks -l team=media -w

  # A table that is always of now
  ktk get tasks,pipelines --live";

/// List objects
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// TYPE, TYPE NAME…, TYPE/NAME…, several types with commas, or all: tasks and pipelines
    #[arg(value_name = "TYPE", add = completion::targets("get"))]
    words: Vec<String>,

    /// Only objects with these labels: a=b, a!=b, 'a in (b,c)', a, !a; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    labels: Vec<String>,

    /// Only objects with these fields: status.phase=Failed, 'status.finishedAt>2026-11-21T00:00:00Z'; repeated,
    /// all must hold
    #[arg(long = "field-selector", value_name = "SELECTOR")]
    fields: Vec<String>,

    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// Only tasks that began with this pipeline or task: TYPE/NAME or an id
    #[arg(long, value_name = "REF")]
    execution: Option<String>,

    /// Every incarnation of each task, not only the newest
    #[arg(long)]
    all_incarnations: bool,

    /// Only failed tasks of which no later incarnation succeeded or was skipped
    #[arg(long, conflicts_with = "watch", conflicts_with = "watch_only")]
    unresolved: bool,

    /// Format: wide, json, jsonl, yaml, name, jsonpath=TEMPLATE, jsonpath-file=FILE, jsonpath-as-json=TEMPLATE,
    /// custom-columns=TITLE:PATH,…, custom-columns-file=FILE; of pipelines also tree, dot, mermaid
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(LISTING))]
    output: Option<String>,

    /// Whether a jsonpath template may name fields that are not there
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = true,
        hide_default_value = true,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    allow_missing_template_keys: bool,

    /// Print what this jq filter yields of the objects as -o json has them, texts raw
    #[arg(long, value_name = "FILTER")]
    jq: Option<String>,

    #[command(flatten)]
    manifests: ManifestFlags,

    /// Where the objects are that manifests name, by type and name.
    #[arg(skip)]
    places: BTreeMap<(Kind, String), String>,

    /// Objects that one request asks for; 0 leaves it to the server. The output is the same [default: 1000]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    chunk_size: Option<u32>,

    /// Go on and print each change
    #[arg(short, long)]
    watch: bool,

    /// Print changes only, not what is there already
    #[arg(long)]
    watch_only: bool,

    /// Draw the table anew with each change, on a terminal
    #[arg(long, conflicts_with = "watch_only")]
    live: bool,

    /// With -w: say of each row whether it was ADDED, MODIFIED or DELETED
    #[arg(long)]
    output_watch_events: bool,

    /// Sort by this field, as .metadata.createdAt
    #[arg(long, value_name = "PATH")]
    sort_by: Option<String>,

    /// Without the line of titles
    #[arg(long)]
    no_headers: bool,

    /// A column for each of these labels
    #[arg(short = 'L', long = "label-columns", value_name = "KEYS", value_delimiter = ',')]
    label_columns: Vec<String>,

    /// A column with all labels
    #[arg(long)]
    show_labels: bool,

    /// Names with their type
    #[arg(long)]
    show_kind: bool,

    /// How tables show when something was made
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Timestamps::Relative)]
    timestamps: Timestamps,

    /// Say nothing about names that do not exist
    #[arg(long)]
    ignore_not_found: bool,

    /// Exit with 3 where there is nothing
    #[arg(long)]
    error_if_empty: bool,
}

/// How tables show times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Timestamps {
    /// A column AGE: how long ago.
    Relative,
    /// A column CREATED: the time itself.
    Absolute,
}

/// What was found, by type in the order asked for.
#[derive(Default)]
struct Found {
    groups: Vec<(Kind, Vec<Object>)>,
    errors: Vec<CliError>,
}

pub(crate) async fn run(mut args: GetArgs, cx: &Context) -> Result<Exit, CliError> {
    let missing = if args.allow_missing_template_keys { Missing::Allowed } else { Missing::Refused };
    let format =
        OutputFormat::parse_with(args.output.as_deref(), LISTING, missing, |path| text_of(path.as_ref()))?;
    if let OutputFormat::Template(template) = format
        && let Some(oddity) = template.oddity()
    {
        cx.ui.warning(&oddity);
    }
    let targets = args.targets(cx).await?;
    args.check(&targets, format)?;
    let shape = Shape::new(format, args.jq.as_deref())?;
    if let Some(typed) = &args.execution {
        let id = execution::find(typed, cx).await?;
        args.fields.push(format!("metadata.executionId={id}"));
    }
    let sort_by = args.sort_by.as_deref().map(Path::parse).transpose().map_err(CliError::usage)?;
    if args.live {
        return live::run(&args, &targets.targets, &shape, sort_by.as_ref(), cx).await;
    }
    if args.watch || args.watch_only {
        if sort_by.is_some() {
            cx.ui.warning("--watch requested, --sort-by will be ignored for watch events received");
        }
        return watch::run(&args, &targets.targets, &shape, sort_by.as_ref(), cx).await;
    }
    match format {
        OutputFormat::Tree | OutputFormat::Dot | OutputFormat::Mermaid => {
            graph::run(&args, &targets.targets, format, cx).await
        }
        _ => list(&args, &targets, &shape, sort_by.as_ref(), cx).await,
    }
}

async fn list(
    args: &GetArgs,
    targets: &Targets,
    shape: &Shape,
    sort_by: Option<&Path>,
    cx: &Context,
) -> Result<Exit, CliError> {
    let query = args.query(cx, !shape.needs_whole_objects() && sort_by.is_none());
    let format = shape.format();
    if let ([Target { kind, name: None }], true, None) =
        (targets.targets.as_slice(), shape.is_table(), sort_by)
    {
        return args.print_long_table(*kind, &query, format, cx).await;
    }
    let mut found = args.find(&targets.targets, &query, cx).await?;
    if let Some(path) = sort_by {
        sort_groups(&mut found.groups, path)?;
    }
    let is_empty = found.groups.iter().all(|(_, objects)| objects.is_empty());
    let is_named = targets.targets.iter().all(|target| target.name.is_some());
    if shape.is_table() {
        args.print_tables(&found.groups, format, cx)?;
    } else if !(is_named && is_empty) {
        let values = found.groups.iter().flat_map(|(_, objects)| objects).map(Object::to_value);
        let values: Vec<Value> = values.collect::<Result<_, _>>().map_err(unwritable)?;
        match format {
            OutputFormat::Columns(columns) => args.print_columns(columns, &values, cx)?,
            _ if is_named => cx.ui.print_document(&shape.write(Document::named(values))?)?,
            _ => cx.ui.print_document(&shape.write(Document::Many(values))?)?,
        }
    }
    if is_empty && found.errors.is_empty() {
        return Ok(args.say_nothing_found(&targets.targets, !shape.is_table(), cx));
    }
    CliError::of_all(found.errors).map(|()| Exit::Done)
}

fn unwritable(error: serde_json::Error) -> CliError {
    CliError::failed(format!("cannot write the object: {error}"))
}

/// Sorts each type's objects. A field that some type lacks is no error as long as another has it.
fn sort_groups(groups: &mut [(Kind, Vec<Object>)], path: &Path) -> Result<(), CliError> {
    let mut refusals = Vec::new();
    let mut has_field = false;
    for (_, objects) in groups.iter_mut().filter(|(_, objects)| !objects.is_empty()) {
        let values: Vec<Value> =
            objects.iter().map(Object::to_value).collect::<Result<_, _>>().map_err(unwritable)?;
        match sort::order(&values, path) {
            Ok(order) => {
                has_field = true;
                let mut unsorted: Vec<Option<Object>> =
                    std::mem::take(objects).into_iter().map(Some).collect();
                objects.extend(order.into_iter().filter_map(|index| unsorted[index].take()));
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    match refusals.pop() {
        Some(refusal) if !has_field => Err(refusal),
        _ => Ok(()),
    }
}
