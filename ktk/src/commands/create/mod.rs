//! `ktk create`.

mod queue;
mod semaphore;
mod task;
mod token;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use ktk_client::{
    Client, Error,
    manifest::{Document, Manifest},
};
use serde_json::Value;

use super::{
    completion,
    made::{Made, outcome},
    manifests,
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// Create tasks, pipelines, queues, semaphores and task types, and leave
///
/// All manifests are read and checked first: with one bad one, nothing is made. Then they go in
/// the order of their needs; what the server refuses fails alone.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  # From a file
  ktk create -f pipeline.yaml

  # From all manifests of a directory tree, and from standard input
  ktk create -f manifests/ -R
  ./generate | ktk create -f -

  # A task without a manifest
  ktk create task thumbnails --retry 2 -- convert in.png out.png

  # Limits that tasks can name
  ktk create queue batch --max-running 4
  ktk create semaphore gpu --permits 2"
)]
pub(crate) struct CreateArgs {
    #[command(subcommand)]
    kind: Option<CreateKind>,

    /// File, directory, or - for standard input; repeatable
    #[arg(short, long = "filename", value_name = "PATH", value_delimiter = ',', value_hint = ValueHint::AnyPath)]
    filenames: Vec<PathBuf>,

    /// Directories inside directories too
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

#[derive(Debug, Subcommand)]
enum CreateKind {
    Task(Box<task::TaskArgs>),
    Queue(queue::QueueArgs),
    Semaphore(semaphore::SemaphoreArgs),
    Token(token::TokenArgs),
}

pub(crate) async fn run(args: CreateArgs, cx: &Context) -> Result<Exit, CliError> {
    match args.kind {
        Some(CreateKind::Task(args)) => task::run(*args, cx).await,
        Some(CreateKind::Queue(args)) => queue::run(args, cx).await,
        Some(CreateKind::Semaphore(args)) => semaphore::run(args, cx).await,
        Some(CreateKind::Token(args)) => token::run(args, cx).await,
        None => from_files(args, cx).await,
    }
}

async fn from_files(args: CreateArgs, cx: &Context) -> Result<Exit, CliError> {
    if args.filenames.is_empty() {
        let error = CliError::usage("must specify -f");
        return Err(error.with_hint("ktk create -f FILE, or ktk create task NAME -- COMMAND"));
    }
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let base = cx.base()?;
    let mut documents = manifests::read(&args.filenames, args.recursive, cx).await?;
    manifests::complete(&mut documents, cx.namespace(), base.as_deref())?;
    let documents = manifests::ordered(documents)?;
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut errors = Vec::new();
    let progress = (documents.len() > 1).then(|| cx.ui.bar(documents.len() as u64, "creating"));
    for (count, document) in documents.iter().enumerate() {
        match create(document, client).await {
            Ok((name, object, created)) => {
                if format == OutputFormat::Human {
                    cx.ui.println(&format!("{} {}", escape(&name), outcome(created)))?;
                }
                made.add(object, Some(created));
            }
            // Without a server the rest would fail alike.
            Err(error @ Error::Api(_)) => errors.push(manifests::refused(error, document)),
            Err(error) => {
                errors.push(error.into());
                break;
            }
        }
        progress.iter().for_each(|bar| bar.set_position(count as u64 + 1));
    }
    drop(progress);
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// Creates the object of a document: `task/x`, the object, whether it is new.
async fn create(document: &Document, client: &Client) -> Result<(String, Value, bool), Error> {
    let unreadable = |error: serde_json::Error| Error::Protocol(error.to_string());
    Ok(match &document.value {
        Manifest::Task(task) => {
            let made = client.tasks().create(task).await?;
            let name = format!("task/{}", made.object.metadata.name());
            (name, serde_json::to_value(&made.object).map_err(unreadable)?, made.created)
        }
        Manifest::Pipeline(pipeline) => {
            let made = client.pipelines().create(pipeline).await?;
            let name = format!("pipeline/{}", made.object.metadata.name());
            (name, serde_json::to_value(&made.object).map_err(unreadable)?, made.created)
        }
        Manifest::Queue(queue) => {
            let made = client.queues().create(queue).await?;
            let name = format!("queue/{}", made.object.metadata.name());
            (name, serde_json::to_value(&made.object).map_err(unreadable)?, made.created)
        }
        Manifest::TaskType(task_type) => {
            let made = client.task_types().create(task_type).await?;
            let name = format!("tasktype/{}", made.object.reference());
            (name, serde_json::to_value(&made.object).map_err(unreadable)?, made.created)
        }
        Manifest::Semaphore(semaphore) => {
            let made = client.semaphores().create(semaphore).await?;
            let name = format!("semaphore/{}", made.object.metadata.name());
            (name, serde_json::to_value(&made.object).map_err(unreadable)?, made.created)
        }
    })
}

/// Says that one object was created, in the format asked for.
fn report(
    name: &str,
    object: Value,
    created: bool,
    format: OutputFormat,
    cx: &Context,
) -> Result<(), CliError> {
    if format == OutputFormat::Human {
        return cx.ui.println(&format!("{} {}", escape(name), outcome(created)));
    }
    let mut made = Made::default();
    made.add(object, Some(created));
    made.print(format, cx)
}
