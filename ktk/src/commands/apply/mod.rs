//! `ktk apply`: makes objects as manifests say, however they were before.

mod last;
mod prune;
mod send;

use clap::{Args, Subcommand};
use ktk_client::{
    Error,
    manifest::{Document, Manifest},
};

use super::{
    completion,
    dry_run::{DryRun, DryRunFlag},
    manifests::{self, FileFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, OutputFormat},
};
use send::Teller;
pub(super) use send::{Failure, object as apply_object};

/// Make objects as manifests say, and change them until they are so
///
/// All manifests are read and checked first: with one bad one, nothing is sent. Then they go in the order of their
/// needs; what the server refuses fails alone, but for task types, which go all in one step. What an earlier apply has
/// set and a manifest says no longer goes back to its default; what others have set, and a manifest does not name,
/// stays. Of tasks and pipelines that are there, what ktk patch may change is changed; the rest is refused.
///
/// With --source the objects are a set of that name; with --prune, what is gone from the set is deleted, in the
/// namespace of the command alone.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  # Queues, semaphores, types, tasks and pipelines of a directory
  ktk apply -f deploy/

  # As a set of their own, and without those that are no longer in the directory
  ktk apply -f deploy/ --source media --prune

  # What that would do
  ktk apply -f deploy/ --source media --prune --dry-run=server

  # What an apply has set
  ktk apply view-last-applied queue/batch"
)]
pub(crate) struct ApplyArgs {
    #[command(subcommand)]
    what: Option<ApplyVerb>,

    #[command(flatten)]
    files: FileFlags,

    /// The set that these objects are
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Delete what is of the set and not among these objects
    #[arg(long)]
    prune: bool,

    #[command(flatten)]
    dry_run: DryRunFlag,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ApplyVerb {
    ViewLastApplied(last::LastArgs),
}

pub(crate) async fn run(args: ApplyArgs, cx: &Context) -> Result<Exit, CliError> {
    if let Some(ApplyVerb::ViewLastApplied(args)) = args.what {
        return last::run(args, cx).await;
    }
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let dry_run = args.dry_run.read()?;
    args.files.check()?;
    if args.prune && args.source.is_none() {
        let error = CliError::usage("--prune deletes what is gone from a set, and no set is named");
        return Err(error.with_hint("name it with --source NAME, with each apply of it"));
    }
    let documents = read(&args, cx).await?;
    let mut teller = Teller::new(cx, format, dry_run);
    // What would be sent is known without the server; what comes of it is not.
    if dry_run == DryRun::Client && format != OutputFormat::Human && !args.prune {
        for document in &documents {
            teller.would_send(&document.value)?;
        }
        return teller.finish();
    }
    let mut errors = Vec::new();
    let (types, others): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|one| matches!(one.value, Manifest::TaskType(_)));
    let source = args.source.as_deref();
    send::types(&types, source, args.prune, &mut teller, &mut errors).await?;
    let progress = (others.len() > 1).then(|| cx.ui.bar(others.len() as u64, "applying"));
    for (count, document) in others.iter().enumerate() {
        match send::one(document, source, &mut teller).await {
            Ok(()) => {}
            Err(error) if error.exit() == Exit::Unreachable => {
                errors.push(error);
                break;
            }
            Err(error) => errors.push(error),
        }
        progress.iter().for_each(|bar| bar.set_position(count as u64 + 1));
    }
    drop(progress);
    let is_reached = !errors.iter().any(|error| error.exit() == Exit::Unreachable);
    if let Some(source) = source.filter(|_| args.prune && is_reached) {
        prune::run(source, types.iter().chain(&others), &mut teller, &mut errors).await?;
    }
    teller.finish()?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// The documents, checked and in order.
async fn read(args: &ApplyArgs, cx: &Context) -> Result<Vec<Document>, CliError> {
    // The last object of a set can go too.
    let mut documents = match args.prune {
        true => manifests::read_any(&args.files, cx).await?,
        false => manifests::read(&args.files, "apply", cx).await?,
    };
    let nameless = documents.iter().filter(|document| document.value.metadata().name.is_none());
    let errors: Vec<CliError> = nameless
        .map(|document| {
            let prefix = document.value.metadata().generate_name.as_deref().unwrap_or_default();
            let place = format!("{}:{}", document.source, document.line);
            CliError::new(
                Exit::Invalid,
                format!("{place}: from {prefix}: cannot use generate name with apply"),
            )
            .with_hint("give it a name, or ktk create -f makes another one each time")
        })
        .collect();
    CliError::of_all(errors)?;
    manifests::root(&mut documents, cx)?;
    manifests::ordered(documents)
}

/// A refusal, with its place in the file.
fn refused(error: Error, document: &Document) -> CliError {
    manifests::refused(error, "applying", document)
}
