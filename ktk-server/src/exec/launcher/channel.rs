//! The launcher's end of the socket: bytes and descriptors in, bytes out, never blocking. What they mean is
//! `protocol`'s part.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};

/// A request is rarely longer; one that is comes in pieces.
const PIECE_BYTES: usize = 64 << 10;

pub(super) struct Channel {
    socket: OwnedFd,
    piece: Box<[u8]>,
    /// Received and not yet taken.
    pub(super) inbox: Vec<u8>,
    pub(super) descriptors: VecDeque<OwnedFd>,
    /// To be sent.
    pub(super) outbox: Vec<u8>,
}

impl Channel {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Channel {
            socket,
            piece: vec![0; PIECE_BYTES].into(),
            inbox: Vec::new(),
            descriptors: VecDeque::new(),
            outbox: Vec::new(),
        }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes in what is there; false when the other side has closed.
    pub(super) fn receive(&mut self) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut slices = [IoSliceMut::new(&mut self.piece)];
        let message = match recvmsg(&self.socket, &mut slices, &mut ancillary, flags) {
            Err(Errno::AGAIN | Errno::INTR) => return Ok(true),
            result => result?,
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                self.descriptors.extend(received);
            }
        }
        if message.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other("descriptors were lost on their way to the launcher"));
        }
        self.inbox.extend_from_slice(&self.piece[..message.bytes]);
        Ok(message.bytes > 0)
    }

    /// Sends what the socket takes now.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.outbox.len() {
            match send(&self.socket, &self.outbox[sent..], SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(length) => sent += length,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.outbox.drain(..sent);
        Ok(())
    }
}
