//! `ktk top`: what running attempts take, by task, by node and by queue.

mod rows;

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use ktk_client::{
    Client,
    api::{ListParams, usage::TaskUsage},
};

use self::rows::Row;
use super::{completion, fetch};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{Document, OutputFormat, Word, table::Table},
};

const EXAMPLES: &str = "\
Examples:
  # Processor and memory of what runs
  ktk top tasks

  # What takes most, in all namespaces
  ktk top tasks -A --sort-by=memory

  # What waits, and since when
  ktk top queues";

/// Show what running tasks take of processor and memory, by task, node or queue
///
/// It is measured over half a second on the machine of the server. What runs on another node, or ended meanwhile, is
/// <unknown>.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TopArgs {
    /// tasks, nodes or queues; behind it names, to see these alone
    #[arg(value_name = "TYPE [NAME...]", required = true, add = completion::targets("top"))]
    words: Vec<String>,

    /// Only objects with these labels: a=b, a!=b, 'a in (b,c)', a, !a; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    selectors: Vec<String>,

    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    /// Most first, or by name
    #[arg(long, value_name = "FIELD", value_enum)]
    sort_by: Option<SortBy>,

    /// Without the line of titles
    #[arg(long)]
    no_headers: bool,

    /// Format: json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(FORMATS))]
    output: Option<String>,
}

const FORMATS: &[Word] = &[Word::Json, Word::JsonPath, Word::JsonPathAsJson, Word::Yaml];

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SortBy {
    /// By the name
    Name,
    /// By what it takes of processors, most first
    Cpu,
    /// By what it takes of memory, most first
    Memory,
}

pub(crate) async fn run(args: TopArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), FORMATS)?;
    fetch::check_labels(&args.selectors)?;
    let targets = crate::target::parse("top", &args.words)?.targets;
    let kind = targets[0].kind;
    if targets.iter().any(|target| target.kind != kind) {
        return Err(CliError::usage("you may only specify a single resource type"));
    }
    let names: Vec<String> = targets.into_iter().filter_map(|target| target.name).collect();
    if !names.is_empty() && !args.selectors.is_empty() {
        return Err(CliError::usage("name cannot be provided when a selector is specified"));
    }
    let client = cx.client().await?;
    let now = clock::now();
    let labels = fetch::joined(&args.selectors);
    let mut rows = match kind {
        Kind::Task => {
            let namespace = (!args.all_namespaces).then(|| cx.namespace().to_owned());
            let tasks = usage(client, namespace, labels).await?;
            tasks.into_iter().map(|task| rows::of_task(task, now)).collect()
        }
        Kind::Node => rows::of_nodes(client, labels, now).await?,
        _ => rows::of_queues(client, labels, now).await?,
    };
    let missing = names.iter().filter(|name| rows.iter().all(|row: &Row| row.name != **name));
    let missing: Vec<CliError> = missing.map(|name| not_running(kind, name)).collect();
    rows.retain(|row| names.is_empty() || names.contains(&row.name));
    match args.sort_by {
        None | Some(SortBy::Name) => rows.sort_by(|a, b| a.place().cmp(&b.place())),
        Some(SortBy::Cpu) => rows.sort_by_key(|row| Reverse(row.usage.map(|usage| usage.cpu_millis))),
        Some(SortBy::Memory) => rows.sort_by_key(|row| Reverse(row.usage.map(|usage| usage.memory_bytes))),
    }
    if let Some(machine) = format.machine() {
        let items = rows.into_iter().map(|row| row.value).collect();
        cx.ui.print_document(&machine.write(Document::Many(items))?)?;
    } else if rows.is_empty() {
        if names.is_empty() {
            cx.ui.message(&match kind.is_namespaced() && !args.all_namespaces {
                true => format!("No resources found in {} namespace.", cx.namespace()),
                false => "No resources found".to_owned(),
            });
        }
    } else {
        let titles = (!args.no_headers).then(|| rows::titles(kind, args.all_namespaces));
        let mut table = Table::new(titles, cx.ui.stdout_has_color());
        cx.ui.print(
            &table.write(rows.into_iter().map(|row| row.cells(args.all_namespaces && kind == Kind::Task))),
        )?;
    }
    CliError::of_all(missing)?;
    Ok(Exit::Done)
}

fn not_running(kind: Kind, name: &str) -> CliError {
    let why = if kind == Kind::Task { " that runs" } else { "" };
    CliError::new(Exit::NotFound, format!("there is no {kind} {name:?}{why}"))
}

/// What running tasks take, page after page.
async fn usage(
    client: &Client,
    namespace: Option<String>,
    labels: Option<String>,
) -> Result<Vec<TaskUsage>, CliError> {
    let tasks = match &namespace {
        None => client.tasks().all_namespaces(),
        Some(_) => client.tasks(),
    };
    let mut params = ListParams { namespace, label_selector: labels, ..ListParams::default() };
    let mut found = Vec::new();
    loop {
        let page = tasks.usage(params.clone()).await.map_err(fetch::refused_list)?;
        found.extend(page.items);
        match page.continue_from {
            None => return Ok(found),
            next => params.continue_from = next,
        }
    }
}
