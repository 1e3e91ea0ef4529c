//! `ktk create`.

mod make;
mod queue;
mod semaphore;
mod task;
mod token;

use clap::{Args, Subcommand};
use ktk_client::{Client, Error, manifest::Document};

use super::manifests::{self, FileFlags};
use crate::{
    context::Context,
    error::{CliError, Exit},
};
use make::Maker;

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

  # Only what is not there yet
  ktk create -f queues.yaml --if-not-exists

  # A task without a manifest
  ktk create task thumbnails --retry 2 -- convert in.png out.png

  # Limits that tasks can name
  ktk create queue batch --max-running 4
  ktk create semaphore gpu --permits 2"
)]
pub(crate) struct CreateArgs {
    #[command(subcommand)]
    kind: Option<CreateKind>,

    #[command(flatten)]
    files: FileFlags,

    #[command(flatten)]
    flags: make::MakeFlags,
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
    args.files.check()?;
    let mut maker = Maker::new(&args.flags, cx)?;
    let base = cx.base()?;
    let mut documents = manifests::read(&args.files, "create", cx).await?;
    manifests::complete(&mut documents, base.as_deref(), cx)?;
    let documents = manifests::ordered(documents)?;
    maker.connect().await?;
    let mut errors = Vec::new();
    let progress = (documents.len() > 1).then(|| cx.ui.bar(documents.len() as u64, "creating"));
    for (count, document) in documents.iter().enumerate() {
        match maker.send(&document.value).await {
            Ok(sent) => maker.tell(sent)?,
            // Without a server the rest would fail alike.
            Err(error @ Error::Api(_)) => errors.push(manifests::refused(error, "creating", document)),
            Err(error) => {
                errors.push(error.into());
                break;
            }
        }
        progress.iter().for_each(|bar| bar.set_position(count as u64 + 1));
    }
    drop(progress);
    maker.finish()?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// Makes the object of a manifest in the place of one that has gone.
///
/// # Errors
/// Whatever the server refuses it with.
pub(super) async fn make_again(
    document: &Document,
    client: &Client,
    cx: &Context,
) -> Result<serde_json::Value, CliError> {
    let mut documents = [document.clone()];
    manifests::complete(&mut documents, cx.base()?.as_deref(), cx)?;
    let [document] = &documents;
    let made = make::create(&document.value, client, false).await;
    let (_, object, _) = made.map_err(|error| manifests::refused(error, "creating", document))?;
    Ok(object)
}
