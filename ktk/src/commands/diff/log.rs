//! The first line in which two logs differ. Neither is kept: both are read side by side.

use std::collections::VecDeque;

use futures_util::StreamExt as _;
use ktk_client::{
    Client,
    api::{
        Task,
        log::{LogEvent, LogParams},
    },
    client::log::{LogStream, chunk_bytes},
};

use crate::error::CliError;

/// The most characters of a line that are shown.
const SHOWN: usize = 200;

/// A line that is another on the left than on the right; absent where the log has ended.
pub(super) struct LogLine {
    /// From 1.
    pub(super) number: usize,
    pub(super) left: Option<String>,
    pub(super) right: Option<String>,
}

/// Reads the logs of the newest attempts until a line differs.
pub(super) async fn first_difference(
    client: &Client,
    left: &Task,
    right: &Task,
) -> Result<Option<LogLine>, CliError> {
    let (mut left, mut right) = (Lines::of(client, left), Lines::of(client, right));
    for number in 1.. {
        let (a, b) = (left.next().await?, right.next().await?);
        if a != b {
            return Ok(Some(LogLine { number, left: a.map(shown), right: b.map(shown) }));
        }
        if a.is_none() {
            break;
        }
    }
    Ok(None)
}

fn shown(line: Vec<u8>) -> String {
    let text = String::from_utf8_lossy(&line);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// The lines of a log, one after the other. One that never ran has none.
struct Lines {
    events: Option<LogStream>,
    whole: VecDeque<Vec<u8>>,
    begun: Vec<u8>,
}

impl Lines {
    fn of(client: &Client, task: &Task) -> Self {
        let has_run = task.status.as_ref().is_some_and(|status| status.attempt > 0);
        let id = task.metadata.id.filter(|_| has_run);
        let events = id.map(|id| {
            let client = client.in_namespace(task.metadata.namespace());
            client.logs(LogParams { name: id.to_string(), ..LogParams::default() })
        });
        Self { events, whole: VecDeque::new(), begun: Vec::new() }
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, CliError> {
        loop {
            if let Some(line) = self.whole.pop_front() {
                return Ok(Some(line));
            }
            let event = match &mut self.events {
                Some(events) => events.next().await.transpose()?,
                None => None,
            };
            let Some(event) = event else {
                self.events = None;
                // A last line without an end.
                return Ok((!self.begun.is_empty()).then(|| std::mem::take(&mut self.begun)));
            };
            if let LogEvent::Chunk { .. } = event {
                self.take(&chunk_bytes(&event));
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(rest) => {
                    self.begun.extend_from_slice(rest);
                    self.whole.push_back(std::mem::take(&mut self.begun));
                }
                None => self.begun.extend_from_slice(part),
            }
        }
    }
}
