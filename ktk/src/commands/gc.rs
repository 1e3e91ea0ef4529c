//! `ktk gc`.

use clap::Args;
use ktk_client::api::{
    API_VERSION,
    server::{CollectParams, CollectedItem},
};
use serde_json::json;

use super::{completion, dry_run::PlanFlag, made};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    output::{CHANGE, Document, OutputFormat},
    ui::escape,
    view::{Moment, collected},
};

/// Collect what is past its time, and say why
///
/// The server does so by itself: what has ended goes when its ttlAfterFinished is over, or when the server's
/// --retention no longer keeps it. A task goes with all its incarnations, a pipeline with all of its own and their
/// tasks, logs included. What has not ended stays, and what it needs.
///
/// After its clock has jumped by more than an hour, a server that would collect more than a tenth of all tasks for
/// their age keeps them for as much longer as the jump, and says so in its log. This command takes the clock as it is.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # What would go now, and why
  ktk gc --dry-run

  # Collect it now
  ktk gc

  # For programs
  ktk gc --dry-run -o json")]
pub(crate) struct GcArgs {
    #[command(flatten)]
    dry_run: PlanFlag,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: GcArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let dry_run = args.dry_run.read()?;
    let client = cx.client().await?;
    let moment = Moment::for_ages(clock::now());
    let mut params = CollectParams { dry_run, ..CollectParams::default() };
    let mut items: Vec<CollectedItem> = Vec::new();
    let (retention, kept_until) = loop {
        let answer = client.server().collect(params.clone()).await?;
        items.extend(answer.items);
        match answer.next {
            Some(next) => params.after = dry_run.then_some(next),
            None => break (answer.retention, answer.kept_until),
        }
    };
    match (format, format.machine()) {
        (OutputFormat::Name, _) => {
            items.iter().try_for_each(|item| cx.ui.println(&escape(&collected::name(item))))?;
        }
        (_, Some(machine)) => {
            let document = json!({"apiVersion": API_VERSION, "kind": "Collection", "retention": retention, "items": items});
            cx.ui.print_document(&machine.write(Document::One(document))?)?;
        }
        (_, None) if items.is_empty() => {
            cx.ui.message(&format!("nothing is past its time (the server's retention is {retention})"));
        }
        (_, None) => {
            made::print_rows(&collected::rows(&items, &moment), cx)?;
            let tasks: u64 = items.iter().map(|item| item.tasks).sum();
            let words = if dry_run { "would go" } else { "have gone" };
            cx.ui.message(&format!("{tasks} tasks {words}"));
        }
    }
    if let Some(until) = kept_until {
        cx.ui.message(&format!(
            "the clock has jumped: until {until} the server itself keeps what ended before; ktk gc collects it now"
        ));
    }
    Ok(Exit::Done)
}
