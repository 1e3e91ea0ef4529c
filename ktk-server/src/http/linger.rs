//! The end of a connection whose last request was refused before all of it was read: what is still being sent is read
//! for a moment. A stream that is closed before it is read takes the answer with it, and many clients read only once
//! they have sent everything.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::limits::{LINGER, LINGER_BYTES, UNWANTED_PIECE};

/// Set when a request was refused and a part of it may be unread.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A stream that, when it is shut down, reads on for a moment.
pub(super) struct LingeringStream<S> {
    stream: S,
    unread: Unread,
    linger: Option<Linger>,
}

struct Linger {
    end: Pin<Box<Sleep>>,
    left: usize,
    piece: Box<[u8]>,
}

impl<S> LingeringStream<S> {
    pub(super) fn new(stream: S, unread: Unread) -> Self {
        Self { stream, unread, linger: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> LingeringStream<S> {
    /// Ready once the other side has nothing more to send, or has sent for too long to want to know.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Linger {
            end: Box::pin(tokio::time::sleep(LINGER)),
            left: LINGER_BYTES,
            piece: vec![0; UNWANTED_PIECE].into(),
        });
        while linger.end.as_mut().poll(cx).is_pending() {
            let mut piece = ReadBuf::new(&mut linger.piece);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece)) {
                Ok(()) if !piece.filled().is_empty() && linger.left > piece.filled().len() => {
                    linger.left -= piece.filled().len();
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LingeringStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // From here on the other side knows that the answer is whole.
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.unread.0.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
