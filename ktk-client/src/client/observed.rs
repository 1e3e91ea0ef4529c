//! A way to a server that tells of everything it carries.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{BoxFuture, Error, Result, Revival, SseByteStream, Transport, clock};
use crate::api::Secret;

/// A request and what came of it, as it went over the wire: without the headers, so without any token.
///
/// ```
/// use ktk_client::client::Exchange;
/// fn line(exchange: &Exchange<'_>) -> String {
///     format!("{} bytes to {} in {:?}", exchange.request.len(), exchange.address, exchange.took)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// Where the server is, as [`Transport::address`] says it.
    pub address: &'a str,
    /// Path and query of a stream; `/rpc` of calls.
    pub path: &'a str,
    /// The JSON-RPC body; nothing of a stream.
    pub request: &'a [u8],
    /// The answer's body; nothing of a stream, which has only begun.
    pub answer: std::result::Result<&'a [u8], &'a Error>,
    /// From the request to its answer, or to the beginning of the stream.
    pub took: Duration,
}

/// What is told of each request.
///
/// ```
/// use std::sync::Arc;
/// use ktk_client::client::ExchangeHook;
/// let hook: ExchangeHook = Arc::new(|exchange| eprintln!("{:?}", exchange.took));
/// # drop(hook);
/// ```
pub type ExchangeHook = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// Carries through another one, and tells.
pub(super) struct Observed {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) on_exchange: ExchangeHook,
}

impl Transport for Observed {
    fn address(&self) -> String {
        self.inner.address()
    }

    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(async move {
            let since = clock::Instant::now();
            let answer = self.inner.call(body.clone()).await;
            (self.on_exchange)(&Exchange {
                address: &self.address(),
                path: "/rpc",
                request: &body,
                answer: answer.as_deref(),
                took: since.elapsed(),
            });
            answer
        })
    }

    fn stream(
        &self,
        path_and_query: String,
        last_event_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>> {
        Box::pin(async move {
            let since = clock::Instant::now();
            let stream = self.inner.stream(path_and_query.clone(), last_event_id).await;
            (self.on_exchange)(&Exchange {
                address: &self.address(),
                path: &path_and_query,
                request: &[],
                answer: stream.as_ref().map(|_| &[][..]),
                took: since.elapsed(),
            });
            stream
        })
    }

    fn revive(&self, why: Revival) -> BoxFuture<'_, Result<bool>> {
        self.inner.revive(why)
    }

    fn with_token(&self, token: &Secret) -> Option<Arc<dyn Transport>> {
        let inner = self.inner.with_token(token)?;
        Some(Arc::new(Self { inner, on_exchange: Arc::clone(&self.on_exchange) }))
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }
}
