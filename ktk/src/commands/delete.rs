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
    dry_run::{DryRun, DryRunFlag},
    fetch,
    filed::{self, ManifestFlags},
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

  # What a manifest names
  ktk delete -f pipeline.yaml

  # Every pipeline that failed
  ktk delete pipelines --field-selector status.phase=Failed")]
pub(crate) struct DeleteArgs {
    /// What to delete
    #[arg(value_name = "TYPE[/NAME]", add = completion::targets("delete"))]
    names: Vec<String>,

    #[command(flatten)]
    choice: ChoiceFlags,

    #[command(flatten)]
    manifests: ManifestFlags,

    /// What runs is stopped with SIGKILL, and `always` steps do not run
    #[arg(long)]
    now: bool,

    /// As --now, with a warning of what that means
    #[arg(long)]
    force: bool,

    /// Only 0, with --force: what runs has its own grace period otherwise
    #[arg(long, value_name = "SECONDS", conflicts_with = "now", allow_negative_numbers = true)]
    grace_period: Option<i64>,

    /// List what would go and ask, whatever it is
    #[arg(short, long)]
    interactive: bool,

    /// Tasks that wait for it go too
    #[arg(long)]
    cascade: bool,

    #[command(flatten)]
    dry_run: DryRunFlag,

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

impl DeleteArgs {
    /// Whether what runs is killed at once.
    fn kills(&self) -> bool {
        self.now || self.force
    }

    /// # Errors
    /// Code 2 for flags that make no sense together.
    fn check(&self) -> Result<(), CliError> {
        let own = "each task has its own gracePeriod";
        match self.grace_period {
            None => Ok(()),
            Some(0) if self.force => Ok(()),
            Some(0) => {
                let error = CliError::usage("--grace-period=0 kills what runs: it takes --force");
                Err(error.with_hint("--now does it without a warning"))
            }
            Some(_) if self.force => {
                Err(CliError::usage("--force and --grace-period greater than 0 exclude each other"))
            }
            Some(seconds) => {
                let error = CliError::usage(format!("--grace-period={seconds} cannot be given: {own}"));
                Err(error.with_hint("--now stops what runs with SIGKILL"))
            }
        }
    }
}

pub(crate) async fn run(args: DeleteArgs, cx: &Context) -> Result<Exit, CliError> {
    args.check()?;
    let dry = args.dry_run.read()?;
    let asked = match args.manifests.is_given() {
        true => None,
        false => Some(selection::read(&args.names, &args.choice, "delete", false)?),
    };
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let is_chosen = matches!(asked, Some(Asked::Chosen(_)));
    let chosen = objects(asked, &args, dry, cx).await?;
    if args.force && !dry.is_dry() {
        cx.ui.warning("Immediate deletion kills what runs with SIGKILL: nothing of it can end in order.");
    }
    let client = cx.client().await?;
    let deadline = Deadline::after(Some(args.timeout.get()).filter(|limit| !limit.is_zero()));
    let mut made = Made::default();
    let mut errors = Vec::new();
    let mut going = Vec::new();
    for chosen in chosen {
        match delete(client, &chosen, &args, dry, &mut made).await {
            Ok(taken) => {
                if format == OutputFormat::Human {
                    taken.lines(&chosen, args.force, dry).iter().try_for_each(|line| cx.ui.println(line))?;
                    cx.ui.flush()?;
                }
                going.extend(taken.going.filter(|_| !dry.is_dry()));
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

/// What is deleted: what was named or stands in manifests, or what was chosen, once somebody has said yes to it. A
/// pipeline's tasks go with it, never alone.
async fn objects(
    asked: Option<Asked>,
    args: &DeleteArgs,
    dry: DryRun,
    cx: &Context,
) -> Result<Vec<Chosen>, CliError> {
    let (chosen, is_asked) = match asked {
        None => {
            if !args.names.is_empty() || args.choice.is_given() {
                return Err(filed::beside_words());
            }
            (args.manifests.objects(cx).await?, args.interactive)
        }
        Some(Asked::Named(names)) => {
            (names.into_iter().map(|named| Chosen::named(named, cx)).collect(), args.interactive)
        }
        Some(Asked::Chosen(kinds)) => {
            let elsewhere = kinds.iter().find(|kind| !kind.is_namespaced());
            if let (Some(kind), Some(namespace)) = (elsewhere, &cx.settings.typed_namespace) {
                let words =
                    format!("{} are in no namespace: -n {namespace} chooses none of them", kind.plural());
                return Err(
                    CliError::usage(words).with_hint(format!("without -n it is all {}", kind.plural()))
                );
            }
            let is_alone = |object: &Object| object.metadata().pipeline.is_none();
            (bulk::choose(cx.client().await?, &kinds, &args.choice, is_alone).await?, true)
        }
    };
    if chosen.is_empty() {
        cx.ui.message("No resources found");
    } else if is_asked && !dry.is_dry() {
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

/// What a deletion answered.
struct Taken {
    /// The object, where it is not gone yet.
    going: Option<Going>,
    /// Tasks that go with it.
    also: Vec<ObjectRef>,
}

impl Taken {
    fn lines(&self, chosen: &Chosen, is_forced: bool, dry: DryRun) -> Vec<String> {
        let forced = if is_forced { "force " } else { "" };
        let dry = dry.suffix();
        let line = |kind: Kind, name: &str| format!("{kind} \"{}\" {forced}deleted{dry}", escape(name));
        let also = self.also.iter().map(|task| line(Kind::Task, &task.name));
        also.chain([line(chosen.named.kind, &chosen.named.name)]).collect()
    }
}

async fn delete(
    client: &Client,
    chosen: &Chosen,
    args: &DeleteArgs,
    dry: DryRun,
    made: &mut Made,
) -> Result<Taken, CliError> {
    let client = client.in_namespace(&*chosen.namespace);
    let name = &*chosen.named.name;
    let params = DeleteParams {
        reference: ObjectRef::new(&*chosen.namespace, name),
        now: args.kills(),
        cascade: args.cascade,
        dry_run: dry.is_dry(),
        version: None,
        request_id: None,
    };
    match chosen.named.kind {
        Kind::Pipeline => taken(chosen, client.pipelines().delete_with(params).await?, made),
        Kind::Queue | Kind::Semaphore | Kind::TaskType | Kind::Token if args.cascade => {
            let words = format!("--cascade goes with tasks and pipelines, not with {}", chosen.named.label());
            Err(CliError::usage(words))
        }
        Kind::Queue | Kind::Semaphore | Kind::TaskType | Kind::Token if dry == DryRun::Server => {
            let words =
                format!("--dry-run=server goes with tasks and pipelines, not with {}", chosen.named.label());
            Err(CliError::usage(words).with_hint("--dry-run=client looks whether it is there"))
        }
        kind @ (Kind::Queue | Kind::Semaphore | Kind::TaskType | Kind::Token) if dry.is_dry() => {
            let object = fetch::one(&client, kind, name).await?;
            let object = object.to_value();
            made.add(
                object.map_err(|error| CliError::failed(format!("cannot read an object: {error}")))?,
                None,
            );
            Ok(Taken { going: None, also: Vec::new() })
        }
        Kind::Queue => taken(chosen, client.queues().delete(name).await?, made),
        Kind::Semaphore => taken(chosen, client.semaphores().delete(name).await?, made),
        Kind::TaskType => taken(chosen, client.task_types().delete(name).await?, made),
        Kind::Token => taken(chosen, client.tokens().delete(name).await?, made),
        _ => taken(chosen, client.tasks().delete_with(params).await?, made),
    }
}

/// Deletes one object and waits until it has gone, for who puts another in its place.
///
/// # Errors
/// Whatever the server refuses it with.
pub(super) async fn remove(client: &Client, chosen: &Chosen, cx: &Context) -> Result<(), CliError> {
    let there = client.in_namespace(&*chosen.namespace);
    let name = &*chosen.named.name;
    let reference = ObjectRef::new(&*chosen.namespace, name);
    let params = DeleteParams { reference, ..DeleteParams::default() };
    let mut made = Made::default();
    let taken = match chosen.named.kind {
        Kind::Pipeline => taken(chosen, there.pipelines().delete_with(params).await?, &mut made)?,
        Kind::Queue => taken(chosen, there.queues().delete(name).await?, &mut made)?,
        Kind::Semaphore => taken(chosen, there.semaphores().delete(name).await?, &mut made)?,
        Kind::TaskType => taken(chosen, there.task_types().delete(name).await?, &mut made)?,
        _ => taken(chosen, there.tasks().delete_with(params).await?, &mut made)?,
    };
    let going = taken.going.into_iter().collect();
    CliError::of_all(wait_until_gone(going, client, Deadline::after(None), cx).await?)
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
