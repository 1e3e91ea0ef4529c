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

use super::channel::{Piece, Recent};
use super::feed::{self, Seat};
use super::refusal::Refusal;
use super::site::{End, Site};
use super::{Backend, query, sse};
use crate::engine::{lending::Lent, operation::By};

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
    let (viewer, version) = backend.watch_start(&by, params).await?;
    let seat = site.feed.open(viewer);
    Ok(sse::stream(Watching {
        _lent: backend.waits(&by),
        backend,
        moved: seat.channel.moved(),
        seat,
        version,
        end: site.end(),
        pieces: VecDeque::new(),
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
    seat: Seat,
    moved: Receiver<()>,
    /// Everything up to here has been sent or waits in `pieces`.
    version: u64,
    end: End,
    pieces: VecDeque<Piece>,
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
            if let Some(piece) = self.pieces.pop_front() {
                self.sent = Some(piece.last);
                self.silent_since = Instant::now();
                return Some(piece.text);
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
        // Registered before the look: what comes after it wakes this watch again.
        self.moved.borrow_and_update();
        // The feed may have ended before it saw the last changes.
        if !self.has_looked_last
            && let Recent::Known(pieces, version) = self.seat.channel.after(self.version)
        {
            self.looks = !pieces.is_empty();
            self.version = version;
            self.pieces = pieces.into();
            return Ok(());
        }
        let told = self.backend.watch_page(vec![Arc::clone(&self.seat.channel.viewer)], self.version).await?;
        self.looks = told.upto > self.version;
        self.version = told.upto;
        self.pieces =
            feed::joined(told.events.iter().map(|(_, event)| (event.version(), written(event)))).into();
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
            // A channel lasts as long as whoever watches.
            _ = self.moved.changed() => {
                self.looks = true;
                None
            }
            () = self.end.near() => None,
            () = sleep_until(self.silent_since + self.heartbeat) => self.break_silence(),
        }
    }

    /// A place to resume from where it has moved, else a sign of life.
    fn break_silence(&mut self) -> Option<Bytes> {
        if let Recent::Known(pieces, version) = self.seat.channel.after(self.version) {
            if !pieces.is_empty() {
                self.looks = true;
                return None;
            }
            self.version = version;
        }
        if self.sent < Some(self.version) {
            return Some(self.write_bookmark());
        }
        self.silent_since = Instant::now();
        Some(sse::heartbeat())
    }

    fn write_bookmark(&mut self) -> Bytes {
        self.write(&WatchEvent::Bookmark { version: self.version })
    }

    fn write(&mut self, event: &WatchEvent) -> Bytes {
        self.sent = Some(event.version());
        self.silent_since = Instant::now();
        written(event)
    }
}

/// An event as it is sent.
pub(super) fn written(event: &WatchEvent) -> Bytes {
    let name = match event {
        WatchEvent::Change { .. } => "change",
        WatchEvent::Delete { .. } => "delete",
        WatchEvent::Bookmark { .. } => "bookmark",
        WatchEvent::Stopping { .. } => "stopping",
    };
    let mut out = Vec::new();
    sse::write(&mut out, Some(&event.version()), name, event);
    out.into()
}
