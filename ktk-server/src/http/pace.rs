//! How long a connection may be silent, by what it is in the middle of. What a request's body may take is not
//! decided here.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Timeouts;

/// What a connection is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has come yet.
    Fresh,
    /// The head of a request is coming.
    Head,
    /// A request is being answered.
    Busy,
    /// Between two requests.
    Idle,
}

/// The stage of one connection, known to its socket and to its requests.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    stage: Stage,
    /// Rises whenever the time begins anew.
    turn: u64,
    /// Who read while a request was being answered, and has to look again once it is.
    reader: Option<Waker>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { stage: Stage::Fresh, turn: 1, reader: None })))
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(super) fn begin(&self) -> Busy {
        self.update(|_| Some(Stage::Busy));
        Busy(self.clone())
    }

    fn update(&self, next: impl FnOnce(Stage) -> Option<Stage>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = next(state.stage) {
            state.stage = stage;
            state.turn += 1;
            if let Some(reader) = state.reader.take() {
                drop(state);
                reader.wake();
            }
        }
    }

    /// The stage and its turn; `reader` is woken when that changes.
    fn observe(&self, reader: &Waker) -> (Stage, u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stage == Stage::Busy {
            match &mut state.reader {
                Some(known) => known.clone_from(reader),
                unknown => *unknown = Some(reader.clone()),
            }
        }
        (state.stage, state.turn)
    }
}

/// Marks a connection as busy while it lives.
#[derive(Debug)]
pub(super) struct Busy(Pace);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.update(|_| Some(Stage::Idle));
    }
}

/// A stream whose reading fails once it was silent for longer than its stage allows.
pub(super) struct PacedStream<S> {
    stream: S,
    pace: Pace,
    timeouts: Timeouts,
    timer: Pin<Box<Sleep>>,
    /// The turn that the timer was set for.
    armed: u64,
}

impl<S> PacedStream<S> {
    pub(super) fn new(stream: S, pace: Pace, timeouts: Timeouts) -> Self {
        let timer = Box::pin(tokio::time::sleep(timeouts.head));
        Self { stream, pace, timeouts, timer, armed: 0 }
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stage, turn) = self.pace.observe(cx.waker());
        let limit = match stage {
            Stage::Fresh | Stage::Head => self.timeouts.head,
            Stage::Idle => self.timeouts.idle,
            Stage::Busy => return Poll::Pending,
        };
        if self.armed != turn {
            self.armed = turn;
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, format!("silent for too long ({stage:?})"))))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_silence(cx),
            read => {
                if buf.filled().len() > before {
                    self.pace
                        .update(|stage| matches!(stage, Stage::Fresh | Stage::Idle).then_some(Stage::Head));
                }
                read
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_written(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S> PacedStream<S> {
    /// The last of a long answer may still be on its way when its body is gone: a client that reads on is alive.
    fn note_written(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.pace.update(|stage| (stage == Stage::Idle).then_some(Stage::Idle));
        }
    }
}
