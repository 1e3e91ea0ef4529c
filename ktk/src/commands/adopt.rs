//! `ktk adopt`.

use clap::Args;
use ktk_client::api::{
    ObjectRef, Task,
    restart::{AdoptParams, Restarted, Wanted},
};

use super::{
    bulk::Chosen,
    completion,
    dry_run::PlanFlag,
    made::{self, Made},
    missing, plan,
    selection::{self, Asked, ChoiceFlags, Named},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    ui::escape,
};

/// Take the result of an older incarnation back, without running anything
///
/// A new incarnation carries the outputs of the old one: the way back from a restart that was a
/// mistake. What depends on the task runs again only if it took something else.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # What would happen?
  ktk adopt build-web@1 --dry-run

  # The outputs of the first incarnation hold again
  ktk adopt build-web@1 --reason 'the new compiler was a mistake'")]
pub(crate) struct AdoptArgs {
    /// Which incarnations: NAME@N, or any other reference to a task that succeeded
    #[arg(value_name = "NAME@N", required = true, add = completion::names(Kind::Task, "adopt"))]
    names: Vec<String>,

    #[command(flatten)]
    dry_run: PlanFlag,

    /// Refuse unless the newest incarnation is this one
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    if_newest: Option<u32>,

    /// Why: is kept with the new incarnation
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Do it once, however often it is asked with this id
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: AdoptArgs, cx: &Context) -> Result<Exit, CliError> {
    let names = match selection::read(&args.names, &ChoiceFlags::default(), "adopt", true)? {
        Asked::Named(names) => names,
        Asked::Chosen(_) => Vec::new(),
    };
    check(&args, &names)?;
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let dry_run = args.dry_run.read()?;
    let client = cx.client().await?;
    let params = |named: &Named| AdoptParams {
        reference: ObjectRef::new(cx.namespace(), &*named.name),
        dry_run,
        if_newest: args.if_newest,
        reason: args.reason.clone(),
        request_id: args.request_id.clone(),
    };
    if dry_run && names.len() > 1 {
        let wanted = |named: Named| (Chosen::named(named.clone(), cx), Wanted::Adopt(params(&named)));
        plan::of_many("adopt", names.into_iter().map(wanted).collect(), format, cx).await?;
        return Ok(Exit::Done);
    }
    let mut made = Made::default();
    let mut errors = Vec::new();
    for named in &names {
        match client.tasks().adopt_with(params(named)).await {
            Ok(answer) if dry_run => plan::print(&answer.plan, format, cx)?,
            Ok(answer) => {
                if format == OutputFormat::Human {
                    cx.ui.println(&escape(&line(&answer)))?;
                    cx.ui.flush()?;
                }
                made.add(made::value(&answer.object)?, Some(answer.created));
            }
            Err(error) => errors.push(missing::explain(client, "adopt", named, error.into()).await),
        }
    }
    if !dry_run {
        made.print(format, cx)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// What to say of it.
fn line(answer: &Restarted<Task>) -> String {
    let this = answer.object.incarnation_name();
    match answer.restarted.first() {
        Some(task) if answer.created => {
            format!("task/{this} created (outputs of {}@{})", task.name, task.parent_incarnation)
        }
        _ => format!("nothing to adopt: {this} is the newest, and these are its outputs"),
    }
}

/// What makes no sense together.
fn check(args: &AdoptArgs, names: &[Named]) -> Result<(), CliError> {
    if names.len() > 1 && (args.request_id.is_some() || args.if_newest.is_some()) {
        return Err(CliError::usage("--request-id and --if-newest go with one name"));
    }
    Ok(())
}
