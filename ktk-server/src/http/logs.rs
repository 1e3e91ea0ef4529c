//! `GET /logs`: the output of an attempt, and of those that follow it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use ktk_client::api::{
    ApiError,
    log::{LogEvent, LogParams, Stream},
};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::place::Place;
use super::refusal::Refusal;
use super::site::{End, Site};
use super::{Backend, LogTarget, query, sse, tail};
use crate::engine::{lending::Lent, operation::By};
use crate::limits::{LOG_FLUSH_BYTES, LOG_TARGET_PAUSE};
use crate::logs::{self, Chunk, Cursor, Entry, LogStore, Subscription};

/// Opens a log: from `last_id` on, else from where `params` say.
pub(super) async fn open(
    site: &Site,
    by: By,
    mut params: LogParams,
    last_id: Option<&str>,
) -> Result<BoxStream<'static, Bytes>, Refusal> {
    let backend = Arc::clone(&site.backend);
    let resumed = last_id.map(str::parse::<Place>).transpose().map_err(|_| query::bad_last_event_id())?;
    if let Some(place) = &resumed {
        params.name = place.task.to_string();
    }
    let mut versions = backend.versions();
    versions.borrow_and_update();
    let target = backend.log_target(&by, &params).await?;
    let place = tail::first_place(&*backend, &params, &target, resumed).await?;
    let logs = backend.logs();
    let end_now = if params.follow { 0 } else { logs.end(place.key()).await.map_err(tail::unreadable)? };
    Ok(sse::stream(Reading {
        _lent: if params.follow { backend.waits(&by) } else { None },
        logs,
        backend,
        by,
        params: tail::pinned(params, &target),
        target,
        looked_at: Instant::now(),
        is_outdated: false,
        versions,
        end: site.end(),
        place,
        end_now,
        subscription: None,
        pieces: VecDeque::new(),
        heartbeat: site.timeouts.heartbeat,
        silent_since: Instant::now(),
        has_looked_last: false,
        is_over: false,
    }))
}

struct Reading {
    _lent: Option<Lent>,
    backend: Arc<dyn Backend>,
    by: By,
    logs: Arc<dyn LogStore>,
    params: LogParams,
    target: LogTarget,
    looked_at: Instant,
    /// Something changed since.
    is_outdated: bool,
    versions: Receiver<u64>,
    end: End,
    /// Everything before it has been sent or waits in `pieces`.
    place: Place,
    /// Where the log ended when it was opened: whoever does not follow gets no more of one that still grows.
    end_now: u64,
    /// The wake-up of the attempt that is being followed.
    subscription: Option<(u32, Subscription)>,
    pieces: VecDeque<Bytes>,
    heartbeat: Duration,
    silent_since: Instant,
    /// What happened before the server began to stop has been looked for.
    has_looked_last: bool,
    is_over: bool,
}

impl sse::Source for Reading {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                self.silent_since = Instant::now();
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.step().await {
                self.is_over = true;
                return Some(sse::error(&error));
            }
        }
    }
}

impl Reading {
    /// Reads what comes next, or waits for it.
    async fn step(&mut self) -> Result<(), ApiError> {
        let is_elsewhere = self.params.attempt.is_some_and(|attempt| self.place.attempt > attempt);
        if is_elsewhere || self.place.attempt > self.target.attempt {
            if is_elsewhere || !self.params.follow || self.target.is_terminal {
                self.finish(&LogEvent::End);
                return Ok(());
            }
            return self.wait().await;
        }
        let attempt = self.place.attempt;
        if self.params.follow && self.subscription.as_ref().is_none_or(|(of, _)| *of != attempt) {
            self.subscription = Some((attempt, self.logs.subscribe(self.place.key())));
            // Asked only now: an attempt that ended before the subscription does not wake it.
            self.look().await?;
        }
        let is_ended = attempt < self.target.attempt || !self.target.is_running;
        if !is_ended && !self.params.follow && self.place.cursor.offset >= self.end_now {
            self.finish(&LogEvent::End);
            return Ok(());
        }
        let chunk = self.logs.read(self.place.key(), self.place.cursor, LOG_FLUSH_BYTES).await;
        let chunk = chunk.map_err(tail::unreadable)?;
        if chunk.next.offset > self.place.cursor.offset {
            self.write_chunk(chunk);
        } else if is_ended || self.params.follow && chunk.ended {
            self.place = Place::start_of(self.place.task, attempt + 1);
            self.write(&LogEvent::AttemptEnded { attempt });
            self.subscription = None;
            if !self.params.follow || self.params.attempt.is_some() {
                self.finish(&LogEvent::End);
            }
        } else if self.params.follow {
            self.wait().await?;
        } else {
            // Removed meanwhile.
            self.finish(&LogEvent::End);
        }
        Ok(())
    }

    /// Learns how far the task has come.
    async fn look(&mut self) -> Result<(), ApiError> {
        self.versions.borrow_and_update();
        self.is_outdated = false;
        self.looked_at = Instant::now();
        let target = self.backend.log_target(&self.by, &self.params).await?;
        if target.task != self.place.task {
            return Err(ApiError::not_found("Task", &self.params.name));
        }
        self.target = target;
        Ok(())
    }

    /// Waits until the log or its task changed.
    async fn wait(&mut self) -> Result<(), ApiError> {
        if self.end.is_near() {
            if self.has_looked_last {
                self.finish(&LogEvent::Stopping);
                return Ok(());
            }
            self.has_looked_last = true;
            return self.look().await;
        }
        let subscription = &mut self.subscription;
        let grows = async {
            match subscription {
                Some((_, subscription)) => subscription.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = grows => {}
            changed = self.versions.changed(), if !self.is_outdated => {
                self.is_outdated = true;
                if changed.is_err() {
                    self.end.near().await;
                }
            }
            () = sleep_until(self.looked_at + LOG_TARGET_PAUSE), if self.is_outdated => self.look().await?,
            () = self.end.near() => {}
            () = sleep_until(self.silent_since + self.heartbeat) => self.pieces.push_back(sse::heartbeat()),
        }
        Ok(())
    }

    fn write_chunk(&mut self, chunk: Chunk) {
        let attempt = self.place.attempt;
        if let Some(bytes) = chunk.dropped {
            self.place.cursor = Cursor::at(self.place.cursor.offset + bytes);
            self.write(&LogEvent::Dropped { attempt, bytes });
        }
        let since = self.params.since.unwrap_or(Timestamp::MIN);
        let last = chunk.entries.len().saturating_sub(1);
        for (index, entry) in chunk.entries.into_iter().enumerate() {
            let after = Cursor::at(self.place.cursor.offset + entry.bytes.len() as u64);
            self.place.cursor = if index == last { chunk.next } else { after };
            if entry.time >= since {
                self.write(&chunk_event(attempt, &entry));
            }
        }
        self.place.cursor = chunk.next;
    }

    fn finish(&mut self, event: &LogEvent) {
        self.write(event);
        self.is_over = true;
    }

    fn write(&mut self, event: &LogEvent) {
        let name = match event {
            LogEvent::Chunk { .. } => "chunk",
            LogEvent::Dropped { .. } => "dropped",
            LogEvent::AttemptEnded { .. } => "attemptEnded",
            LogEvent::End => "end",
            LogEvent::Stopping => "stopping",
        };
        let mut out = Vec::new();
        sse::write(&mut out, Some(&self.place), name, event);
        self.pieces.push_back(out.into());
    }
}

fn chunk_event(attempt: u32, entry: &Entry) -> LogEvent {
    let text = str::from_utf8(&entry.bytes).ok().map(str::to_owned);
    let base64 = if text.is_some() { None } else { Some(BASE64_STANDARD.encode(&entry.bytes)) };
    let stream = match entry.stream {
        logs::Stream::Stdout => Stream::Stdout,
        logs::Stream::Stderr => Stream::Stderr,
    };
    LogEvent::Chunk { attempt, time: entry.time, stream, text, base64 }
}
