//! `ktk apply view-last-applied`.

use clap::Args;
use ktk_client::api::API_VERSION;
use serde_json::{Map, Value, json};

use crate::{
    commands::{
        completion, missing,
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
  ktk apply view-last-applied pipeline nightly -o json")]
pub(super) struct LastArgs {
    /// What to look at
    #[arg(value_name = "TYPE[/]NAME", required = true, add = completion::targets("edit"))]
    words: Vec<String>,

    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", default_value = "yaml", add = completion::formats(DOCUMENT))]
    output: String,
}

pub(super) async fn run(args: LastArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(Some(&args.output), DOCUMENT)?;
    let names = match selection::read(&args.words, &ChoiceFlags::default(), "edit", false)? {
        Asked::Named(names) => names,
        Asked::Chosen(_) => return Err(CliError::usage("name what to look at, as TYPE/NAME")),
    };
    let client = cx.client().await?;
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for named in &names {
        let label = named.label();
        match client.last_applied(named.kind.manifest(), &*named.name).await {
            Ok(record) => match record.manifest {
                Some(manifest) => documents.push(shown(named.kind, &named.name, manifest, cx)),
                None => {
                    let error = CliError::failed(format!("{label} was never applied"));
                    errors.push(error.with_hint("ktk apply -f FILE remembers what its manifest sets"));
                }
            },
            Err(error) => {
                errors.push(missing::explain(client, "apply view-last-applied", named, error.into()).await)
            }
        }
    }
    if let Some(machine) = format.machine().filter(|_| !documents.is_empty()) {
        cx.ui.print_document(&machine.write(output::Document::named(documents))?)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn shown(kind: Kind, name: &str, manifest: Value, cx: &Context) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), name.split('@').next().unwrap_or(name).into());
    if kind.is_namespaced() {
        metadata.insert("namespace".to_owned(), cx.namespace().into());
    }
    metadata.extend(manifest["metadata"].as_object().cloned().unwrap_or_default());
    json!({
        "apiVersion": API_VERSION, "kind": kind.manifest(), "metadata": metadata, "spec": manifest["spec"],
    })
}
