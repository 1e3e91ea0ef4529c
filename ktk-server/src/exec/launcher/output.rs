//! The server's end of an attempt's output. Most commands end before anybody has to wait for what they write: the
//! runtime is told of a pipe only when it is waited for.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;

/// A pipe to read from. It does not block.
#[derive(Debug)]
pub struct Output(State);

#[derive(Debug)]
enum State {
    Unwatched(OwnedFd),
    Watched(Receiver),
    /// The runtime could not watch it.
    Gone,
}

impl Output {
    /// For a descriptor that does not block.
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Output(State::Unwatched(pipe))
    }

    /// Reads what is there now; `WouldBlock` where that is nothing.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            State::Unwatched(pipe) => Ok(rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut *buffer))?),
            State::Watched(pipe) => pipe.try_read(buffer),
            State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits until there may be something to read, or the end.
    pub async fn readable(&mut self) -> io::Result<()> {
        self.watched()?.readable().await
    }

    fn watched(&mut self) -> io::Result<&mut Receiver> {
        if let State::Unwatched(_) = &self.0
            && let State::Unwatched(pipe) = std::mem::replace(&mut self.0, State::Gone)
        {
            self.0 = State::Watched(Receiver::from_owned_fd_unchecked(pipe)?);
        }
        match &mut self.0 {
            State::Watched(pipe) => Ok(pipe),
            State::Unwatched(_) | State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.watched() {
            Ok(pipe) => Pin::new(pipe).poll_read(cx, buffer),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}
