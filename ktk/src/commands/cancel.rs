//! `ktk cancel`.

use clap::Args;
use ktk_client::{Client, api::task::CancelParams};
use serde_json::Value;

use super::{
    bulk::{self, Chosen},
    completion,
    made::{self, Made},
    missing, pick,
    selection::{self, Asked, ChoiceFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    view::object::Object,
};

/// Cancel tasks and pipelines
///
/// A pending task ends at once. A running one gets SIGTERM, and SIGKILL after its grace period.
/// In a pipeline the steps with `runIf: always` still run.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # One task
  ktk cancel build-web

  # A pipeline, its cleanup included, with SIGKILL
  ktk cancel pipeline/nightly --now

  # Everything of one team that still runs or waits
  ktk cancel tasks -l team=media --yes")]
pub(crate) struct CancelArgs {
    /// What to cancel; a bare name is a task
    #[arg(value_name = "[TYPE/]NAME", add = completion::names(Kind::Task, "cancel"))]
    names: Vec<String>,

    #[command(flatten)]
    choice: ChoiceFlags,

    /// SIGKILL at once; in a pipeline `always` steps too
    #[arg(long)]
    now: bool,

    /// Do not ask before cancelling many
    #[arg(short, long)]
    yes: bool,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(mut args: CancelArgs, cx: &Context) -> Result<Exit, CliError> {
    if args.names.is_empty() && !args.choice.is_given() && pick::is_possible(cx) {
        args.names = pick::one(cx, "cancel", &[Kind::Task, Kind::Pipeline], is_open).await?;
    }
    let asked = selection::read(&args.names, &args.choice, "cancel", true)?;
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut errors = Vec::new();
    for chosen in objects(asked, &args, client, cx).await? {
        match cancel(client, &chosen, args.now).await {
            Ok(object) => {
                if format == OutputFormat::Human {
                    cx.ui.println(&format!("{} cancelled", crate::ui::escape(&chosen.named.label())))?;
                    cx.ui.flush()?;
                }
                made.add(object, None);
            }
            Err(error) => errors.push(missing::explain(client, "cancel", &chosen.named, error).await),
        }
    }
    made.print(format, cx)?;
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn is_open(object: &Object) -> bool {
    object.phase().is_none_or(|phase| !phase.is_terminal())
}

/// What is cancelled: what was named, or what was chosen and has not ended, once somebody has
/// said yes to it.
async fn objects(
    asked: Asked,
    args: &CancelArgs,
    client: &Client,
    cx: &Context,
) -> Result<Vec<Chosen>, CliError> {
    let kinds = match asked {
        Asked::Named(names) => return Ok(names.into_iter().map(|named| Chosen::named(named, cx)).collect()),
        Asked::Chosen(kinds) => kinds,
    };
    let chosen = bulk::choose(client, &kinds, &args.choice, is_open).await?;
    if chosen.is_empty() {
        cx.ui.message("No resources found");
    } else {
        bulk::confirm(&chosen, "cancel", args.yes, cx)?;
    }
    Ok(chosen)
}

async fn cancel(client: &Client, chosen: &Chosen, now: bool) -> Result<Value, CliError> {
    let client = client.in_namespace(&*chosen.namespace);
    let name = &*chosen.named.name;
    match chosen.named.kind {
        Kind::Pipeline => {
            let pipelines = client.pipelines();
            let reference = pipelines.reference(name);
            made::value(&pipelines.cancel_with(CancelParams { reference, now, request_id: None }).await?)
        }
        _ => {
            let tasks = client.tasks();
            let reference = tasks.reference(name);
            made::value(&tasks.cancel_with(CancelParams { reference, now, request_id: None }).await?)
        }
    }
}
