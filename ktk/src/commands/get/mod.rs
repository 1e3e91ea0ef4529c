//! `ktk get`: lists objects, in tables and formats.

mod execution;
mod graph;
mod tables;
mod watch;

use clap::Args;
use serde_json::Value;

use super::{
    completion,
    fetch::{self, Query},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{Document, LISTING, OutputFormat, path::Path, sort},
    target::{self, Target, Targets},
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

  # Pipelines with their steps and restarts
  ktk get pipelines -o tree

  # Follow changes
  ktk get tasks -l team=media -w";

/// List objects
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// TYPE, TYPE NAME…, TYPE/NAME…, several types with commas, or all
    #[arg(value_name = "TYPE", add = completion::targets("get"))]
    words: Vec<String>,

    /// Only objects with these labels: a=b, a!=b, 'a in (b,c)', a, !a; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    labels: Vec<String>,

    /// Only objects with these fields: status.phase=Failed; repeated, all must hold
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

    /// Only failed tasks that no later incarnation has mended
    #[arg(long, conflicts_with = "watch", conflicts_with = "watch_only")]
    unresolved: bool,

    /// Format: wide, json, yaml, name; of pipelines also tree, dot, mermaid
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(LISTING))]
    output: Option<String>,

    /// Go on and print each change
    #[arg(short, long)]
    watch: bool,

    /// Print changes only, not what is there already
    #[arg(long)]
    watch_only: bool,

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

    /// Say nothing about names that do not exist
    #[arg(long)]
    ignore_not_found: bool,

    /// Exit with 3 where there is nothing
    #[arg(long)]
    error_if_empty: bool,
}

/// What was found, by type in the order asked for.
#[derive(Default)]
struct Found {
    groups: Vec<(Kind, Vec<Object>)>,
    errors: Vec<CliError>,
}

pub(crate) async fn run(mut args: GetArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), LISTING)?;
    let targets = target::parse("get", &args.words)?;
    args.check(&targets, format)?;
    if let Some(typed) = &args.execution {
        let id = execution::find(typed, cx).await?;
        args.fields.push(format!("metadata.executionId={id}"));
    }
    let sort_by = args.sort_by.as_deref().map(Path::parse).transpose()?;
    if args.watch || args.watch_only {
        if sort_by.is_some() {
            cx.ui.warning("--watch requested, --sort-by is not applied to changes");
        }
        return watch::run(&args, &targets.targets, format, cx).await;
    }
    match format {
        OutputFormat::Tree | OutputFormat::Dot | OutputFormat::Mermaid => {
            graph::run(&args, &targets.targets, format, cx).await
        }
        _ => list(&args, &targets, format, sort_by.as_ref(), cx).await,
    }
}

async fn list(
    args: &GetArgs,
    targets: &Targets,
    format: OutputFormat,
    sort_by: Option<&Path>,
    cx: &Context,
) -> Result<Exit, CliError> {
    let machine = format.machine();
    let has_little = machine.is_none() || format == OutputFormat::Name;
    let query = args.query(cx, has_little && sort_by.is_none());
    if let ([Target { kind, name: None }], None, None) = (targets.targets.as_slice(), machine, sort_by) {
        return args.print_long_table(*kind, &query, format, cx).await;
    }
    let mut found = args.find(&targets.targets, &query, cx).await?;
    if let Some(path) = sort_by {
        sort_groups(&mut found.groups, path)?;
    }
    let is_empty = found.groups.iter().all(|(_, objects)| objects.is_empty());
    match machine {
        Some(machine) => {
            let values = found.groups.iter().flat_map(|(_, objects)| objects).map(Object::to_value);
            let values: Vec<Value> = values.collect::<Result<_, _>>().map_err(unwritable)?;
            let is_named = targets.targets.iter().all(|target| target.name.is_some());
            if !(is_named && values.is_empty()) {
                let document = if is_named { Document::named(values) } else { Document::Many(values) };
                cx.ui.print(&machine.write(document)?)?;
            }
        }
        None => args.print_tables(&found.groups, format, cx)?,
    }
    if is_empty && found.errors.is_empty() {
        return Ok(args.say_nothing_found(&targets.targets, machine.is_some(), cx));
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

impl GetArgs {
    fn check(&self, targets: &Targets, format: OutputFormat) -> Result<(), CliError> {
        let is_named = targets.targets.iter().any(|target| target.name.is_some());
        let is_of_tasks = targets.targets.iter().all(|target| target.kind == Kind::Task);
        if self.execution.is_some() && (is_named || !is_of_tasks) {
            return Err(CliError::usage("--execution chooses tasks: ktk get tasks --execution REF"));
        }
        if is_named && (!self.labels.is_empty() || !self.fields.is_empty()) {
            return Err(CliError::usage("name cannot be provided when a selector is specified"));
        }
        let has_events = targets.targets.iter().any(|target| target.kind == Kind::Event);
        if has_events && (!self.labels.is_empty() || !self.fields.is_empty()) {
            let error = CliError::usage("events are not chosen by selectors");
            return Err(error.with_hint("ktk events --for TYPE/NAME"));
        }
        let is_of_tasks = targets.targets.iter().all(|target| target.kind == Kind::Task);
        if self.unresolved && (is_named || !is_of_tasks) {
            let error = CliError::usage("--unresolved chooses among tasks");
            return Err(error.with_hint("ktk get tasks --unresolved"));
        }
        let is_namespaced = targets.targets.iter().any(|target| target.kind.is_namespaced());
        if is_named && self.all_namespaces && is_namespaced {
            return Err(CliError::usage("a resource cannot be retrieved by name across all namespaces"));
        }
        let is_graph = matches!(format, OutputFormat::Tree | OutputFormat::Dot | OutputFormat::Mermaid);
        if is_graph && (self.watch || self.watch_only) {
            return Err(CliError::usage("tree, dot and mermaid cannot be watched"));
        }
        fetch::check_labels(&self.labels)
    }

    fn query(&self, cx: &Context, is_summary: bool) -> Query {
        Query {
            namespace: (!self.all_namespaces).then(|| cx.namespace().to_owned()),
            labels: fetch::joined(&self.labels),
            fields: fetch::joined(&self.fields),
            all_incarnations: self.all_incarnations,
            unresolved: self.unresolved,
            is_summary,
        }
    }

    async fn find(&self, targets: &[Target], query: &Query, cx: &Context) -> Result<Found, CliError> {
        let client = cx.client().await?;
        let mut found = Found::default();
        for Target { kind, name } in targets {
            let objects = match name {
                None => fetch::list(client, *kind, query).await.map_err(fetch::refused_list)?.objects,
                Some(name) => match fetch::one(client, *kind, name).await {
                    Ok(object) => vec![object],
                    Err(error) if self.ignore_not_found && error.is_not_found() => Vec::new(),
                    // The next name would meet the same.
                    Err(error) if error.is_unreachable() => return Err(error.into()),
                    Err(error) => {
                        found.errors.push(error.into());
                        Vec::new()
                    }
                },
            };
            match found.groups.iter_mut().find(|(known, _)| known == kind) {
                Some((_, known)) => known.extend(objects),
                None => found.groups.push((*kind, objects)),
            }
        }
        Ok(found)
    }
}
