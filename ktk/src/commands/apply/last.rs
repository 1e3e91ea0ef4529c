//! `ktk apply view-last-applied`.

use clap::Args;
use ktk_client::api::API_VERSION;
use serde_json::{Map, Value, json};

use crate::{
    commands::{
        bulk::Chosen,
        completion,
        filed::{self, ManifestFlags},
        missing,
        selection::{self, Asked, ChoiceFlags},
    },
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{self, DOCUMENT, OutputFormat},
};

/// Print what the last apply of objects has set
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Of one object, as YAML
  ktk apply view-last-applied queue/batch

  # For a program
  ktk apply view-last-applied pipeline nightly -o json

  # Of what manifests name
  ktk apply view-last-applied -f deploy/")]
pub(super) struct LastArgs {
    /// What to look at
    #[arg(value_name = "TYPE[/]NAME", add = completion::targets("edit"))]
    words: Vec<String>,

    #[command(flatten)]
    manifests: ManifestFlags,

    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", default_value = "yaml", add = completion::formats(DOCUMENT))]
    output: String,
}

pub(super) async fn run(args: LastArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(Some(&args.output), DOCUMENT)?;
    let chosen = match (args.manifests.is_given(), args.words.is_empty()) {
        (true, true) => args.manifests.objects(cx).await?,
        (true, false) => return Err(filed::beside_words()),
        (false, _) => named(&args.words, cx)?,
    };
    let client = cx.client().await?;
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for Chosen { named, namespace } in &chosen {
        let label = named.label();
        let client = client.in_namespace(&**namespace);
        match client.last_applied(named.kind.manifest(), &*named.name).await {
            Ok(record) => match record.manifest {
                Some(manifest) => documents.push(shown(named.kind, &named.name, manifest, namespace)),
                None => {
                    let error = CliError::failed(format!("{label} was never applied"));
                    errors.push(error.with_hint("ktk apply -f FILE remembers what its manifest sets"));
                }
            },
            Err(error) => {
                errors.push(missing::explain(&client, "apply view-last-applied", named, error.into()).await);
            }
        }
    }
    if let Some(machine) = format.machine().filter(|_| !documents.is_empty()) {
        cx.ui.print_document(&machine.write(output::Document::named(documents))?)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn named(words: &[String], cx: &Context) -> Result<Vec<Chosen>, CliError> {
    match selection::read(words, &ChoiceFlags::default(), "edit", false)? {
        Asked::Named(names) => Ok(names.into_iter().map(|named| Chosen::named(named, cx)).collect()),
        Asked::Chosen(_) => Err(CliError::usage("name what to look at, as TYPE/NAME")),
    }
}

fn shown(kind: Kind, name: &str, manifest: Value, namespace: &str) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), name.split('@').next().unwrap_or(name).into());
    if kind.is_namespaced() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    metadata.extend(manifest["metadata"].as_object().cloned().unwrap_or_default());
    json!({
        "apiVersion": API_VERSION, "kind": kind.manifest(), "metadata": metadata, "spec": manifest["spec"],
    })
}
