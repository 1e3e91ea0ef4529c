//! Tasks: cells; the describe page is in `page`.

mod page;

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{
    Phase, Reason, Task,
    id::SHORT_DIGITS,
    shell,
    table::{TaskLine, WideCells},
    task::TaskProgress,
};

pub(crate) use self::page::describe;
use super::{Column, age, column, status, wide};
use crate::ui::Cell;

/// The columns of tasks.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("STATUS"),
    column("REASON"),
    column("ATTEMPTS"),
    column("RESTARTS"),
    column("AGE"),
    wide("QUEUE"),
    wide("NODE"),
    wide("PIPELINE"),
    wide("WAITED"),
    wide("DURATION"),
    wide("EXIT"),
    wide("PROGRESS"),
    wide("ID"),
    wide("COMMAND"),
];

/// The cells of a task, the name without its incarnation.
pub(crate) fn cells(task: &Task, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let metadata = &task.metadata;
    let status = task.status.as_ref();
    let narrow = Narrow {
        name: metadata.name().to_owned(),
        phase: status.map(|status| status.phase),
        reason: status.and_then(|status| status.reason),
        attempt: status.map_or(0, |status| status.attempt),
        incarnation: metadata.incarnation(),
        created_at: metadata.created_at,
    };
    let mut cells = narrow.cells(now, is_wide);
    if is_wide {
        let wide = Wide {
            queue: task.spec.queue.clone(),
            node: status.and_then(|status| status.node.clone()),
            pipeline: metadata.pipeline.as_ref().map(|pipeline| pipeline.name.clone()),
            waited: waited(task, now),
            duration: duration(task, now),
            exit_code: status.and_then(|status| status.exit_code),
            progress: status.and_then(|status| status.progress.as_ref()).map(progress_text),
            digest: metadata.digest.as_deref(),
            command: command(task),
        };
        cells.extend(wide.cells());
    }
    cells
}

/// The cells of a task that came as a line of a table: those of [`cells`].
pub(crate) fn line_cells(line: TaskLine, now: Timestamp) -> Vec<Cell> {
    let TaskLine { name, incarnation, phase, reason, attempt, created_at, wide, .. } = line;
    let created_at = Some(created_at);
    let narrow = Narrow { name, phase: Some(phase), reason, attempt, incarnation, created_at };
    let mut cells = narrow.cells(now, wide.is_some());
    if let Some(wide) = wide {
        let WideCells { started_at, finished_at, digest, command, type_name, .. } = *wide;
        let until = started_at.or(finished_at).unwrap_or(now);
        let shown = Wide {
            queue: Some(wide.queue),
            node: wide.node,
            pipeline: wide.pipeline,
            waited: wide.ready_at.map(|ready| between(ready, until)),
            duration: started_at.and_then(|started| lasted(started, finished_at, phase, now)),
            exit_code: wide.exit_code,
            progress: wide.progress.as_ref().map(progress_text),
            digest: Some(&digest),
            command: command.or_else(|| type_name.map(|handler| type_text(&handler))),
        };
        cells.extend(shown.cells());
    }
    cells
}

/// What every table shows of a task.
struct Narrow {
    name: String,
    phase: Option<Phase>,
    reason: Option<Reason>,
    attempt: u32,
    incarnation: u32,
    created_at: Option<Timestamp>,
}

impl Narrow {
    fn cells(self, now: Timestamp, is_wide: bool) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(if is_wide { COLUMNS.len() } else { 6 });
        cells.extend([
            Cell::new(self.name),
            status::phase_cell(self.phase, self.reason),
            status::reason_cell(self.reason),
            Cell::new(small(self.attempt)),
            Cell::new(small(self.incarnation.saturating_sub(1))),
            Cell::new(age::age(self.created_at, now)),
        ]);
        cells
    }
}

/// What wide tables show as well.
struct Wide<'a> {
    queue: Option<String>,
    node: Option<String>,
    pipeline: Option<String>,
    waited: Option<SignedDuration>,
    duration: Option<SignedDuration>,
    exit_code: Option<i32>,
    progress: Option<String>,
    digest: Option<&'a str>,
    command: Option<String>,
}

impl Wide<'_> {
    fn cells(self) -> [Cell; 9] {
        let text = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
        [
            Cell::new(self.queue.unwrap_or_else(|| ktk_client::api::DEFAULT_QUEUE.to_owned())),
            text(self.node),
            text(self.pipeline),
            text(self.waited.map(age::human)),
            text(self.duration.map(age::human)),
            text(self.exit_code.map(|code| code.to_string())),
            text(self.progress),
            text(self.digest.map(short_digest)),
            text(self.command),
        ]
    }
}

fn small(number: u32) -> std::borrow::Cow<'static, str> {
    match number {
        0 => "0".into(),
        1 => "1".into(),
        _ => number.to_string().into(),
    }
}

/// The digits of a digest that tables show.
pub(in crate::view) fn short_digest(digest: &str) -> String {
    digest.chars().take(SHORT_DIGITS).collect()
}

/// How long it waited, or waits, from when it could have started.
fn waited(task: &Task, now: Timestamp) -> Option<SignedDuration> {
    let status = task.status.as_ref()?;
    let ready = status.ready_at?;
    let until = match status.attempts.first().map(|attempt| attempt.started_at).or(status.started_at) {
        Some(started) => started,
        None => status.finished_at.unwrap_or(now),
    };
    Some(between(ready, until))
}

/// How long its newest attempt took, or takes.
pub(crate) fn duration(task: &Task, now: Timestamp) -> Option<SignedDuration> {
    let status = task.status.as_ref()?;
    let started = status.started_at?;
    let ended = match status.attempts.last() {
        Some(attempt) => attempt.finished_at,
        None => status.finished_at,
    };
    lasted(started, ended, status.phase, now)
}

/// From a start to its end, or to now.
fn lasted(
    started: Timestamp,
    ended: Option<Timestamp>,
    phase: Phase,
    now: Timestamp,
) -> Option<SignedDuration> {
    match (ended, phase) {
        (Some(ended), _) => Some(between(started, ended)),
        (None, Phase::Running) => Some(between(started, now)),
        (None, _) => None,
    }
}

fn between(start: Timestamp, end: Timestamp) -> SignedDuration {
    end.duration_since(start).max(SignedDuration::ZERO)
}

/// The command as one could type it, or the handler's name.
pub(crate) fn command(task: &Task) -> Option<String> {
    if let Some(each) = &task.spec.for_each {
        return Some(format!("forEach:{}", each.jq));
    }
    match (&task.spec.run, &task.spec.http, &task.spec.type_name) {
        // A summary has the whole command as one text.
        (Some(run), ..) if run.command.len() == 1 => run.command.first().cloned(),
        (Some(run), ..) => Some(shell::line(&run.command)),
        (None, Some(http), _) => Some(http.line()),
        (None, None, Some(handler)) => Some(type_text(handler)),
        (None, None, None) => task.spec.external.as_ref().map(|_| "external".to_owned()),
    }
}

fn type_text(handler: &str) -> String {
    format!("type:{handler}")
}

/// What a task is doing, in few words.
pub(crate) fn doing(task: &Task) -> String {
    let Some(status) = &task.status else { return "Pending".to_owned() };
    let progress = status.progress.as_ref().filter(|_| status.phase == Phase::Running).map(progress_text);
    let reason = status.reason.map(|reason| format!(" ({reason})"));
    let attempt = (status.attempt > 1).then(|| format!(", attempt {}", status.attempt));
    [Some(status.phase.to_string()), reason, attempt, progress.map(|text| format!(": {text}"))]
        .into_iter()
        .flatten()
        .collect()
}

/// How far an attempt says that it is.
pub(crate) fn progress_text(progress: &TaskProgress) -> String {
    let percent = format!("{}%", progress.percent);
    progress.message.as_ref().map_or(percent.clone(), |message| format!("{percent} {message}"))
}
