//! One request and its answer over one connection, which serves no other: nothing is kept, and nothing runs on.

use std::{convert::Infallible, future::poll_fn, pin::Pin};

use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    client::conn::http1,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use url::Url;

use super::{dial::Stream, error::HttpError};
use crate::limits;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whether the body was longer than what was asked for.
    pub is_cut: bool,
}

/// Sends a request and reads its answer, of whose body at most `limit` bytes.
pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    letter: Letter,
    limit: usize,
) -> Result<Answer, HttpError> {
    let broken = |error: hyper::Error| HttpError::unanswered("the answer broke off", &error);
    let mut builder = http1::Builder::new();
    builder.max_headers(limits::HEADER_COUNT).max_buf_size(limits::HEADER_BYTES);
    let (mut sender, connection) =
        builder.handshake::<_, String>(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async {
        let answer = sender.send_request(request(letter)?).await.map_err(broken)?;
        read(answer, limit).await
    };
    // The connection moves only while it is polled, and its end is the answer's to tell.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        answer = asked => answer,
        never = driven => match never {},
    }
}

fn request(letter: Letter) -> Result<Request<String>, HttpError> {
    let Letter { method, url, headers, body } = letter;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let wrong = |what: &str| HttpError::Refused(format!("the {what} cannot be sent as it is"));
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(body.unwrap_or_default())
        .map_err(|_| wrong("path of the URL"))?;
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(host).map_err(|_| wrong("host of the URL"))?;
    request.headers_mut().insert(hyper::header::HOST, host);
    Ok(request)
}

async fn read(answer: Response<Incoming>, limit: usize) -> Result<Answer, HttpError> {
    let (head, mut incoming) = answer.into_parts();
    let mut answer = Answer { status: head.status, headers: head.headers, body: Vec::new(), is_cut: false };
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        let frame = frame.map_err(|error| HttpError::unanswered("the answer broke off", &error))?;
        // Trailers mean nothing here.
        let Ok(data) = frame.into_data() else { continue };
        let room = limit - answer.body.len();
        answer.body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            answer.is_cut = true;
            break;
        }
    }
    Ok(answer)
}

/// A header field that was checked when its manifest was.
pub(super) fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HttpError> {
    let wrong = || HttpError::Refused(format!("the header field {name:?} cannot be sent as it is"));
    let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok((field, value))
}
