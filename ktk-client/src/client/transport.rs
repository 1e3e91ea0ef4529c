//! The way to a server: carries calls and streams, knows nothing of what they mean.

use std::{future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;

use super::Result;
use crate::api::Secret;

/// A boxed future, as trait objects need it.
///
/// ```
/// use ktk_client::client::BoxFuture;
/// let answer: BoxFuture<'static, u32> = Box::pin(async { 42 });
/// # drop(answer);
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The bytes of a stream of Server-Sent Events, cut anywhere.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::stream;
/// use ktk_client::client::SseByteStream;
/// let canned: SseByteStream = Box::pin(stream::iter([Ok(Bytes::from_static(b"event: bookmark\n\n"))]));
/// # drop(canned);
/// ```
pub type SseByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Why a server is to be made to answer again.
///
/// ```
/// use ktk_client::client::Revival;
/// // A server that was stopped is started again for a new call only.
/// fn starts_what_was_stopped(why: Revival) -> bool {
///     why == Revival::Call
/// }
/// assert!(!starts_what_was_stopped(Revival::Resume));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revival {
    /// A new call reached nobody: start the server if there is none.
    Call,
    /// Something that follows lost its server: start it only if it crashed. One that was
    /// stopped is not started again for that.
    Resume,
}

/// The way to a server. [`Client::builder`](super::Client::builder) makes one over a unix
/// socket; a server in the same process can be reached through one of its own.
///
/// ```
/// use bytes::Bytes;
/// use ktk_client::client::{BoxFuture, Result, SseByteStream, Transport};
/// /// Counts what goes through another one.
/// struct Counted<T>(T, std::sync::atomic::AtomicU64);
/// impl<T: Transport> Transport for Counted<T> {
///     fn address(&self) -> String {
///         self.0.address()
///     }
///     fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
///         self.1.fetch_add(body.len() as u64, std::sync::atomic::Ordering::Relaxed);
///         self.0.call(body)
///     }
///     fn stream(&self, path_and_query: String, last: Option<String>) -> BoxFuture<'_, Result<SseByteStream>> {
///         self.0.stream(path_and_query, last)
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Where the server is, for messages.
    fn address(&self) -> String;

    /// Carries a JSON-RPC body (one call or a batch) and brings its answer. There is no time
    /// limit here; dropping the future gives the call up.
    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>>;

    /// Opens a stream: `GET path_and_query`, with `Last-Event-ID` where there is one.
    fn stream(
        &self,
        path_and_query: String,
        last_event_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>>;

    /// Makes a server answer again where this transport can; says whether another try makes
    /// sense. [`Error::ServerStopping`](super::Error::ServerStopping) where what follows lost a
    /// server that was stopped.
    fn revive(&self, why: Revival) -> BoxFuture<'_, Result<bool>> {
        let _ = why;
        Box::pin(std::future::ready(Ok(false)))
    }

    /// The same way, for whoever has this token; nothing where it knows no tokens.
    fn with_token(&self, token: &Secret) -> Option<Arc<dyn Transport>> {
        let _ = token;
        None
    }

    /// Whether the server is on this machine and of this user: it is told the caller's
    /// environment.
    fn is_local(&self) -> bool {
        false
    }
}
