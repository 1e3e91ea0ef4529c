//! `ktk diff`: what differs between two tasks.

mod log;
mod manifest;
mod program;

use clap::Args;
use ktk_client::{
    Client,
    api::{API_VERSION, Task},
};
use serde_json::{Value, json};

use super::{completion, made, manifests::FileFlags, missing, selection::Named};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{DOCUMENT, Document, OutputFormat},
    target::{self, Target},
    view::diff::{self, Difference},
};

/// Show what differs between two incarnations of a task, or what an apply would change
///
/// Of two tasks: what they were asked to do, what they have come to, and the first line of their logs that differs.
/// How long they took is shown and is no difference.
///
/// With -f: what is there and what ktk apply would make of it, as `diff -u -N` shows it, without what the server has
/// filled in. KTK_EXTERNAL_DIFF names another program, which is given two directories.
///
/// The exit code is 0 where nothing differs, 1 where something does, 2 and above for trouble.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Why does the third one work?
  ktk diff test-web@1 test-web@3

  # The same for a program
  ktk diff task/test-web@1 task/test-web@3 -o json

  # What would an apply of these manifests change?
  ktk diff -f deploy/

  # The same of an apply as a set
  ktk diff -f deploy/ --source media")]
pub(crate) struct DiffArgs {
    /// Two tasks, as NAME@N or any other reference
    #[arg(value_name = "NAME", conflicts_with = "filenames", add = completion::names(Kind::Task, "diff"))]
    names: Vec<String>,

    #[command(flatten)]
    files: FileFlags,

    /// The set that the apply would be of; what belongs to another one is refused, as there
    #[arg(long, value_name = "NAME", requires = "filenames", conflicts_with = "names")]
    source: Option<String>,

    /// Output format: json or yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(DOCUMENT))]
    output: Option<String>,
}

pub(crate) async fn run(args: DiffArgs, cx: &Context) -> Result<Exit, CliError> {
    compared(args, cx).await.map_err(|error| match error.exit() {
        // 1 says that something differs.
        Exit::Failed => error.with_exit(Exit::Usage),
        _ => error,
    })
}

async fn compared(args: DiffArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), DOCUMENT)?;
    if !args.files.filenames.is_empty() {
        return match args.output {
            None => manifest::run(&args.files, args.source.as_deref(), cx).await,
            Some(_) => Err(CliError::usage("diff -f has the form of diff -u: it takes no -o")),
        };
    }
    let two = || CliError::usage("ktk diff takes two tasks, or -f").with_hint("ktk diff NAME@1 NAME@2");
    if args.names.is_empty() {
        return Err(two());
    }
    let targets = target::parse_names("diff", &args.names)?;
    let [left, right] = &targets[..] else { return Err(two()) };
    let client = cx.client().await?;
    let (left, right) = (find(client, left).await?, find(client, right).await?);
    let mut found = diff::differences(&left, &right);
    if let Some(line) = log::first_difference(client, &left, &right).await? {
        found.push(Difference {
            field: format!("log line {}", line.number),
            left: line.left.map(Value::String),
            right: line.right.map(Value::String),
        });
    }
    let durations = diff::durations(&left, &right, clock::now());
    let is_equal = found.is_empty();
    match format.machine() {
        Some(machine) => {
            let items: Vec<Value> = found.iter().map(Difference::to_value).collect();
            let (left, right) = (left.incarnation_name(), right.incarnation_name());
            let document = json!({
                "apiVersion": API_VERSION, "kind": "Diff", "left": left, "right": right,
                "equal": is_equal, "items": items, "duration": durations.to_value(),
            });
            cx.ui.print_document(&machine.write(Document::One(document))?)?;
        }
        None if is_equal => {}
        None => {
            found.push(durations);
            made::print_rows(&diff::rows(&left, &right, &found), cx)?;
        }
    }
    Ok(if is_equal { Exit::Done } else { Exit::Failed })
}

async fn find(client: &Client, target: &Target) -> Result<Task, CliError> {
    let name = target.name.clone().unwrap_or_default();
    match client.tasks().get(&*name).await {
        Ok(task) => Ok(task),
        Err(error) => {
            let named = Named { kind: target.kind, name };
            Err(missing::explain(client, "diff", &named, error.into()).await)
        }
    }
}
