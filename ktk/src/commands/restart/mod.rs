//! `ktk restart`.

mod answer;
mod changes;
mod edit;
mod line;
mod waiting;

use clap::{Args, ValueEnum};
use ktk_client::api::{
    ObjectRef, Phase,
    change::Changes,
    restart::{Cascade, RestartParams, Wanted},
};

use self::{answer::restart, line::Line};
use super::{
    bulk::{self, Chosen},
    completion,
    dry_run::PlanFlag,
    made::Made,
    missing, pick, plan,
    selection::{self, Asked, ChoiceFlags, Named},
};
use crate::{
    context::Context,
    env,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, OutputFormat},
    ui::escape,
    view::object::Object,
};

/// Restart tasks, and pipelines where they failed
///
/// A restart of a task is a new task of the same name in the same tree; the old one and its log
/// stay. A pipeline is restarted inside: each task that failed or was cancelled runs again, and
/// what waited for it goes on.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # What would happen?
  ktk restart test-web --dry-run

  # The newest incarnation of a task
  ktk restart test-web

  # An older incarnation, and all that depends on it
  ktk restart test-web@1 --cascade all

  # With another input and one more variable; all else is as it was
  ktk restart thumbnails --set inputs.width=100 --env RETRY=1

  # Everything of one team that has failed
  ktk restart tasks -l team=media --field-selector status.phase=Failed

  # The same, not more than ten of them at once
  ktk restart tasks -l team=media --field-selector status.phase=Failed --max-parallel 10

  # What failed in a pipeline
  ktk restart pipeline/nightly

  # One step of a pipeline, whatever became of it
  ktk restart pipeline/nightly --from extract

  # The whole pipeline from its beginning, with another parameter
  ktk restart pipeline/nightly --all --set params.date=2026-11-22")]
pub(crate) struct RestartArgs {
    /// What to restart; a bare name is a task
    #[arg(value_name = "[TYPE/]NAME", add = completion::names(Kind::Task, "restart"))]
    names: Vec<String>,

    /// Choose by labels: a=b, a!=b, 'a in (b,c)', a, !a; repeatable, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    selectors: Vec<String>,

    /// Choose by fields, as status.phase=Failed; repeatable, all must hold
    #[arg(long = "field-selector", value_name = "SELECTOR")]
    field_selectors: Vec<String>,

    /// Choose in all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    #[command(flatten)]
    dry_run: PlanFlag,

    /// What happens to dependents that have finished
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = CascadeFlag::Auto)]
    cascade: CascadeFlag,

    /// Cancel what still runs (of a pipeline with --from or --all), and restart when it has ended
    #[arg(long)]
    force: bool,

    /// Restart this step of the pipeline instead of what failed
    #[arg(long, value_name = "STEP")]
    from: Option<String>,

    /// Make a new incarnation of the whole pipeline: every step runs again, nothing is reused
    #[arg(long, conflicts_with = "from")]
    all: bool,

    /// Give the new incarnation another value in a field of its spec, as inputs.width=100, or with --all in a
    /// parameter, as params.date=2026-11-22; repeatable
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,

    /// Give the new incarnation a variable: NAME takes the caller's value; repeatable
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Change the spec of the new incarnation in an editor (KTK_EDITOR, VISUAL, EDITOR, else vi)
    #[arg(long, conflicts_with = "set", conflicts_with = "env")]
    edit: bool,

    /// Of many, restart the next one when fewer than this of the earlier ones have yet to end
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    max_parallel: Option<u32>,

    /// Refuse unless the newest incarnation is this one
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    if_newest: Option<u32>,

    /// Why: is kept with the restart
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Do it once, however often it is asked with this id
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,

    /// Output format: json, yaml or name
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(CHANGE))]
    output: Option<String>,
}

/// What happens to dependents that have finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CascadeFlag {
    /// Those are restarted that took something else than what is there then
    Auto,
    /// All of them are restarted
    All,
    /// None is
    None,
}

impl From<CascadeFlag> for Cascade {
    fn from(flag: CascadeFlag) -> Self {
        match flag {
            CascadeFlag::Auto => Self::Auto,
            CascadeFlag::All => Self::All,
            CascadeFlag::None => Self::None,
        }
    }
}

impl RestartArgs {
    /// What is chosen, and not named.
    fn choice(&self) -> ChoiceFlags {
        ChoiceFlags::of(&self.selectors, &self.field_selectors, self.all_namespaces)
    }

    fn params(&self, namespace: &str, name: &str, changes: Changes, dry_run: bool) -> RestartParams {
        RestartParams {
            reference: ObjectRef::new(namespace, name),
            cascade: self.cascade.into(),
            force: self.force,
            dry_run,
            if_newest: self.if_newest,
            from_step: self.from.clone(),
            all: self.all,
            changes,
            reason: self.reason.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

impl RestartArgs {
    /// One of many that are planned together.
    fn wanted(&self, chosen: Chosen, changes: Changes) -> (Chosen, Wanted) {
        let params = self.params(&chosen.namespace, &chosen.named.name, changes, true);
        let wanted = match chosen.named.kind {
            Kind::Pipeline => Wanted::Pipeline(params),
            _ => Wanted::Task(params),
        };
        (chosen, wanted)
    }
}

pub(crate) async fn run(mut args: RestartArgs, cx: &Context) -> Result<Exit, CliError> {
    let dry_run = args.dry_run.read()?;
    let choice = args.choice();
    if args.names.is_empty() && !choice.is_given() && pick::is_possible(cx) {
        let has_ended = |object: &Object| object.phase().is_some_and(Phase::is_terminal);
        args.names = pick::one(cx, "restart", &[Kind::Task, Kind::Pipeline], has_ended).await?;
    }
    let asked = selection::read(&args.names, &choice, "restart", true)?;
    check(&args, &asked)?;
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let changes = changes::read(&args.set, &args.env, &env::variables())?;
    let client = cx.client().await?;
    let chosen = match asked {
        Asked::Named(names) => names.into_iter().map(|named| Chosen::named(named, cx)).collect(),
        Asked::Chosen(kinds) => bulk::choose(client, &kinds, &choice, |_| true).await?,
    };
    if chosen.is_empty() {
        cx.ui.message("No resources found");
        return Ok(Exit::Done);
    }
    let changes = match args.edit {
        true => match edit::changes(client, &chosen[0].named, cx).await? {
            Some(changes) => changes,
            None => return Ok(Exit::Done),
        },
        false => changes,
    };
    if dry_run && chosen.len() > 1 {
        let asked = chosen.into_iter().map(|chosen| args.wanted(chosen, changes.clone())).collect();
        plan::of_many("restart", asked, format, cx).await?;
        return Ok(Exit::Done);
    }
    let mut made = Made::default();
    let mut errors = Vec::new();
    let mut line = Line::new(args.max_parallel.filter(|_| !dry_run));
    let progress = (chosen.len() > 1).then(|| cx.ui.bar(chosen.len() as u64, "restarting"));
    for (count, Chosen { named, namespace }) in chosen.iter().enumerate() {
        line.place().await;
        let params = args.params(namespace, &named.name, changes.clone(), dry_run);
        match restart(client, named, params).await {
            Ok(answer) if dry_run => plan::print(&answer.plan, format, cx)?,
            Ok(answer) => {
                if format == OutputFormat::Human {
                    let lines = answer.lines(args.force, args.all);
                    lines.iter().try_for_each(|line| cx.ui.println(&escape(line)))?;
                    cx.ui.flush()?;
                    if let Some(task) = answer.waiting(args.force) {
                        waiting::tell(&client.in_namespace(&**namespace), &task, cx).await;
                    }
                }
                line.take(client, named, &answer);
                made.add(answer.object, Some(answer.created));
            }
            Err(error) => errors.push(missing::explain(client, "restart", named, error).await),
        }
        progress.iter().for_each(|bar| bar.set_position(count as u64 + 1));
    }
    drop(progress);
    if !dry_run {
        made.print(format, cx)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

/// What makes no sense together.
fn check(args: &RestartArgs, asked: &Asked) -> Result<(), CliError> {
    let (names, several) = match asked {
        Asked::Named(names) => (&names[..], names.len() > 1),
        Asked::Chosen(_) => (&[][..], true),
    };
    if let Asked::Chosen(kinds) = asked
        && let Some(kind) = kinds.iter().find(|kind| !matches!(kind, Kind::Task | Kind::Pipeline))
    {
        return Err(CliError::usage(format!("a {kind} cannot be restarted: choose tasks or pipelines")));
    }
    if several && args.from.is_some() {
        return Err(CliError::usage("--from goes with one pipeline"));
    }
    if several && args.request_id.is_some() {
        return Err(CliError::usage("--request-id goes with one name"));
    }
    if several && args.if_newest.is_some() {
        return Err(CliError::usage("--if-newest goes with one name"));
    }
    if args.all {
        return check_whole(args, asked);
    }
    let has_changes = args.edit || !args.set.is_empty() || !args.env.is_empty();
    if has_changes && let Some(named) = names.iter().find(|named| named.kind == Kind::Pipeline) {
        let words = format!("{} has many tasks, and a change is of one", named.label());
        let hint = format!("ktk restart {}.STEP --set FIELD=VALUE", named.name);
        return Err(CliError::usage(words).with_hint(hint));
    }
    if several && args.edit {
        return Err(CliError::usage("--edit goes with one name"));
    }
    if args.force
        && args.from.is_none()
        && let Some(named) = names.iter().find(|named| named.kind == Kind::Pipeline)
    {
        let error = CliError::usage("--force goes with a task, or with --from or --all of a pipeline");
        let hint =
            format!("without it, ktk restart {} restarts what failed while the rest goes on", named.label());
        return Err(error.with_hint(hint));
    }
    match names.iter().find(|named| named.kind != Kind::Pipeline) {
        Some(named) if args.from.is_some() => {
            let error =
                CliError::usage(format!("--from names a step of a pipeline, and {} is none", named.label()));
            Err(error.with_hint(format!("ktk restart pipeline/{} --from STEP", named.name)))
        }
        _ => Ok(()),
    }
}

/// What makes no sense together with `--all`.
fn check_whole(args: &RestartArgs, asked: &Asked) -> Result<(), CliError> {
    if args.edit || !args.env.is_empty() {
        return Err(CliError::usage("--all changes parameters alone: --set params.NAME=VALUE"));
    }
    let other = match asked {
        Asked::Named(names) => names.iter().find(|named| named.kind != Kind::Pipeline).map(Named::label),
        Asked::Chosen(kinds) => kinds.iter().find(|kind| **kind != Kind::Pipeline).map(ToString::to_string),
    };
    match other {
        Some(other) => {
            let error = CliError::usage(format!("--all restarts whole pipelines, and {other} is none"));
            Err(error
                .with_hint("ktk restart pipeline/NAME --all, or -l and --field-selector to choose tasks"))
        }
        None => Ok(()),
    }
}
