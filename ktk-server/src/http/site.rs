//! What all connections of a server share.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use super::rate::Rates;
use super::{Backend, Identity, Lifecycle, Rate};
use crate::limits;

const VERSION: HeaderName = HeaderName::from_static("ktk-version");
const BUILD: HeaderName = HeaderName::from_static("ktk-build");
const AUTO_STARTED: HeaderName = HeaderName::from_static("ktk-auto-started");
const STOPPING: HeaderName = HeaderName::from_static("ktk-stopping");
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// How a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The most connections over the socket at once; the next ones wait.
    pub connections: usize,
    /// The same over the network: they take no room from the socket's.
    pub net_connections: usize,
    /// How often one token may ask over the network.
    pub callers: Rate,
    /// How often one address may ask over the network without a token that holds.
    pub strangers: Rate,
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
            net_connections: limits::NET_CONNECTIONS,
            callers: Rate { per_second: limits::REQUESTS_PER_SECOND, burst: limits::REQUESTS_AT_ONCE },
            strangers: Rate { per_second: limits::STRANGERS_PER_SECOND, burst: limits::STRANGERS_AT_ONCE },
            timeouts: Timeouts::default(),
        }
    }
}

/// What a connection may take its time for.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the first byte, and then until a request's headers are whole.
    pub head: Duration,
    /// Between two pieces of a body.
    pub body: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Until a silent stream says that it is still there.
    pub heartbeat: Duration,
    /// Until running requests are cut off when the server closes.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: limits::HEADER_TIMEOUT,
            body: limits::BODY_TIMEOUT,
            idle: limits::IDLE_TIMEOUT,
            heartbeat: limits::HEARTBEAT,
            close: limits::CLOSE_GRACE,
        }
    }
}

/// What all connections of a server share.
pub(super) struct Site {
    pub(super) backend: Arc<dyn Backend>,
    /// Changes, for all who watch.
    pub(super) feed: Arc<Feed>,
    pub(super) timeouts: Timeouts,
    pub(super) rates: Rates,
    pub(super) callers: Rate,
    pub(super) strangers: Rate,
    /// Cancelled when the socket is closed.
    pub(super) closing: CancellationToken,
    lifecycle: watch::Receiver<Lifecycle>,
    signature: [(HeaderName, HeaderValue); 4],
}

impl Site {
    pub(super) fn new(backend: Arc<dyn Backend>, config: &Config) -> Self {
        let Config { timeouts, callers, strangers, .. } = *config;
        let Identity { version, build, is_auto_started } = backend.identity();
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"));
        let signature = [
            (VERSION, value(version)),
            (BUILD, value(build)),
            (AUTO_STARTED, HeaderValue::from_static(if *is_auto_started { "true" } else { "false" })),
            (CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        let lifecycle = backend.lifecycle();
        let (rates, closing, feed) = (Rates::default(), CancellationToken::new(), Arc::default());
        Self { backend, feed, timeouts, rates, callers, strangers, closing, lifecycle, signature }
    }

    /// Says with an answer who gave it, and whether it is about to go.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        headers.extend(self.signature.iter().cloned());
        if self.end().is_near() {
            headers.insert(STOPPING, HeaderValue::from_static("true"));
        }
    }

    /// What tells a stream that the server is about to go.
    pub(super) fn end(&self) -> End {
        End { lifecycle: self.lifecycle.clone(), closing: self.closing.clone() }
    }
}

/// The end of a server, for those who wait for something else.
pub(super) struct End {
    lifecycle: watch::Receiver<Lifecycle>,
    closing: CancellationToken,
}

impl End {
    pub(super) fn is_near(&self) -> bool {
        let is_running =
            *self.lifecycle.borrow() == Lifecycle::Running && self.lifecycle.has_changed().is_ok();
        !is_running || self.closing.is_cancelled()
    }

    /// Waits until the server is about to go.
    pub(super) async fn near(&mut self) {
        tokio::select! {
            // An engine that has gone without a word is gone as well.
            _ = self.lifecycle.wait_for(|lifecycle| *lifecycle != Lifecycle::Running) => {}
            () = self.closing.cancelled() => {}
        }
    }
}
