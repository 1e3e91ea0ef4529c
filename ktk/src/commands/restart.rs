//! `ktk restart`.

use clap::{Args, ValueEnum};
use ktk_client::{
    Client,
    api::{
        API_VERSION, Metadata, ObjectRef, Pipeline, Task,
        restart::{Cascade, PlanRow, RestartParams, Restarted, RestartedTask},
    },
};
use serde_json::{Value, json};

use super::{
    completion,
    made::{self, Made},
    missing,
    selection::{self, Asked, ChoiceFlags, Named},
};
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{CHANGE, Document, OutputFormat},
    ui::escape,
    view,
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

  # What failed in a pipeline
  ktk restart pipeline/nightly

  # One step of a pipeline, whatever became of it
  ktk restart pipeline/nightly --from extract")]
pub(crate) struct RestartArgs {
    /// What to restart; a bare name is a task
    #[arg(required = true, value_name = "[TYPE/]NAME", add = completion::names(Kind::Task, "restart"))]
    names: Vec<String>,

    /// Print the plan and change nothing
    #[arg(long)]
    dry_run: bool,

    /// What happens to dependents that have finished
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = CascadeFlag::Auto)]
    cascade: CascadeFlag,

    /// Cancel what still runs, and restart when it has ended
    #[arg(long)]
    force: bool,

    /// Restart this step of the pipeline instead of what failed
    #[arg(long, value_name = "STEP")]
    from: Option<String>,

    /// Refuse unless the newest incarnation is this one
    #[arg(long, value_name = "NUMBER")]
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
    /// They stay; cleanup and failure steps run again if what they saw has changed
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
    fn params(&self, namespace: &str, name: &str) -> RestartParams {
        RestartParams {
            reference: ObjectRef::new(namespace, name),
            cascade: self.cascade.into(),
            force: self.force,
            dry_run: self.dry_run,
            if_newest: self.if_newest,
            from_step: self.from.clone(),
            reason: self.reason.clone(),
            request_id: self.request_id.clone(),
        }
    }
}

pub(crate) async fn run(args: RestartArgs, cx: &Context) -> Result<Exit, CliError> {
    let asked = selection::read(&args.names, &ChoiceFlags::default(), "restart", true)?;
    let Asked::Named(names) = asked else { return Err(CliError::usage("name what to restart")) };
    check(&args, &names)?;
    let format = OutputFormat::parse(args.output.as_deref(), CHANGE)?;
    let client = cx.client().await?;
    let mut made = Made::default();
    let mut plan = Vec::new();
    let mut errors = Vec::new();
    for named in &names {
        let params = args.params(cx.namespace(), &named.name);
        match restart(&client, named, params).await {
            Ok(answer) if args.dry_run => plan.extend(answer.plan),
            Ok(answer) => {
                if format == OutputFormat::Human {
                    answer.lines(args.force).iter().try_for_each(|line| cx.ui.println(&escape(line)))?;
                    cx.ui.flush()?;
                }
                made.add(answer.object, Some(answer.created));
            }
            Err(error) => errors.push(missing::explain(&client, "restart", named, error).await),
        }
    }
    if args.dry_run {
        print_plan(plan, format, cx)?;
    } else {
        made.print(format, cx)?;
    }
    CliError::of_all(errors)?;
    Ok(Exit::Done)
}

fn check(args: &RestartArgs, names: &[Named]) -> Result<(), CliError> {
    let several = names.len() > 1;
    if several && args.request_id.is_some() {
        return Err(CliError::usage("--request-id goes with one name"));
    }
    if several && args.if_newest.is_some() {
        return Err(CliError::usage("--if-newest goes with one name"));
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

/// An answer of either kind of object.
struct Answer {
    kind: Kind,
    metadata: Metadata,
    phase: String,
    message: Option<String>,
    object: Value,
    created: bool,
    restarted: Vec<RestartedTask>,
    plan: Vec<PlanRow>,
}

async fn restart(client: &Client, named: &Named, params: RestartParams) -> Result<Answer, CliError> {
    match named.kind {
        Kind::Pipeline => Answer::of_pipeline(client.pipelines().restart_with(params).await?),
        _ => Answer::of_task(client.tasks().restart_with(params).await?),
    }
}

impl Answer {
    fn of_task(answer: Restarted<Task>) -> Result<Self, CliError> {
        let status = answer.object.status.as_ref();
        Ok(Self {
            kind: Kind::Task,
            metadata: answer.object.metadata.clone(),
            phase: status.map_or(String::new(), |status| status.phase.to_string()),
            message: None,
            object: made::value(&answer.object)?,
            created: answer.created,
            restarted: answer.restarted,
            plan: answer.plan,
        })
    }

    fn of_pipeline(answer: Restarted<Pipeline>) -> Result<Self, CliError> {
        let status = answer.object.status.as_ref();
        Ok(Self {
            kind: Kind::Pipeline,
            metadata: answer.object.metadata.clone(),
            phase: status.map_or(String::new(), |status| status.phase.to_string()),
            message: status.and_then(|status| status.message.clone()),
            object: made::value(&answer.object)?,
            created: answer.created,
            restarted: answer.restarted,
            plan: answer.plan,
        })
    }

    /// What to say of it.
    fn lines(&self, force: bool) -> Vec<String> {
        let name = self.metadata.name();
        if !self.restarted.is_empty() && self.created {
            return self
                .restarted
                .iter()
                .map(|task| {
                    let (name, number, parent) = (&task.name, task.incarnation, task.parent_incarnation);
                    format!("task/{name}@{number} created (restart of {name}@{parent})")
                })
                .collect();
        }
        if self.kind == Kind::Pipeline {
            let why =
                self.message.clone().unwrap_or_else(|| "nothing in it failed or was cancelled".to_owned());
            return vec![match force {
                true if self.created => format!("pipeline/{name}: what runs is cancelled and then restarted"),
                _ => format!("nothing to restart: pipeline/{name} is {}: {why}", self.phase),
            }];
        }
        let this = format!("{name}@{}", self.metadata.incarnation());
        vec![match (self.created, force) {
            (true, _) => format!("task/{this} created"),
            (false, true) => {
                format!("task/{this} is {}: it is cancelled, and restarted when it has ended", self.phase)
            }
            (false, false) => format!("already restarted as {this}, {}", self.phase),
        }]
    }
}

fn print_plan(plan: Vec<PlanRow>, format: OutputFormat, cx: &Context) -> Result<(), CliError> {
    match (format, format.machine()) {
        (OutputFormat::Name, _) => {
            plan.iter().try_for_each(|row| cx.ui.println(&format!("task/{}", escape(&row.task))))
        }
        (_, Some(machine)) => {
            let plan = json!({"apiVersion": API_VERSION, "kind": "Plan", "items": plan});
            cx.ui.print(&machine.write(Document::One(plan))?)
        }
        (_, None) if plan.is_empty() => {
            cx.ui.message("nothing to restart");
            Ok(())
        }
        (_, None) => made::print_rows(&view::plan::rows(&plan), cx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: Kind, created: bool, restarted: Value) -> Answer {
        let metadata = json!({"name": "test-web", "restart": {
            "contextId": "01936f2e-8c00-7000-8000-000000000001", "incarnation": 2}});
        Answer {
            kind,
            metadata: serde_json::from_value(metadata).expect("metadata"),
            phase: "Running".into(),
            message: None,
            object: Value::Null,
            created,
            restarted: serde_json::from_value(restarted).expect("restarted tasks"),
            plan: Vec::new(),
        }
    }

    fn restarted(name: &str) -> Value {
        json!({"id": "01936f2e-8c00-7000-8000-000000000002", "name": name, "incarnation": 3, "parentIncarnation": 2})
    }

    #[test]
    fn each_restarted_task_has_a_line() {
        let answer = answer(Kind::Pipeline, true, json!([restarted("p.a"), restarted("p.b")]));
        assert_eq!(
            answer.lines(false),
            ["task/p.a@3 created (restart of p.a@2)", "task/p.b@3 created (restart of p.b@2)"]
        );
    }

    #[test]
    fn what_was_restarted_already_is_said() {
        assert_eq!(
            answer(Kind::Task, false, json!([])).lines(false),
            ["already restarted as test-web@2, Running"]
        );
        assert_eq!(
            answer(Kind::Pipeline, false, json!([])).lines(false),
            ["nothing to restart: pipeline/test-web is Running: nothing in it failed or was cancelled"]
        );
    }
}
