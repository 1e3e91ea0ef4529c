//! `ktk logs`: what a task's process wrote.

use clap::Args;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use ktk_client::{
    Client,
    api::{
        Duration, Task,
        log::{LogEvent, LogParams},
    },
    client::log::chunk_bytes,
};

use super::completion;
use crate::{
    clock,
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    target::{self, Target},
    ui::{LogFilter, Ui},
};

const EXAMPLES: &str = "\
Examples:
  # The log of the newest attempt
  ktk logs test-web

  # Follow it to the task's end, over retries
  ktk logs -f test-web

  # The last 20 lines of an older incarnation, with times
  ktk logs test-web@1 --tail 20 --timestamps

  # The attempt before the newest
  ktk logs -p test-web";

/// Print what a task's process wrote
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogsArgs {
    /// A task: NAME, task/NAME, NAME@N, or any other reference
    #[arg(value_name = "NAME", required = true, num_args = 1..=2, add = completion::names(Kind::Task, "logs"))]
    words: Vec<String>,

    /// Go on until the task has ended, over its further attempts
    #[arg(short, long)]
    follow: bool,

    /// Only the last N lines; -1 for all
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,

    /// Attempt to print [default: the newest]
    #[arg(long, value_name = "N", conflicts_with = "previous")]
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

pub(crate) async fn run(args: LogsArgs, cx: &Context) -> Result<Exit, CliError> {
    let tail = match args.tail {
        -1 => None,
        lines => Some(
            u64::try_from(lines)
                .map_err(|_| CliError::usage("--tail must be greater than or equal to -1"))?,
        ),
    };
    let since = args.since()?;
    let name = match target::parse_names("logs", &args.words)?.as_slice() {
        [Target { name: Some(name), .. }] => name.clone(),
        _ => return Err(CliError::usage("ktk logs prints the log of one task")),
    };
    let client = cx.client().await?;
    let attempt = match args.previous {
        true => Some(previous_attempt(client, &name).await?),
        false => args.attempt,
    };
    let params =
        LogParams { name: name.clone(), attempt, follow: args.follow, tail, since, ..LogParams::default() };
    match print(client, params, args.timestamps, &cx.ui).await {
        Err(error) if error.exit() == Exit::NotFound => Err(explain_missing(client, &name, error).await),
        result => result,
    }
}

impl LogsArgs {
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

async fn print(client: &Client, params: LogParams, has_timestamps: bool, ui: &Ui) -> Result<Exit, CliError> {
    let is_following = params.follow;
    let mut writer = LogWriter::new(has_timestamps, ui);
    let mut events = client.logs(params);
    loop {
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

/// Both streams go to stdout: as written where nobody looks, colours only where somebody does.
struct LogWriter<'a> {
    ui: &'a Ui,
    filter: Option<LogFilter>,
    has_timestamps: bool,
    is_in_line: bool,
}

impl<'a> LogWriter<'a> {
    fn new(has_timestamps: bool, ui: &'a Ui) -> Self {
        let filter = ui.stdout_is_terminal().then(LogFilter::default);
        Self { ui, filter, has_timestamps, is_in_line: false }
    }

    fn write(&mut self, event: &LogEvent) -> Result<(), CliError> {
        match event {
            LogEvent::Chunk { time, .. } => {
                let bytes = chunk_bytes(event);
                let bytes = match self.has_timestamps {
                    true => stamped(&bytes, *time, &mut self.is_in_line).into(),
                    false => bytes,
                };
                match &mut self.filter {
                    Some(filter) => self.ui.print(&filter.filter(&bytes)),
                    None => self.ui.print_bytes(&bytes),
                }
            }
            LogEvent::Dropped { bytes, .. } => {
                self.ui.flush()?;
                self.ui
                    .message(&format!("({bytes} bytes of the log are missing here: it is over its limit)"));
                Ok(())
            }
            LogEvent::AttemptEnded { .. } | LogEvent::End | LogEvent::Stopping => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), CliError> {
        if let Some(filter) = &mut self.filter {
            self.ui.print(&filter.finish())?;
        }
        self.ui.flush()
    }
}

/// The bytes with a time before each line that begins in them.
fn stamped(bytes: &[u8], time: Timestamp, is_in_line: &mut bool) -> Vec<u8> {
    let stamp = format!("{time:.9} ");
    let mut out = Vec::with_capacity(bytes.len() + stamp.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !*is_in_line {
            out.extend_from_slice(stamp.as_bytes());
        }
        out.extend_from_slice(line);
        *is_in_line = !line.ends_with(b"\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_time_at_which_it_began() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let mut is_in_line = false;
        let mut out = stamped(b"one\ntw", time("2026-11-22T12:00:00.5Z"), &mut is_in_line);
        out.extend(stamped(b"o\nthree", time("2026-11-22T12:00:01Z"), &mut is_in_line));
        let expected = "\
2026-11-22T12:00:00.500000000Z one
2026-11-22T12:00:00.500000000Z two
2026-11-22T12:00:01.000000000Z three";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
