//! Tasks: cells; the describe page is in `page`.

mod page;

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Phase, Task, id::SHORT_DIGITS};

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
    wide("ID"),
    wide("COMMAND"),
];

/// The cells of a task, the name without its incarnation.
pub(crate) fn cells(task: &Task, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let metadata = &task.metadata;
    let status = task.status.as_ref();
    let reason = status.and_then(|status| status.reason);
    let mut cells = Vec::with_capacity(if is_wide { COLUMNS.len() } else { 6 });
    cells.extend([
        Cell::new(metadata.name().to_owned()),
        status::phase_cell(status.map(|status| status.phase), reason),
        status::reason_cell(reason),
        Cell::new(small(status.map_or(0, |status| status.attempt))),
        Cell::new(small(metadata.incarnation().saturating_sub(1))),
        Cell::new(age::age(metadata.created_at, now)),
    ]);
    if is_wide {
        let text = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
        cells.extend([
            Cell::new(task.spec.queue.clone().unwrap_or_else(|| ktk_client::api::DEFAULT_QUEUE.to_owned())),
            text(status.and_then(|status| status.node.clone())),
            text(metadata.pipeline.as_ref().map(|pipeline| pipeline.name.clone())),
            text(waited(task, now).map(age::human)),
            text(duration(task, now).map(age::human)),
            text(status.and_then(|status| status.exit_code).map(|code| code.to_string())),
            text(metadata.digest.as_deref().map(short_digest)),
            text(command(task)),
        ]);
    }
    cells
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
    Some(until.duration_since(ready).max(SignedDuration::ZERO))
}

/// How long its newest attempt took, or takes.
pub(crate) fn duration(task: &Task, now: Timestamp) -> Option<SignedDuration> {
    let status = task.status.as_ref()?;
    let started = status.started_at?;
    let ended = match status.attempts.last() {
        Some(attempt) => attempt.finished_at,
        None => status.finished_at,
    };
    let until = match (ended, status.phase) {
        (Some(ended), _) => ended,
        (None, Phase::Running) => now,
        (None, _) => return None,
    };
    Some(until.duration_since(started).max(SignedDuration::ZERO))
}

/// The command as one could type it, or the handler's name.
pub(crate) fn command(task: &Task) -> Option<String> {
    match (&task.spec.run, &task.spec.type_name) {
        // A summary has the whole command as one text.
        (Some(run), _) if run.command.len() == 1 => run.command.first().cloned(),
        (Some(run), _) => Some(run.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")),
        (None, Some(handler)) => Some(format!("type:{handler}")),
        (None, None) => None,
    }
}

/// A word as a shell would need it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_would_type_them() {
        for (word, shown) in
            [("make", "make"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("größe", "größe")]
        {
            assert_eq!(quoted(word), shown);
        }
    }
}
