//! The server's end of an attempt's output. Most commands end before anybody has to wait for what they write: the
//! runtime is told of a pipe only when it is waited for.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
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

    /// Reads what is there as far as the runtime knows; `WouldBlock` where that is nothing. For whoever waits
    /// for more: what has come in since the runtime looked is told by [`Output::readable`].
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            State::Unwatched(_) => self.read_rest(buffer),
            State::Watched(pipe) => pipe.try_read(buffer),
            State::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Reads what is there, whatever the runtime knows of it; `WouldBlock` where that is nothing. For whoever
    /// waits for nothing more: the end of a process may be heard of before its last words.
    pub fn read_rest(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let pipe = match &self.0 {
            State::Unwatched(pipe) => pipe.as_fd(),
            State::Watched(pipe) => pipe.as_fd(),
            State::Gone => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut *buffer))?)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn last_words_are_read_before_the_runtime_knows_of_them() {
        let flags = rustix::pipe::PipeFlags::NONBLOCK;
        let (reader, writer) = rustix::pipe::pipe_with(flags).unwrap();
        let mut output = Output::new(reader);
        assert!(output.readable().now_or_never().is_none(), "the runtime watches it, and nothing has come");
        std::fs::File::from(writer).write_all(b"alarm").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(output.read_rest(&mut buffer).unwrap(), 5);
        assert_eq!(output.read_rest(&mut buffer).unwrap(), 0, "the end");
    }
}
