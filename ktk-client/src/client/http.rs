//! HTTP over a unix socket: one request, one answer, or a stream. Starts and repeats nothing.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::{StatusCode, header::HeaderMap};

use super::{Error, Result, SseByteStream, io_error_in};
use crate::{
    api::{ApiError, ErrorReason, Secret, age},
    limits,
};

/// Carries the server's version in each answer.
pub(crate) const VERSION_HEADER: &str = "ktk-version";
/// Carries the server's build: text that sorts by age.
pub(crate) const BUILD_HEADER: &str = "ktk-build";
/// `true` where the server was started by itself.
pub(crate) const AUTO_STARTED_HEADER: &str = "ktk-auto-started";
/// `true` while the server is being stopped.
pub(crate) const STOPPING_HEADER: &str = "ktk-stopping";

/// A server behind a socket.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    address: String,
    /// Sent with each request, where there is one.
    token: Option<Secret>,
}

/// The answer to a call.
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    pub(crate) is_stopping: bool,
    /// Nothing was carried out: the server is older than the caller wants it to be.
    pub(crate) is_too_old: bool,
}

/// What a server says of itself with each answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) version: String,
    pub(crate) build: String,
    pub(crate) is_auto_started: bool,
    pub(crate) is_stopping: bool,
}

impl Greeting {
    /// The version and the build.
    pub(crate) fn build(&self) -> (&str, &str) {
        (&self.version, &self.build)
    }
}

impl Http {
    /// The server that listens on a socket. Nothing is connected yet.
    pub(crate) fn unix(path: &Path) -> Result<Self> {
        let client = reqwest::Client::builder()
            .unix_socket(path)
            .no_proxy()
            .connect_timeout(limits::CONNECT_TIMEOUT)
            // The end of an idle connection is seen at once; a timer would only wake an idle
            // program up.
            .pool_idle_timeout(None)
            .build()
            .map_err(|error| Error::Config(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { client, address: format!("unix://{}", path.display()), token: None })
    }

    /// The same server, by whoever has this token.
    pub(crate) fn with_token(&self, token: Option<Secret>) -> Self {
        Self { token, ..self.clone() }
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// One JSON-RPC body and its answer; a server that is older than this version and build carries nothing out.
    pub(crate) async fn post(&self, body: Bytes, not_older_than: Option<(&str, &str)>) -> Result<Answer> {
        if body.len() > limits::REQUEST_BYTES {
            // The server would refuse it unread, and its answer could be lost while this is still being sent.
            let words = format!("a request has at most {} MiB", limits::REQUEST_BYTES >> 20);
            return Err(ApiError::new(ErrorReason::TooLarge, words).into());
        }
        let mut request =
            self.client.post("http://localhost/rpc").header("content-type", "application/json").body(body);
        if let Some(build) = not_older_than {
            request = request.header(age::NOT_OLDER_HEADER, age::header_value(build));
        }
        let response = self.signed(request).send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        let is_stopping = is_true(response.headers(), STOPPING_HEADER);
        let body = self.read(response).await?;
        if status == StatusCode::PRECONDITION_FAILED && not_older_than.is_some() {
            return Ok(Answer { body, is_stopping, is_too_old: true });
        }
        let is_json = body.first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        let is_answer = status.is_success() || is_json && is_rpc(&body);
        if !is_answer {
            return Err(refusal(status, &body));
        }
        Ok(Answer { body, is_stopping, is_too_old: false })
    }

    /// Opens a stream of Server-Sent Events.
    pub(crate) async fn open(&self, path_and_query: &str, last_id: Option<&str>) -> Result<SseByteStream> {
        let mut request = self
            .client
            .get(format!("http://localhost{path_and_query}"))
            .header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = self.signed(request).send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refusal(status, &self.read(response).await?));
        }
        let address = self.address.clone();
        Ok(Box::pin(
            response.bytes_stream().map(move |chunk| chunk.map_err(|error| cut_off(&address, error))),
        ))
    }

    /// Who is there.
    pub(crate) async fn greet(&self) -> Result<Greeting> {
        let request = self.client.get("http://localhost/healthz").timeout(limits::CONNECT_TIMEOUT);
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let headers = response.headers();
        let greeting = Greeting {
            version: text(headers, VERSION_HEADER),
            build: text(headers, BUILD_HEADER),
            is_auto_started: is_true(headers, AUTO_STARTED_HEADER),
            is_stopping: is_true(headers, STOPPING_HEADER),
        };
        // Read to its end, so that the connection serves the next call.
        self.read(response).await?;
        Ok(greeting)
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| cut_off(&self.address, error))? {
            if body.len() + chunk.len() > limits::ANSWER_BYTES {
                return Err(Error::Protocol(format!("an answer over {} MiB", limits::ANSWER_BYTES >> 20)));
            }
            if body.is_empty() {
                body = BytesMut::from(chunk);
            } else {
                body.extend_from_slice(&chunk);
            }
        }
        Ok(body.freeze())
    }

    /// What a failed request was: nobody there, or gone in between.
    fn lost(&self, error: reqwest::Error) -> Error {
        if error.is_connect() {
            Error::Unreachable { address: self.address.clone(), source: bottom(error) }
        } else {
            cut_off(&self.address, error)
        }
    }
}

fn cut_off(address: &str, error: reqwest::Error) -> Error {
    Error::Disconnected { address: address.to_owned(), source: bottom(error) }
}

/// The I/O error that HTTP wraps: it says all that matters, in a few words.
fn bottom(error: reqwest::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match io_error_in(&error) {
        Some(io) => match io.raw_os_error() {
            Some(code) => std::io::Error::from_raw_os_error(code).into(),
            None => std::io::Error::new(io.kind(), io.to_string()).into(),
        },
        None => error.without_url().into(),
    }
}

pub(super) fn is_rpc(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Frame {
        jsonrpc: String,
    }
    body.first() == Some(&b'[') || serde_json::from_slice::<Frame>(body).is_ok_and(|f| f.jsonrpc == "2.0")
}

/// The refusal in an answer that is no JSON-RPC: an [`ApiError`], or what the status says.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Error {
    if let Ok(error) = serde_json::from_slice::<ApiError>(body) {
        return error.into();
    }
    let reason = match status.as_u16() {
        401 => ErrorReason::Unauthorized,
        403 => ErrorReason::Forbidden,
        404 => ErrorReason::NotFound,
        408 | 504 => ErrorReason::Timeout,
        410 => ErrorReason::Expired,
        413 | 431 => ErrorReason::TooLarge,
        429 | 503 => ErrorReason::Unavailable,
        _ => return Error::Protocol(format!("HTTP {status}")),
    };
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    let text = text.trim();
    let message = if text.is_empty() { format!("HTTP {status}") } else { text.to_owned() };
    ApiError::new(reason, message).into()
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn is_true(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes() == b"true")
}
