//! `ktk delete`.

use clap::{ArgAction, Args};
use ktk_client::{
    Client,
    api::{
        Duration,
        task::{DeleteParams, Deleted},
        watch::WatchParams,
    },
};
use serde::Serialize;

use super::{
    bulk::{self, Chosen},
    completion,
    made::{self, Made},
    missing,
    selection::{self, Asked, ChoiceFlags},
    wait::{
        board::{Board, Target},
        condition::{Condition, Goal},
        follow::{self, Deadline, Ended},
        snapshot::Snapshot,
    },
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    ui::escape,
    view::object::Object,
};

/// Delete tasks and pipelines with their logs and history, queues and semaphores that nobody uses
///
/// A task goes with its whole tree of restarts, a pipeline with all its tasks. What runs is
/// cancelled first, and the command waits until it has gone.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # One task, all its incarnations
  ktk delete task build-web

  # One older incarnation
  ktk delete task/build-web@1

  # Every pipeline that failed
  ktk delete pipelines --field-selector status.phase=Failed")]
pub(crate) struct DeleteArgs {
    /// What to delete
    #[arg(value_name = "TYPE[/NAME]", add = completion::targets("delete"))]
    names: Vec<String>,

    #[command(flatten)]
    choice: ChoiceFlags,

    /// What runs is stopped with SIGKILL, and `always` steps do not run
    #[arg(long)]
    now: bool,

    /// Wait until it has gone
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = ArgAction::Set)]
    wait: bool,

    /// Longest time to wait, 0 for no limit
    #[arg(long, value_name = "DURATION", default_value = "0", hide_default_value = true)]
    timeout: Duration,

    /// What does not exist is no error
    #[arg(long)]
    ignore_not_found: bool,

    /// Do not ask before deleting many
    #[arg(short, long)]
    yes: bool,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

pub(crate) async fn run(args: DeleteArgs, cx: &Context) -> Result<Exit, CliError> {
    let asked = selection::read(&args.names, &args.choice, "delete", false)?;
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let is_chosen = matches!(asked, Asked::Chosen(_));
    let client = cx.client().await?;
    let deadline = Deadline::after(Some(args.timeout.get()).filter(|limit| !limit.is_zero()));
    let mut made = Made::default();
    let mut errors = Vec::new();
    let mut going = Vec::new();
    for chosen in objects(asked, &args, client, cx).await? {
        match delete(client, &chosen, args.now, &mut made).await {
            Ok(left) => {
                if format == OutputFormat::Human {
                    let (kind, name) = (chosen.named.kind, escape(&chosen.named.name));
                    cx.ui.println(&format!("{kind} \"{name}\" deleted"))?;
                    cx.ui.flush()?;
                }
                going.extend(left);
            }
            // What was chosen may have gone since: it is what was wanted.
            Err(error) if error.exit() == Exit::NotFound && (is_chosen || args.ignore_not_found) => {}
            Err(error) => errors.push(missing::explain(client, "delete", &chosen.named, error).await),
        }
    }
    made.print(format, cx)?;
    cx.ui.flush()?;
    if args.wait {
        errors.extend(wait_until_gone(going, client, deadline, cx).await?);
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// What is deleted: what was named, or what was chosen, once somebody has said yes to it. A
/// pipeline's tasks go with it, never alone.
async fn objects(
    asked: Asked,
    args: &DeleteArgs,
    client: &Client,
    cx: &Context,
) -> Result<Vec<Chosen>, CliError> {
    let kinds = match asked {
        Asked::Named(names) => return Ok(names.into_iter().map(|named| Chosen::named(named, cx)).collect()),
        Asked::Chosen(kinds) => kinds,
    };
    let is_alone = |object: &Object| object.metadata().pipeline.is_none();
    let chosen = bulk::choose(client, &kinds, &args.choice, is_alone).await?;
    if chosen.is_empty() {
        cx.ui.message("No resources found");
    } else {
        bulk::confirm(&chosen, "delete", args.yes, cx)?;
    }
    Ok(chosen)
}

/// An object that is not gone yet.
struct Going {
    target: Target,
    version: u64,
    namespace: String,
}

async fn delete(
    client: &Client,
    chosen: &Chosen,
    now: bool,
    made: &mut Made,
) -> Result<Option<Going>, CliError> {
    let client = client.in_namespace(&*chosen.namespace);
    let name = &*chosen.named.name;
    match chosen.named.kind {
        Kind::Pipeline => {
            let pipelines = client.pipelines();
            let reference = pipelines.reference(name);
            taken(chosen, &pipelines.delete_with(DeleteParams { reference, now }).await?, made)
        }
        Kind::Queue => taken(chosen, &client.queues().delete(name).await?, made),
        Kind::Semaphore => taken(chosen, &client.semaphores().delete(name).await?, made),
        _ => {
            let tasks = client.tasks();
            let reference = tasks.reference(name);
            taken(chosen, &tasks.delete_with(DeleteParams { reference, now }).await?, made)
        }
    }
}

fn taken<T: Serialize>(
    chosen: &Chosen,
    deleted: &Deleted<T>,
    made: &mut Made,
) -> Result<Option<Going>, CliError> {
    let object = made::value(&deleted.object)?;
    let snapshot: Result<Snapshot, _> = serde_json::from_value(object.clone());
    made.add(object, None);
    let snapshot = match snapshot {
        Ok(snapshot) if !deleted.gone => snapshot,
        _ => return Ok(None),
    };
    let mut target = Target::new(chosen.named.kind.manifest(), &chosen.namespace, &chosen.named.name);
    target.found(&snapshot);
    let version = snapshot.metadata.version.unwrap_or_default();
    Ok(Some(Going { target, version, namespace: chosen.namespace.clone() }))
}

async fn wait_until_gone(
    going: Vec<Going>,
    client: &Client,
    deadline: Deadline,
    cx: &Context,
) -> Result<Vec<CliError>, CliError> {
    let Some(version) = going.iter().map(|object| object.version).min() else { return Ok(Vec::new()) };
    let namespace = going[0].namespace.clone();
    let is_one_namespace = going.iter().all(|object| object.namespace == namespace);
    let watched = WatchParams {
        kinds: Some("Task,Pipeline".to_owned()),
        namespace: is_one_namespace.then_some(namespace),
        version: Some(version),
        summary: true,
        ..WatchParams::default()
    };
    let goal = Goal::new(vec![Condition::Delete], false);
    let mut board = Board::new(goal, going.into_iter().map(|object| object.target).collect());
    let progress = cx.ui.spinner("waiting until what runs has ended");
    let ended = follow::follow(client, watched, &mut board, true, deadline, |_| Ok(())).await?;
    drop(progress);
    Ok(match ended {
        Ended::Over => Vec::new(),
        Ended::TimedOut => board
            .open()
            .map(|target| {
                let text = format!("timed out waiting for the deletion of {}", target.label());
                CliError::new(Exit::TimedOut, text)
                    .with_hint("the deletion goes on; --now stops what runs with SIGKILL")
            })
            .collect(),
        Ended::Interrupted => vec![CliError::new(Exit::Interrupted, "interrupted; the deletion goes on")],
        Ended::Stopping => {
            vec![CliError::new(
                Exit::Unreachable,
                "the server is being stopped; the deletion goes on with its next start",
            )]
        }
    })
}
