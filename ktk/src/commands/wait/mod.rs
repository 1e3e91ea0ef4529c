//! `ktk wait`.

pub(crate) mod board;
pub(crate) mod condition;
mod field;
pub(crate) mod follow;
pub(crate) mod snapshot;

use clap::Args;
use ktk_client::{
    Client,
    api::{Duration, watch::WatchParams},
};

use self::{
    board::{Board, Target},
    condition::{Condition, Goal, Seen, Verdict},
    follow::{Deadline, Ended},
    snapshot::Snapshot,
};
use super::{
    bulk::Chosen,
    completion,
    fetch::{self, Query},
    filed::{self, ManifestFlags},
    missing,
    selection::{self, Asked, ChoiceFlags},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    ui::escape,
    view::object::Object,
};

/// Wait for tasks and pipelines
///
/// Without --for it waits for the end: code 0 when all succeeded, 1 as soon as one failed, was
/// cancelled, or waits behind one that did. A name follows the newest incarnation, an id stays
/// with that one.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Until it has ended, however long that takes
  ktk wait build-web

  # Several, but not longer than ten minutes (code 124)
  ktk wait build-web pipeline/nightly --timeout 10m

  # One of two ends
  ktk wait build-web --for=condition=Succeeded,Failed

  # Until a field has a value, or any
  ktk wait build-web --for=jsonpath='{.status.attempt}'=2
  ktk wait build-web --for=jsonpath='{.status.outputs.version}'

  # Until it is there, and until it is gone
  ktk wait task/deploy --for=create --for=delete")]
pub(crate) struct WaitArgs {
    /// What to wait for; a bare name is a task
    #[arg(value_name = "[TYPE/]NAME", add = completion::names(Kind::Task, "wait"))]
    names: Vec<String>,

    #[command(flatten)]
    choice: ChoiceFlags,

    #[command(flatten)]
    manifests: ManifestFlags,

    /// condition=Succeeded|Failed|Finished|Running (several with commas: one of them),
    /// jsonpath=PATH[=VALUE], delete or create; repeatable: one after the other
    #[arg(long = "for", value_name = "CONDITION")]
    conditions: Vec<Condition>,

    /// One of the conditions is enough
    #[arg(long)]
    any: bool,

    /// Longest time to wait, for all together; 0 checks once, a negative one means a week [default: no limit]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = timeout)]
    timeout: Option<Duration>,

    /// Go on after a failure until each has ended
    #[arg(long)]
    keep_waiting: bool,

    /// Output format
    #[arg(short, long, value_name = "name", ignore_case = true, value_parser = ["name"])]
    output: Option<String>,
}

pub(crate) async fn run(args: WaitArgs, cx: &Context) -> Result<Exit, CliError> {
    let asked = match args.manifests.is_given() {
        true => None,
        false => Some(selection::read(&args.names, &args.choice, "wait", true)?),
    };
    let goal = Goal::new(args.conditions.clone(), args.any);
    let deadline = Deadline::after(args.timeout.map(Duration::get));
    let client = cx.client().await?;
    let (targets, watched) = match asked {
        None => named(args.filed(cx).await?, &args, &goal, client).await?,
        Some(Asked::Named(names)) => {
            let names = names.into_iter().map(|named| Chosen::named(named, cx)).collect();
            named(names, &args, &goal, client).await?
        }
        Some(Asked::Chosen(kinds)) => chosen(&kinds, &args, &goal, client).await?,
    };
    let mut board = Board::new(goal, targets);
    let say = |target: &Target| match target.verdict() {
        Verdict::Met => {
            let label = escape(&target.label()).into_owned();
            cx.ui.println(&if args.output.is_some() { label } else { format!("{label} condition met") })?;
            cx.ui.flush()
        }
        Verdict::Open | Verdict::Lost => Ok(()),
    };
    board.targets().iter().try_for_each(say)?;
    let is_over = board.is_over(args.keep_waiting);
    let checks_once = args.timeout.is_some_and(|limit| limit.get().is_zero());
    let ended = match (is_over, checks_once) {
        (true, _) => Ended::Over,
        (false, true) => Ended::TimedOut,
        (false, false) => {
            let progress = cx.ui.spinner(&progress_text(&board));
            let ended = follow::follow(client, watched, &mut board, args.keep_waiting, deadline, say).await?;
            drop(progress);
            ended
        }
    };
    finish(&board, ended)
}

impl WaitArgs {
    /// The tasks and pipelines that manifests name.
    async fn filed(&self, cx: &Context) -> Result<Vec<Chosen>, CliError> {
        if !self.names.is_empty() || self.choice.is_given() {
            return Err(filed::beside_words());
        }
        let mut objects = self.manifests.objects(cx).await?;
        objects.retain(|object| matches!(object.named.kind, Kind::Task | Kind::Pipeline));
        if objects.is_empty() {
            return Err(CliError::usage(
                "these manifests name neither tasks nor pipelines: nothing else is waited for",
            ));
        }
        Ok(objects)
    }
}

/// How long to wait; as long as kubectl does where it is negative.
fn timeout(text: &str) -> Result<Duration, String> {
    const WEEK: Duration = Duration::from_secs(7 * 86_400);
    let length = text.strip_prefix('-');
    match length.unwrap_or(text).parse::<Duration>() {
        Ok(_) if length.is_some() => Ok(WEEK),
        Ok(limit) => Ok(limit),
        Err(error) => Err(error.to_string()),
    }
}

fn progress_text(board: &Board) -> String {
    let open: Vec<String> = board.open().map(Target::label).collect();
    match open.as_slice() {
        [one] => format!("waiting for {one}"),
        several => format!("waiting for {} of {}", several.len(), board.targets().len()),
    }
}

fn finish(board: &Board, ended: Ended) -> Result<Exit, CliError> {
    let mut errors: Vec<CliError> = board
        .lost()
        .map(|target| {
            let exit = if target.seen() == Seen::Deleted { Exit::NotFound } else { Exit::Failed };
            CliError::new(exit, format!("{} {}", target.label(), board.goal().loss_text(target.seen())))
        })
        .collect();
    match ended {
        Ended::Over => {}
        Ended::TimedOut => errors.extend(board.open().map(|target| {
            let (label, seen) = (target.label(), target.seen());
            CliError::new(
                Exit::TimedOut,
                format!("timed out waiting for the condition on {label}: it is {}", seen.text()),
            )
        })),
        Ended::Interrupted => return Err(CliError::new(Exit::Interrupted, "interrupted")),
        Ended::Stopping => {
            let text = "the server is being stopped; the work goes on with its next start";
            return Err(CliError::new(Exit::Unreachable, text));
        }
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// The objects that were named, and the watch that tells of them. The version is taken first, so
/// that nothing falls between the look and the watch.
async fn named(
    names: Vec<Chosen>,
    args: &WaitArgs,
    goal: &Goal,
    client: &Client,
) -> Result<(Vec<Target>, WatchParams), CliError> {
    let version = fetch::version(client).await?;
    let waits_for_absent = args.timeout.is_some() || goal.waits_for_creation() || goal.accepts_absence();
    let mut targets = Vec::new();
    let mut errors = Vec::new();
    let mut narrow = WatchParams::default();
    for Chosen { named, namespace } in &names {
        let mut target = Target::new(named.kind.manifest(), namespace, &named.name);
        match fetch::one(&client.in_namespace(&**namespace), named.kind, &named.name).await {
            Ok(object) => {
                let object = snapshot(&object, goal);
                narrow = narrow_watch(named.kind, &object);
                target.found(&object);
            }
            Err(error) if error.is_not_found() && waits_for_absent => {}
            Err(error) => errors.push(missing::explain(client, "wait", named, error.into()).await),
        }
        targets.push(target);
    }
    CliError::of_all(errors)?;
    let namespace = names.first().map(|chosen| chosen.namespace.clone());
    let is_one_namespace = names.iter().all(|chosen| Some(&chosen.namespace) == namespace.as_ref());
    let is_one = targets.len() == 1 && goal.conditions.len() == 1;
    let scope = if is_one { narrow } else { WatchParams::default() };
    let watched = WatchParams {
        kinds: Some(kinds_text(names.iter().map(|chosen| chosen.named.kind))),
        namespace: namespace.filter(|_| is_one_namespace),
        version: Some(version),
        summary: !goal.needs_whole(),
        ..scope
    };
    Ok((targets, watched))
}

fn snapshot(object: &Object, goal: &Goal) -> Snapshot {
    if goal.needs_whole() { Snapshot::with_whole(object) } else { Snapshot::of(object) }
}

/// A watch that tells of nothing but this object: of a task, its whole tree.
fn narrow_watch(kind: Kind, object: &Snapshot) -> WatchParams {
    let metadata = &object.metadata;
    match kind {
        Kind::Pipeline => WatchParams { pipeline: metadata.id, ..WatchParams::default() },
        _ => {
            let context = metadata.restart.as_ref().map(|restart| restart.context_id).or(metadata.id);
            WatchParams { context, ..WatchParams::default() }
        }
    }
}

fn kinds_text(kinds: impl Iterator<Item = Kind>) -> String {
    let mut kinds: Vec<&str> = kinds.map(Kind::manifest).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(",")
}

/// The objects that the selectors choose now, and the watch that tells of them.
async fn chosen(
    kinds: &[Kind],
    args: &WaitArgs,
    goal: &Goal,
    client: &Client,
) -> Result<(Vec<Target>, WatchParams), CliError> {
    let query = Query { is_summary: !goal.needs_whole(), ..args.choice.query(client.namespace())? };
    let mut targets = Vec::new();
    let mut version = u64::MAX;
    for kind in kinds {
        let listed = fetch::list(client, *kind, &query).await.map_err(fetch::refused_list)?;
        version = version.min(listed.version);
        targets.extend(listed.objects.iter().map(|object| {
            let metadata = object.metadata();
            let mut target = Target::new(kind.manifest(), metadata.namespace(), metadata.name());
            target.found(&snapshot(object, goal));
            target
        }));
    }
    if targets.is_empty() {
        return Err(CliError::new(Exit::NotFound, "no matching resources found"));
    }
    let watched = WatchParams {
        kinds: Some(kinds_text(kinds.iter().copied())),
        namespace: query.namespace,
        version: Some(version),
        summary: !goal.needs_whole(),
        ..WatchParams::default()
    };
    Ok((targets, watched))
}
