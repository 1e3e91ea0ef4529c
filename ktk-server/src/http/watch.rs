//! `GET /watch`: changes in version order, for as long as anybody listens.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use ktk_client::api::{
    ApiError,
    watch::{WatchEvent, WatchParams},
};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::refusal::Refusal;
use super::site::{End, Site};
use super::{Backend, query, sse};
use crate::engine::{lending::Lent, operation::By};
use crate::limits::WATCH_WRITE_BYTES;

/// Opens a watch: from `last_id` on, else from where `params` say.
pub(super) async fn open(
    site: &Site,
    by: By,
    mut params: WatchParams,
    last_id: Option<&str>,
) -> Result<BoxStream<'static, Bytes>, Refusal> {
    if let Some(id) = last_id {
        params.version = Some(id.parse().map_err(|_| query::bad_last_event_id())?);
    }
    let backend = Arc::clone(&site.backend);
    let versions = backend.versions();
    let version = backend.watch_start(&by, &params).await?;
    Ok(sse::stream(Watching {
        _lent: backend.waits(&by),
        backend,
        by,
        params,
        version,
        versions,
        end: site.end(),
        events: VecDeque::new(),
        looks: true,
        sent: None,
        heartbeat: site.timeouts.heartbeat,
        silent_since: Instant::now(),
        has_looked_last: false,
        is_over: false,
    }))
}

struct Watching {
    _lent: Option<Lent>,
    backend: Arc<dyn Backend>,
    by: By,
    params: WatchParams,
    /// Everything up to here has been sent or waits in `events`.
    version: u64,
    versions: Receiver<u64>,
    end: End,
    events: VecDeque<WatchEvent>,
    /// Whether there may be more than was looked for.
    looks: bool,
    /// The version that a client would resume from; none before the first event.
    sent: Option<u64>,
    heartbeat: std::time::Duration,
    silent_since: Instant,
    /// What changed before the server began to stop has been looked for.
    has_looked_last: bool,
    is_over: bool,
}

impl sse::Source for Watching {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.is_over {
                return None;
            }
            if !self.events.is_empty() {
                return Some(self.write_events());
            }
            if self.looks {
                if let Err(error) = self.look().await {
                    self.is_over = true;
                    return Some(sse::error(&error));
                }
            } else if self.sent.is_none() {
                // From the first moment on, a cut connection has a place to resume from.
                return Some(self.write_bookmark());
            } else if let Some(piece) = self.wait().await {
                return Some(piece);
            }
        }
    }
}

impl Watching {
    async fn look(&mut self) -> Result<(), ApiError> {
        // Registered before the query: a change after it wakes this watch again.
        let newest = *self.versions.borrow_and_update();
        let (events, version) = self.backend.watch_page(&self.by, &self.params, self.version).await?;
        self.looks = version > self.version && version < newest;
        self.version = self.version.max(version);
        self.events = events.into();
        Ok(())
    }

    /// Waits for a change; gives what is to be said meanwhile.
    async fn wait(&mut self) -> Option<Bytes> {
        if self.end.is_near() {
            self.is_over = self.has_looked_last;
            self.looks = !self.has_looked_last;
            self.has_looked_last = true;
            return self.is_over.then(|| self.write(&WatchEvent::Stopping { version: self.version }));
        }
        tokio::select! {
            changed = self.versions.changed() => {
                self.looks = changed.is_ok();
                if changed.is_err() {
                    self.end.near().await;
                }
                None
            }
            () = self.end.near() => None,
            () = sleep_until(self.silent_since + self.heartbeat) => Some(if self.sent < Some(self.version) {
                self.write_bookmark()
            } else {
                self.silent_since = Instant::now();
                sse::heartbeat()
            }),
        }
    }

    /// Writes as many events as belong into one piece.
    fn write_events(&mut self) -> Bytes {
        let mut out = Vec::new();
        while out.len() < WATCH_WRITE_BYTES
            && let Some(event) = self.events.pop_front()
        {
            write_event(&mut out, &event);
            self.sent = Some(event.version());
        }
        self.silent_since = Instant::now();
        out.into()
    }

    fn write_bookmark(&mut self) -> Bytes {
        self.write(&WatchEvent::Bookmark { version: self.version })
    }

    fn write(&mut self, event: &WatchEvent) -> Bytes {
        let mut out = Vec::new();
        write_event(&mut out, event);
        self.sent = Some(event.version());
        self.silent_since = Instant::now();
        out.into()
    }
}

fn write_event(out: &mut Vec<u8>, event: &WatchEvent) {
    let name = match event {
        WatchEvent::Change { .. } => "change",
        WatchEvent::Delete { .. } => "delete",
        WatchEvent::Bookmark { .. } => "bookmark",
        WatchEvent::Stopping { .. } => "stopping",
    };
    sse::write(out, Some(&event.version()), name, event);
}
