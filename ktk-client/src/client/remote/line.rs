//! One connection: a request at a time. It moves while somebody waits for it, and needs no task of its own.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;

use super::dial::Stream;

/// What is sent: nothing, or one piece.
pub(super) struct Piece(pub(super) Option<Bytes>);

impl Body for Piece {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One connection.
pub(super) struct Line {
    sender: SendRequest<Piece>,
    /// What moves the connection; nothing once it has ended.
    driver: Option<Driver>,
}

impl Line {
    pub(super) async fn over(stream: Box<dyn Stream>) -> hyper::Result<Self> {
        let (sender, connection) = http1::Builder::new().handshake(TokioIo::new(stream)).await?;
        let driver: Driver = Box::pin(async {
            // How it ended is told to whoever waits for an answer.
            let _ = connection.await;
        });
        Ok(Self { sender, driver: Some(driver) })
    }

    /// Whether another request can be sent.
    pub(super) async fn is_ready(&mut self) -> bool {
        let Self { sender, driver } = self;
        drive(driver, sender.ready()).await.is_ok()
    }

    pub(super) async fn send(&mut self, request: Request<Piece>) -> hyper::Result<Response<Incoming>> {
        let Self { sender, driver } = self;
        drive(driver, sender.send_request(request)).await
    }

    /// The next piece of an answer; nothing at its end.
    pub(super) async fn piece(&mut self, body: &mut Incoming) -> Option<hyper::Result<Bytes>> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
            match drive(&mut self.driver, frame).await? {
                // Trailers mean nothing here.
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// An answer as a whole; nothing where it is longer than `limit`.
    pub(super) async fn read(&mut self, mut body: Incoming, limit: usize) -> hyper::Result<Option<Bytes>> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece(&mut body).await {
            let piece = piece?;
            if whole.len() + piece.len() > limit {
                return Ok(None);
            }
            if whole.is_empty() {
                whole = BytesMut::from(piece);
            } else {
                whole.extend_from_slice(&piece);
            }
        }
        Ok(Some(whole.freeze()))
    }
}

/// Moves the connection until some work on it is done.
async fn drive<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
            *driver = None;
        }
        work.as_mut().poll(cx)
    })
    .await
}
