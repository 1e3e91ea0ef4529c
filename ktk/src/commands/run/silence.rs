//! A line on the terminal while a task writes nothing: that it is there, what it does, and for how long. It goes
//! before anything else is written, and never stands behind half a line of the task's own.

use std::{future::pending, time::Duration};

use futures_util::StreamExt;
use ktk_client::{
    Client,
    api::{
        Task,
        log::LogEvent,
        watch::{WatchEvent, WatchParams},
    },
    client::{log::chunk_bytes, watch::WatchStream},
};
use tokio::time::Instant;

use crate::{context::Context, ui::Bar, view::task::doing};

/// How long a task writes nothing before the line appears.
const SILENCE: Duration = Duration::from_secs(2);

/// The line of one task.
pub(super) struct Silence<'a> {
    cx: &'a Context,
    name: String,
    watch: WatchParams,
    client: &'a Client,
    text: String,
    due: Option<Instant>,
    shown: Option<Shown>,
}

/// The line, and what tells of changes for as long as it is there.
struct Shown {
    bar: Bar,
    changes: WatchStream,
}

impl<'a> Silence<'a> {
    /// Nothing is shown yet, and without a terminal nothing ever is.
    pub(super) fn new(task: &Task, client: &'a Client, cx: &'a Context) -> Self {
        let watch = WatchParams {
            kinds: Some("Task".to_owned()),
            namespace: Some(task.metadata.namespace().to_owned()),
            context: task.metadata.id,
            // From its creation on: the first look tells how it is now.
            version: task.metadata.version,
            summary: true,
            ..WatchParams::default()
        };
        let due = cx.ui.stderr_is_terminal().then(|| Instant::now() + SILENCE);
        let name = task.metadata.name().to_owned();
        Self { cx, text: doing(task), name, watch, client, due, shown: None }
    }

    /// The task has written something, which is shown next.
    pub(super) fn broken(&mut self, event: &LogEvent) {
        let bytes = chunk_bytes(event);
        if self.due.is_none() && self.shown.is_none() && bytes.is_empty() {
            return;
        }
        self.shown = None;
        let ends_line = bytes.last().is_none_or(|last| *last == b'\n');
        let is_wanted = self.cx.ui.stderr_is_terminal() && ends_line;
        self.due = is_wanted.then(|| Instant::now() + SILENCE);
    }

    /// Shows the line when it is due and keeps it as it should be. Ends with each change, to be called again.
    pub(super) async fn pass(&mut self) {
        if let Some(shown) = &mut self.shown {
            match shown.changes.next().await {
                Some(Ok(WatchEvent::Change { object, .. })) => {
                    if let Ok(task) = serde_json::from_value::<Task>(object) {
                        self.text = doing(&task);
                        shown.bar.set_text(&line(&self.name, &self.text));
                    }
                }
                Some(Ok(_)) => {}
                // The log tells what has become of the server.
                Some(Err(_)) | None => pending().await,
            }
            return;
        }
        let Some(due) = self.due else { return pending().await };
        tokio::time::sleep_until(due).await;
        self.due = None;
        let bar = self.cx.ui.spinner(&line(&self.name, &self.text));
        self.shown = Some(Shown { bar, changes: self.client.watch(self.watch.clone()) });
    }
}

fn line(name: &str, text: &str) -> String {
    format!("task/{name}: {text}")
}
