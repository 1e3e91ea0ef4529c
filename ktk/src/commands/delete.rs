//! `ktk delete`.

use clap::{ArgAction, Args};
use ktk_client::{
    Client,
    api::{
        Duration, ObjectRef,
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
/// cancelled first, and the command waits until it has gone. Of NAME@N only that old incarnation
/// goes; where others descend from it, its place in the tree is kept.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # One task, all its incarnations
  ktk delete task build-web

  # One older incarnation
  ktk delete task/build-web@1

  # With the tasks that wait for it: which are they?
  ktk delete task build-web --cascade --dry-run

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

    /// Tasks that wait for it go too
    #[arg(long)]
    cascade: bool,

    /// Print what would go and change nothing
    #[arg(long)]
    dry_run: bool,

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
        match delete(client, &chosen, &args, &mut made).await {
            Ok(taken) => {
                if format == OutputFormat::Human {
                    taken.lines(&chosen, args.dry_run).iter().try_for_each(|line| cx.ui.println(line))?;
                    cx.ui.flush()?;
                }
                going.extend(taken.going.filter(|_| !args.dry_run));
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
        bulk::confirm(&chosen, "delete", args.yes || args.dry_run, cx)?;
    }
    Ok(chosen)
}

/// An object that is not gone yet.
struct Going {
    target: Target,
    version: u64,
    namespace: String,
}

/// What a deletion answered.
struct Taken {
    /// The object, where it is not gone yet.
    going: Option<Going>,
    /// Tasks that go with it.
    also: Vec<ObjectRef>,
}

impl Taken {
    fn lines(&self, chosen: &Chosen, is_dry_run: bool) -> Vec<String> {
        let end = if is_dry_run { "deleted (dry run)" } else { "deleted" };
        let line = |kind: Kind, name: &str| format!("{kind} \"{}\" {end}", escape(name));
        let also = self.also.iter().map(|task| line(Kind::Task, &task.name));
        also.chain([line(chosen.named.kind, &chosen.named.name)]).collect()
    }
}

async fn delete(
    client: &Client,
    chosen: &Chosen,
    args: &DeleteArgs,
    made: &mut Made,
) -> Result<Taken, CliError> {
    let client = client.in_namespace(&*chosen.namespace);
    let name = &*chosen.named.name;
    let params = DeleteParams {
        reference: ObjectRef::new(&*chosen.namespace, name),
        now: args.now,
        cascade: args.cascade,
        dry_run: args.dry_run,
        request_id: None,
    };
    match chosen.named.kind {
        Kind::Pipeline => taken(chosen, client.pipelines().delete_with(params).await?, made),
        Kind::Queue | Kind::Semaphore | Kind::TaskType | Kind::Token if args.dry_run || args.cascade => {
            let words = format!(
                "--dry-run and --cascade go with tasks and pipelines, not with {}",
                chosen.named.label()
            );
            Err(CliError::usage(words))
        }
        Kind::Queue => taken(chosen, client.queues().delete(name).await?, made),
        Kind::Semaphore => taken(chosen, client.semaphores().delete(name).await?, made),
        Kind::TaskType => taken(chosen, client.task_types().delete(name).await?, made),
        Kind::Token => taken(chosen, client.tokens().delete(name).await?, made),
        _ => taken(chosen, client.tasks().delete_with(params).await?, made),
    }
}

fn taken<T: Serialize>(chosen: &Chosen, deleted: Deleted<T>, made: &mut Made) -> Result<Taken, CliError> {
    let also = deleted.also;
    let object = made::value(&deleted.object)?;
    let snapshot: Result<Snapshot, _> = serde_json::from_value(object.clone());
    made.add(object, None);
    let snapshot = match snapshot {
        Ok(snapshot) if !deleted.gone => snapshot,
        _ => return Ok(Taken { going: None, also }),
    };
    let mut target = Target::new(chosen.named.kind.manifest(), &chosen.namespace, &chosen.named.name);
    target.found(&snapshot);
    let version = snapshot.metadata.version.unwrap_or_default();
    let going = Some(Going { target, version, namespace: chosen.namespace.clone() });
    Ok(Taken { going, also })
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
