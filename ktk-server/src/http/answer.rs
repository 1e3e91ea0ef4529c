//! Answers: their bodies and the headers that go with each kind of content.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use hyper::body::{Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::pace::Busy;

/// The body of an answer. The next part of a stream is made when the one before has been taken.
pub(super) struct Body {
    content: Content,
    /// The connection counts as busy until the body is gone.
    _busy: Option<Busy>,
}

enum Content {
    Whole(Option<Bytes>),
    Stream(BoxStream<'static, Bytes>),
}

impl Body {
    /// Keeps the connection busy for as long as the body lives.
    pub(super) fn keep(&mut self, busy: Busy) {
        self._busy = Some(busy);
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.content {
            Content::Whole(bytes) => bytes.take(),
            Content::Stream(stream) => ready!(stream.as_mut().poll_next(cx)),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

fn response(status: StatusCode, content: Content, content_type: Option<&'static str>) -> Response<Body> {
    let mut response = Response::new(Body { content, _busy: None });
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    response(status, Content::Whole(Some(body)), Some("application/json"))
}

pub(super) fn text(text: &'static str) -> Response<Body> {
    let body = Bytes::from_static(text.as_bytes());
    response(StatusCode::OK, Content::Whole(Some(body)), Some("text/plain; charset=utf-8"))
}

/// The asker has it already.
pub(super) fn unchanged() -> Response<Body> {
    response(StatusCode::NOT_MODIFIED, Content::Whole(None), None)
}

pub(super) fn nothing() -> Response<Body> {
    response(StatusCode::NO_CONTENT, Content::Whole(None), None)
}

pub(super) fn stream(stream: BoxStream<'static, Bytes>) -> Response<Body> {
    let mut response = response(StatusCode::OK, Content::Stream(stream), Some("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
