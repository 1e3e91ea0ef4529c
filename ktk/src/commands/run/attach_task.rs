//! Follows one task: its output as it comes, then its end.

use std::{future::pending, pin::pin};

use futures_util::StreamExt;
use ktk_client::{
    Client, Error,
    api::{
        Metadata, Phase, Task,
        log::{LogEvent, LogParams},
        task::TaskStatus,
        watch::WatchParams,
    },
};

use super::{leave::Leaving, logs::LogWriter, silence::Silence};
use crate::{
    commands::{
        interrupts::Interrupts,
        made::{self, Made},
        wait::{
            board::{Board, Target},
            condition::{Condition, Goal},
            follow::{self as watching, Deadline},
            snapshot::Snapshot,
        },
    },
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::OutputFormat,
    view::object::Object,
};

/// How following ended.
pub(super) enum Ended {
    /// The task has ended, or waits for what failed.
    Task(Box<TaskStatus>),
    /// The task goes on; leave with this code.
    Left(Exit),
}

/// Streams the task's output and answers with its end. With a format, the output goes to stderr
/// and the object to stdout.
pub(super) async fn follow(
    task: &Task,
    format: OutputFormat,
    client: &Client,
    interrupts: &mut Interrupts,
    cx: &Context,
) -> Result<Ended, CliError> {
    let client = &client.in_namespace(task.metadata.namespace());
    let name = task.metadata.name();
    let id = id_text(&task.metadata);
    let mut leaving = Leaving::new(Kind::Task, name, id.clone(), client, interrupts, cx);
    let mut log = client.logs(LogParams { name: id.clone(), follow: true, ..LogParams::default() });
    let mut blocked = pin!(blocked(task, client));
    let mut writer = LogWriter::new(format != OutputFormat::Human, cx);
    let mut silence = Silence::new(task, client, cx);
    loop {
        let event = tokio::select! {
            event = log.next() => event,
            () = silence.pass() => continue,
            exit = leaving.requested() => return Ok(Ended::Left(exit)),
            result = &mut blocked => { result?; break }
        };
        match event {
            Some(Ok(LogEvent::End)) | None => break,
            Some(Ok(event)) => {
                silence.broken(&event);
                writer.write(&event)?;
            }
            Some(Err(error)) => {
                let lost = lost(&error, Kind::Task, name, cx);
                return lost.map(Ended::Left).ok_or_else(|| missed(name, error));
            }
        }
    }
    drop(silence);
    writer.finish()?;
    let task = client.tasks().get(id).await.map_err(|error| missed(name, error))?;
    let Some(status) = task.status.clone() else {
        return Err(CliError::failed(format!("the server says nothing of the state of task/{name}")));
    };
    let mut made = Made::default();
    made.add(made::value(&task)?, None);
    made.print(format, cx)?;
    Ok(Ended::Task(Box::new(status)))
}

/// Why nothing more is heard of a task.
fn missed(name: &str, error: Error) -> CliError {
    match error.is_not_found() {
        true => CliError::new(Exit::NotFound, format!("task/{name} was deleted while it was followed")),
        false => error.into(),
    }
}

/// Says what became of a task that did not succeed, and what to do about it.
pub(super) fn say_failure(name: &str, status: &TaskStatus, is_interrupted: bool, cx: &Context) {
    failure(name, status, is_interrupted).iter().for_each(|error| cx.ui.error(error));
}

fn failure(name: &str, status: &TaskStatus, is_interrupted: bool) -> Option<CliError> {
    let message = status.message.as_ref().map_or(String::new(), |message| format!(": {message}"));
    match status.phase {
        Phase::Failed => {
            let error = CliError::failed(format!("task/{name} failed{message}"));
            Some(error.with_hint(format!("once that is mended: ktk restart {name}")))
        }
        Phase::Cancelled if !is_interrupted => {
            Some(CliError::failed(format!("task/{name} was cancelled{message}")))
        }
        Phase::Pending => {
            let error = CliError::failed(format!("task/{name} waits for what failed{message}"));
            Some(error.with_hint(format!("it goes on when that is restarted: ktk describe task {name}")))
        }
        _ => None,
    }
}

/// The id as a reference; the name where there is none.
pub(super) fn id_text(metadata: &Metadata) -> String {
    metadata.id.map_or_else(|| metadata.name().to_owned(), |id| id.to_string())
}

/// Says that the work goes on, where the server is being stopped.
pub(super) fn lost(error: &Error, kind: Kind, name: &str, cx: &Context) -> Option<Exit> {
    error.is_stopping().then(|| {
        cx.ui.message(&format!("the server is being stopped; {kind}/{name} goes on with its next start"));
        Exit::Unreachable
    })
}

/// Ends when the task waits for what failed: that may never end by itself. A task without needs
/// never does.
async fn blocked(task: &Task, client: &Client) -> Result<(), CliError> {
    let id = task.metadata.id;
    if task.spec.needs.is_empty() {
        return pending().await;
    }
    let mut target = Target::new("Task", task.metadata.namespace(), &id_text(&task.metadata));
    target.found(&Snapshot::of(&Object::Task(Box::new(task.clone()))));
    let mut board = Board::new(Goal::new(vec![Condition::Finished], false), vec![target]);
    let watched = WatchParams {
        kinds: Some("Task".to_owned()),
        namespace: Some(task.metadata.namespace().to_owned()),
        context: id,
        version: task.metadata.version,
        summary: true,
        ..WatchParams::default()
    };
    let never = Deadline::after(None);
    watching::follow_until(client, watched, &mut board, true, never, pending(), |_| Ok(())).await?;
    // An end of the task itself is the log's to tell, once all of it has come.
    match board.targets().iter().all(|target| target.seen().is_blocked()) {
        true => Ok(()),
        false => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_is_named_with_what_to_do() {
        let lines = |status: serde_json::Value, is_interrupted| {
            let status = serde_json::from_value(status).expect("a status");
            failure("x", &status, is_interrupted).map_or(Vec::new(), |error| error.lines())
        };
        let failed = json!({"phase": "Failed", "reason": "SpawnError", "message": "no such command: nope"});
        assert_eq!(
            lines(failed, false),
            ["error: task/x failed: no such command: nope", "hint: once that is mended: ktk restart x"]
        );
        assert_eq!(lines(json!({"phase": "Cancelled"}), false), ["error: task/x was cancelled"]);
        assert_eq!(lines(json!({"phase": "Cancelled"}), true), Vec::<String>::new());
        assert_eq!(lines(json!({"phase": "Pending"}), false)[0], "error: task/x waits for what failed");
        assert_eq!(lines(json!({"phase": "Succeeded"}), false), Vec::<String>::new());
    }
}
