//! The way to this server from inside its own process: calls only, without a socket.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use ktk_client::client::{BoxFuture, Error, Result, SseByteStream, Transport};

use super::{Caller, Router};

/// Carries calls to a router in the same process.
pub struct LocalTransport {
    router: Arc<Router>,
    caller: Caller,
}

impl LocalTransport {
    /// For whoever calls as `caller`.
    pub fn new(router: Arc<Router>, caller: Caller) -> Self {
        Self { router, caller }
    }
}

impl Transport for LocalTransport {
    fn address(&self) -> String {
        "this process".to_owned()
    }

    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(async move { Ok(self.router.handle(self.caller.clone(), &body).await.unwrap_or_default()) })
    }

    fn stream(
        &self,
        path_and_query: String,
        _last_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>> {
        let error = Error::Config(format!("{path_and_query} is not served inside the server's own process"));
        Box::pin(ready(Err(error)))
    }
}
