//! What a server and its worker say to each other: frames of JSON, each behind its length.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Fault, Item, Problem, Scope};

/// The longest frame.
pub(super) const FRAME_BYTES: usize = 48 << 20;

/// What the server asks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Is this text a filter?
    Check(String),
    /// What the next calls are given.
    Enter(Scope),
    /// Call a filter.
    Call { filter: String, item: Option<Item>, values: usize, bytes: usize },
}

/// What the worker answers, one for each request, and one to begin with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// It has begun.
    Ready,
    /// What is wrong with the text.
    Checked(Option<Problem>),
    /// The scope is there, or why not.
    Entered(Result<(), Fault>),
    /// What a call yielded.
    Called(Result<Vec<Box<RawValue>>, Fault>),
}

/// A message as it goes over the wire.
pub(super) fn frame<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    if length > FRAME_BYTES {
        let words = format!("{length} bytes are more than the {FRAME_BYTES} that are allowed");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(bytes)
}

/// The length of the frame that begins with these bytes.
pub(super) fn length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    Ok(length)
}

/// The message in a frame.
pub(super) fn message<M: DeserializeOwned>(frame: &[u8]) -> io::Result<M> {
    serde_json::from_slice(frame).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads the next message; `None` at the end.
pub(super) fn read<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<M>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let mut bytes = vec![0; length(head)?];
    from.read_exact(&mut bytes)?;
    message(&bytes).map(Some)
}

/// Writes a message.
pub(super) fn write<M: Serialize>(to: &mut impl Write, message: &M) -> io::Result<()> {
    to.write_all(&frame(message)?)
}
