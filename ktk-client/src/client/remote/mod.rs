//! A server in the network: HTTP over TCP, with TLS to other machines. It starts nothing, and holds connections open
//! for the next call.

mod address;
mod dial;
mod document;
mod line;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::stream;
use hyper::{
    Request, StatusCode,
    body::Incoming,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};

pub use self::{address::NetAddress, document::read_document};
use self::{
    dial::Dialer,
    line::{Line, Piece},
};
use super::{
    BoxFuture, Error, Result, SseByteStream, Transport,
    http::{is_rpc, refusal},
};
use crate::{
    api::{ApiError, ErrorReason, Secret},
    limits,
};

/// The way to a server in the network.
pub(super) struct RemoteTransport {
    dialer: Arc<Dialer>,
    token: Option<Secret>,
    idle: Mutex<Vec<Line>>,
}

impl RemoteTransport {
    /// `authority` is a file with the certificates that are trusted; this machine's authorities when absent.
    pub(super) fn new(address: NetAddress, authority: Option<PathBuf>, token: Option<Secret>) -> Self {
        Self { dialer: Arc::new(Dialer::new(address, authority)), token, idle: Mutex::default() }
    }

    fn request(&self, path: &str, body: Option<Bytes>) -> Result<Request<Piece>> {
        let wrong = |what: &str| Error::Config(format!("{what} cannot be sent as it is"));
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request::builder().method(method).uri(path).body(Piece(body));
        let mut request = request.map_err(|_| wrong("the query"))?;
        let headers = request.headers_mut();
        let host = HeaderValue::from_str(&self.dialer.address.authority()).map_err(|_| wrong("the host"))?;
        headers.insert(HOST, host);
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {}", token.expose());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| wrong("the token"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(request)
    }

    /// A connection on which nothing is waited for.
    async fn line(&self) -> Result<Line> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut line) = idle else { break };
            // One that the server has closed meanwhile is seen now.
            if line.is_ready().await {
                return Ok(line);
            }
        }
        let stream = self.dialer.dial().await?;
        Line::over(stream).await.map_err(|error| self.lost(error))
    }

    fn lost(&self, error: hyper::Error) -> Error {
        Error::Disconnected { address: self.dialer.address.to_string(), source: error.into() }
    }

    async fn ask(&self, request: Request<Piece>) -> Result<(StatusCode, Line, Incoming)> {
        let mut line = self.line().await?;
        let answer = line.send(request).await.map_err(|error| self.lost(error))?;
        let (head, body) = answer.into_parts();
        Ok((head.status, line, body))
    }

    async fn whole(&self, mut line: Line, body: Incoming) -> Result<Bytes> {
        let read = line.read(body, limits::ANSWER_BYTES).await.map_err(|error| self.lost(error))?;
        let too_long = || Error::Protocol(format!("an answer over {} MiB", limits::ANSWER_BYTES >> 20));
        let read = read.ok_or_else(too_long)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < limits::IDLE_CONNECTIONS {
            idle.push(line);
        }
        Ok(read)
    }

    async fn post(&self, body: Bytes) -> Result<Bytes> {
        if body.len() > limits::REQUEST_BYTES {
            let words = format!("a request has at most {} MiB", limits::REQUEST_BYTES >> 20);
            return Err(ApiError::new(ErrorReason::TooLarge, words).into());
        }
        let mut request = self.request("/rpc", Some(body))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (status, line, body) = self.ask(request).await?;
        let body = self.whole(line, body).await?;
        let is_json = body.first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        if status.is_success() || is_json && is_rpc(&body) { Ok(body) } else { Err(refusal(status, &body)) }
    }

    async fn open(&self, path_and_query: &str, last_id: Option<&str>) -> Result<SseByteStream> {
        let mut request = self.request(path_and_query, None)?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = last_id {
            let wrong = |_| Error::Config("the last event's id cannot be sent as it is".to_owned());
            headers.insert("last-event-id", HeaderValue::from_str(id).map_err(wrong)?);
        }
        let (status, line, body) = self.ask(request).await?;
        if !status.is_success() {
            return Err(refusal(status, &self.whole(line, body).await?));
        }
        let address = self.dialer.address.to_string();
        Ok(Box::pin(stream::unfold((line, body, address), |(mut line, mut body, address)| async move {
            let piece = line.piece(&mut body).await?;
            let lost =
                |error: hyper::Error| Error::Disconnected { address: address.clone(), source: error.into() };
            Some((piece.map_err(lost), (line, body, address)))
        })))
    }
}

impl Transport for RemoteTransport {
    fn address(&self) -> String {
        self.dialer.address.to_string()
    }

    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(self.post(body))
    }

    fn stream(
        &self,
        path_and_query: String,
        last_event_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>> {
        Box::pin(async move { self.open(&path_and_query, last_event_id.as_deref()).await })
    }

    fn with_token(&self, token: &Secret) -> Option<Arc<dyn Transport>> {
        let dialer = Arc::clone(&self.dialer);
        Some(Arc::new(Self { dialer, token: Some(token.clone()), idle: Mutex::default() }))
    }
}
