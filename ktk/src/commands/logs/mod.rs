//! `ktk logs`: what a task's process wrote.

mod many;
mod writer;

use clap::{Args, builder::RangedI64ValueParser};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use ktk_client::{
    Client,
    api::{Duration, Phase, Task, log::LogParams},
};

use self::{
    many::Many,
    writer::{LogWriter, Manner},
};
use super::{
    completion,
    fetch::{self, Query},
    pick,
};
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    target::{self, Target},
    ui::Ui,
    view::object::Object,
};

const EXAMPLES: &str = "\
Examples:
  # The log of the newest attempt
  ktk logs test-web

  # Follow it to the task's end, over retries
  ktk logs -f test-web

  # The last 20 lines of an older incarnation, with times
  ktk logs test-web@1 --tail 20 --timestamps

  # All steps of a pipeline as they run, each line with its task
  ktk logs -f pipeline/nightly --prefix

  # The last lines of all tasks of a team
  ktk logs -l team=media --tail 5 --prefix

  # The attempt before the newest
  ktk logs -p test-web";

/// Print what a task's process wrote
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogsArgs {
    /// A task: NAME, task/NAME, NAME@N, or any other reference; or pipeline/NAME: all its steps
    #[arg(value_name = "NAME", num_args = 0..=2, add = completion::names(Kind::Task, "logs"))]
    words: Vec<String>,

    /// The tasks with these labels: a=b, a!=b, 'a in (b,c)', a, !a; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    labels: Vec<String>,

    /// The tasks with these fields: status.phase=Failed; repeated, all must hold
    #[arg(long = "field-selector", value_name = "SELECTOR")]
    fields: Vec<String>,

    /// With a pipeline: only this step; repeatable
    #[arg(long, value_name = "NAME")]
    step: Vec<String>,

    /// Each line with the name of its task
    #[arg(long)]
    prefix: bool,

    /// The most bytes of each log
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    limit_bytes: Option<u64>,

    /// The most logs that are followed at once
    #[arg(long, value_name = "N", default_value_t = 50, allow_negative_numbers = true,
          value_parser = RangedI64ValueParser::<usize>::new().range(0..=i64::from(u32::MAX)))]
    max_log_requests: usize,

    /// Of several logs: one that cannot be read does not make the command fail
    #[arg(long)]
    ignore_errors: bool,

    /// Go on until the task has ended, over its further attempts
    #[arg(short, long)]
    follow: bool,

    /// Only the last N lines; -1 for all
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,

    /// Attempt to print [default: the newest]
    #[arg(long, value_name = "N", conflicts_with = "previous", allow_negative_numbers = true)]
    attempt: Option<u32>,

    /// The attempt before the newest
    #[arg(short, long, conflicts_with = "follow")]
    previous: bool,

    /// Each line with the time at which it was read
    #[arg(long)]
    timestamps: bool,

    /// Only what was written in this last time, as 5m
    #[arg(long, value_name = "DURATION", conflicts_with = "since_time", allow_hyphen_values = true)]
    since: Option<String>,

    /// Only what was written after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since_time: Option<Timestamp>,
}

pub(crate) async fn run(mut args: LogsArgs, cx: &Context) -> Result<Exit, CliError> {
    let tail = match args.tail {
        -1 => None,
        lines => Some(
            u64::try_from(lines)
                .map_err(|_| CliError::usage("--tail must be greater than or equal to -1"))?,
        ),
    };
    let since = args.since()?;
    if !args.follow {
        cx.ui.page();
    }
    let params =
        LogParams { attempt: args.attempt, follow: args.follow, tail, since, ..LogParams::default() };
    if !args.labels.is_empty() || !args.fields.is_empty() {
        if !args.words.is_empty() || !args.step.is_empty() {
            return Err(CliError::usage("only a selector (-l) or a task name is allowed"));
        }
        fetch::check_labels(&args.labels)?;
        let (labels, fields) = (fetch::joined(&args.labels), fetch::joined(&args.fields));
        return many::run(&args.many(labels, fields, params, cx)?, cx).await;
    }
    if args.words.is_empty() && args.step.is_empty() && pick::is_possible(cx) {
        let has_begun = |object: &Object| object.phase().is_some_and(|phase| phase != Phase::Pending);
        args.words = pick::one(cx, "logs", &[Kind::Task], has_begun).await?;
    }
    let client = cx.client().await?;
    let name = match target::parse_names("logs", &args.words)?.as_slice() {
        [Target { kind: Kind::Pipeline, name: Some(name) }] => {
            let pipeline = client.pipelines().get(&**name).await?;
            let unknown: Vec<_> = args
                .step
                .iter()
                .filter(|step| pipeline.spec.steps.iter().all(|own| own.name != **step))
                .collect();
            if let Some(step) = unknown.first() {
                return Err(CliError::new(Exit::NotFound, format!("pipeline/{name} has no step {step:?}")));
            }
            let mut many = args.many(None, None, params, cx)?;
            many.pipeline = Some(Box::new(pipeline));
            return many::run(&many, cx).await;
        }
        [Target { name: Some(name), .. }] if args.step.is_empty() => name.clone(),
        [_] => return Err(CliError::usage("--step goes with pipeline/NAME")),
        _ => {
            let error = CliError::usage("ktk logs prints the log of one task");
            return Err(error.with_hint("several are chosen by -l, or as the steps of pipeline/NAME"));
        }
    };
    let attempt = match args.previous {
        true => Some(previous_attempt(client, &name).await?),
        false => args.attempt,
    };
    let params = LogParams { name: name.clone(), attempt, ..params };
    let writer = LogWriter::new(args.manner(false), &name, &cx.ui);
    match print(client, params, writer, &cx.ui).await {
        Err(error) if error.exit() == Exit::NotFound => Err(explain_missing(client, &name, error).await),
        result => result,
    }
}

impl LogsArgs {
    fn manner(&self, is_shared: bool) -> Manner {
        Manner {
            has_timestamps: self.timestamps,
            has_prefix: self.prefix,
            limit: self.limit_bytes,
            is_shared,
            is_following: self.follow,
        }
    }

    /// The logs of several tasks.
    fn many(
        &self,
        labels: Option<String>,
        fields: Option<String>,
        params: LogParams,
        cx: &Context,
    ) -> Result<Many, CliError> {
        if self.previous {
            return Err(CliError::usage("--previous goes with the name of one task"));
        }
        let namespace = Some(cx.namespace().to_owned());
        Ok(Many {
            pipeline: None,
            query: Query { namespace, labels, fields, is_summary: true, ..Query::default() },
            steps: self.step.iter().cloned().collect(),
            manner: self.manner(true),
            params,
            max_requests: self.max_log_requests,
            ignore_errors: self.ignore_errors,
        })
    }

    fn since(&self) -> Result<Option<Timestamp>, CliError> {
        let Some(text) = &self.since else { return Ok(self.since_time) };
        let since: Duration = text.parse().map_err(|error| CliError::usage(format!("--since: {error}")))?;
        if since.get().is_zero() {
            return Err(CliError::usage("--since must be greater than 0"));
        }
        let since = SignedDuration::try_from(since.get()).map_err(CliError::usage)?;
        Ok(clock::now().checked_sub(since).ok())
    }
}

async fn previous_attempt(client: &Client, name: &str) -> Result<u32, CliError> {
    let task: Task = client.tasks().get(name).await?;
    match task.status.as_ref().map_or(0, |status| status.attempt) {
        0 | 1 => Err(CliError::new(
            Exit::NotFound,
            format!("task {:?} has no previous attempt", task.metadata.name()),
        )),
        attempt => Ok(attempt - 1),
    }
}

/// Where there is only a pipeline of the name, says how its steps are called.
async fn explain_missing(client: &Client, name: &str, error: CliError) -> CliError {
    match client.pipelines().get_opt(name).await {
        Ok(Some(pipeline)) => {
            let step = pipeline.spec.steps.first().map_or("STEP", |step| step.name.as_str());
            error.with_hint(format!("pipeline/{name} has a log for each step, as ktk logs {name}.{step}"))
        }
        _ => error,
    }
}

async fn print(
    client: &Client,
    params: LogParams,
    mut writer: LogWriter<'_>,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let is_following = params.follow;
    let mut events = client.logs(params);
    while !writer.is_full() {
        let event = tokio::select! {
            biased;
            event = events.next() => event,
            gone = ui.reader_gone(), if is_following => return Err(gone),
        };
        let Some(event) = event else { break };
        match event {
            Ok(event) => writer.write(&event)?,
            Err(error) => {
                writer.finish()?;
                return Err(error.into());
            }
        }
        if is_following {
            ui.flush()?;
        }
    }
    writer.finish()?;
    Ok(Exit::Done)
}
