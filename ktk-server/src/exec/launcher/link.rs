//! The server's end of the socket: sends frames with their descriptors, whole and in order, without waiting; receives
//! bytes. What they mean is `protocol`'s part.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, sendmsg};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Link {
    socket: UnixStream,
    /// What the socket did not take at once. Its length is bounded by the spawns that are waited for.
    outbox: Mutex<VecDeque<Parcel>>,
    blocked: Notify,
}

#[derive(Debug)]
struct Parcel {
    bytes: Vec<u8>,
    sent: usize,
    /// They go with the first byte.
    descriptors: Vec<OwnedFd>,
}

const PIECE_BYTES: usize = 64 << 10;

impl Link {
    pub(super) fn new(socket: OwnedFd) -> io::Result<Link> {
        let socket = std::os::unix::net::UnixStream::from(socket);
        socket.set_nonblocking(true)?;
        let socket = UnixStream::from_std(socket)?;
        Ok(Link { socket, outbox: Mutex::default(), blocked: Notify::new() })
    }

    /// Sends `bytes`, or leaves the rest of them to `flush`. Whether the launcher may get any of them: where the
    /// socket is known to be broken, it does not.
    pub(super) fn send(&self, bytes: Vec<u8>, descriptors: Vec<OwnedFd>) -> bool {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.push_back(Parcel { bytes, sent: 0, descriptors });
        if outbox.len() > 1 {
            return true;
        }
        match self.send_now(&mut outbox) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked.notify_one();
                true
            }
            Err(_) => outbox.pop_front().is_some_and(|parcel| parcel.sent > 0),
        }
    }

    /// Sends what could not be sent at once, until the socket breaks. Not to be dropped and called again: what it
    /// was told to send would wait.
    pub(super) async fn flush(&self) -> io::Error {
        loop {
            self.blocked.notified().await;
            let send = || self.send_now(&mut self.outbox.lock().unwrap_or_else(PoisonError::into_inner));
            if let Err(error) = self.socket.async_io(Interest::WRITABLE, send).await {
                return error;
            }
        }
    }

    fn send_now(&self, outbox: &mut VecDeque<Parcel>) -> io::Result<()> {
        while let Some(parcel) = outbox.front_mut() {
            while parcel.sent < parcel.bytes.len() {
                let descriptors: Vec<_> = parcel.descriptors.iter().map(AsFd::as_fd).collect();
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                if !descriptors.is_empty() {
                    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
                }
                let rest = [IoSlice::new(&parcel.bytes[parcel.sent..])];
                match sendmsg(&self.socket, &rest, &mut ancillary, SendFlags::NOSIGNAL) {
                    Ok(length) => {
                        parcel.sent += length;
                        parcel.descriptors.clear();
                    }
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            outbox.pop_front();
        }
        Ok(())
    }

    /// Appends what has come to `inbox`; `Ok(0)` when the launcher has closed.
    pub(super) async fn receive(&self, inbox: &mut Vec<u8>) -> io::Result<usize> {
        inbox.reserve(PIECE_BYTES);
        loop {
            self.socket.readable().await?;
            match self.socket.try_read_buf(inbox) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    /// Tells the launcher that nothing more will come: it ends everything, then itself.
    pub(super) fn close(&self) {
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Write);
    }
}
