//! `ktk replace`: objects that exist become what manifests say.

use clap::Args;
use ktk_client::{
    Client,
    api::{
        ApiError,
        patch::{Patch, PatchParams},
    },
    manifest::{Document, Manifest},
};
use serde_json::Value;

use super::{
    amend,
    bulk::Chosen,
    completion,
    create::make_again,
    delete,
    dry_run::{DryRun, DryRunFlag},
    edit::{difference, written_of},
    fetch,
    made::Made,
    manifests::{self, FileFlags},
    selection::Named,
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// Make objects that exist what manifests say, as a whole
///
/// What a manifest does not name goes back to its default, but for the directory of a process. It takes what `ktk get
/// -o yaml` prints: with its version, the object is replaced only while it still has that one. Of tasks and pipelines
/// what ktk patch may change can be replaced; with --force, an object is deleted and made again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Looked at, changed, and put back, unless somebody else was faster
  ktk get queue batch -o yaml > batch.yaml
  ktk replace -f batch.yaml

  # Another task in its place: what runs is cancelled, and waited for
  ktk replace --force -f task.yaml")]
pub(crate) struct ReplaceArgs {
    #[command(flatten)]
    files: FileFlags,

    /// Delete what is there and make it anew
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    dry_run: DryRunFlag,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: ReplaceArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let dry_run = args.dry_run.read()?;
    args.files.check()?;
    let mut documents = manifests::read_back(&args.files, "replace", cx).await?;
    named(&documents)?;
    manifests::root(&mut documents, cx)?;
    let documents = manifests::ordered(documents)?;
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut errors = Vec::new();
    for document in &documents {
        let chosen = chosen(&document.value)?;
        let replaced = match args.force {
            true => force(client, &chosen, document, dry_run, cx).await,
            false => replace(client, &chosen, document, dry_run).await,
        };
        match replaced {
            Ok(object) => {
                if format == OutputFormat::Human {
                    let line = format!("{} replaced{}", escape(&chosen.named.label()), dry_run.suffix());
                    cx.ui.println(&line)?;
                }
                made.add(object, None);
            }
            Err(error) if error.exit() == Exit::Unreachable => return Err(error),
            Err(error) => errors.push(error),
        }
    }
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// Refuses documents that name no object.
fn named(documents: &[Document]) -> Result<(), CliError> {
    let nameless = documents.iter().filter(|document| document.value.metadata().name.is_none());
    let errors = nameless.map(|document| {
        let words = format!("{}:{}: replace needs a name", document.source, document.line);
        CliError::new(Exit::Invalid, words)
    });
    CliError::of_all(errors.collect())
}

/// What a manifest names.
pub(super) fn chosen(value: &Manifest) -> Result<Chosen, CliError> {
    let name = match value {
        Manifest::TaskType(of_type) => of_type.reference(),
        other => other.metadata().name().to_owned(),
    };
    let named = Named { kind: Kind::parse(value.kind(), "edit")?, name };
    Ok(Chosen { named, namespace: value.metadata().namespace().to_owned() })
}

async fn replace(
    client: &Client,
    chosen: &Chosen,
    document: &Document,
    dry_run: DryRun,
) -> Result<Value, CliError> {
    let there = client.in_namespace(&*chosen.namespace);
    let object = fetch::one(&there, chosen.named.kind, &chosen.named.name).await?;
    let version = object.metadata().version;
    let unwritable = |error| CliError::failed(format!("cannot write the object: {error}"));
    let live = object.to_value().map_err(unwritable)?;
    if let Some(asked) = document.version()
        && Some(asked) != version
    {
        let words = format!(
            "Operation cannot be fulfilled on {}: the object has been modified; please apply your changes to the latest \
             version and try again",
            chosen.named.label()
        );
        return Err(ApiError::conflict(words).into());
    }
    let mut given = manifests::to_value(&document.value).map_err(unwritable)?;
    manifests::settle(&mut given, &live);
    let (before, after) = (written_of(&live), written_of(&given));
    let Some(patch) = difference(&before, &after) else { return Ok(live) };
    let reference = client.in_namespace(&*chosen.namespace).tasks().reference(&chosen.named.name);
    let params = PatchParams {
        version,
        dry_run: dry_run.is_dry(),
        ..PatchParams::new(reference, Patch::Merge(patch))
    };
    let amended = amend::ask(&there, chosen.named.kind, params).await;
    Ok(amended.map_err(|error| manifests::refused(error, "replacing", document))?.object)
}

/// Deletes what is there, if anything is, waits until it has gone, and makes it anew.
async fn force(
    client: &Client,
    chosen: &Chosen,
    document: &Document,
    dry_run: DryRun,
    cx: &Context,
) -> Result<Value, CliError> {
    let there = client.in_namespace(&*chosen.namespace);
    if dry_run.is_dry() {
        let object = fetch::one(&there, chosen.named.kind, &chosen.named.name).await?;
        return object
            .to_value()
            .map_err(|error| CliError::failed(format!("cannot write the object: {error}")));
    }
    refuse_bad(&there, document).await?;
    match delete::remove(client, chosen, cx).await {
        Err(error) if error.exit() != Exit::NotFound => return Err(error),
        _ => {}
    }
    make_again(document, client, cx).await
}

/// Nothing is deleted for what could not be made.
async fn refuse_bad(client: &Client, document: &Document) -> Result<(), CliError> {
    let causes = match &document.value {
        Manifest::Task(task) => client.tasks().check(task).await?,
        Manifest::Pipeline(pipeline) => client.pipelines().check(pipeline).await?,
        Manifest::Queue(_) | Manifest::Semaphore(_) | Manifest::TaskType(_) => Vec::new(),
    };
    let errors = causes.iter().map(|cause| CliError::new(Exit::Invalid, document.problem(cause)));
    CliError::of_all(errors.collect())
}
