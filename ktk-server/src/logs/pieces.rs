//! Cuts entries into the pieces that are stored. It knows sizes only, not where a piece goes.

use super::Entry;
use crate::limits::LOG_FRAME_BYTES;
use bytes::Bytes;

/// The entries of one append that are still to be written.
pub(super) struct Pieces<'a> {
    rest: std::slice::Iter<'a, Entry>,
    current: Option<Entry>,
}

impl<'a> Pieces<'a> {
    /// All but the first `held` bytes.
    pub(super) fn after(entries: &'a [Entry], mut held: u64) -> Self {
        let mut pieces = Self { rest: entries.iter(), current: None };
        while held > 0 {
            let Some(piece) = pieces.next(held) else { break };
            held -= piece.bytes.len() as u64;
        }
        pieces
    }

    /// The next piece of at most `room` bytes, never an empty one.
    pub(super) fn next(&mut self, room: u64) -> Option<Entry> {
        let mut entry = self.current.take().or_else(|| self.rest.find(|e| !e.bytes.is_empty()).cloned())?;
        let size = LOG_FRAME_BYTES.min(usize::try_from(room).unwrap_or(usize::MAX));
        if size == 0 {
            self.current = Some(entry);
            return None;
        }
        let bytes: Bytes = entry.bytes.split_to(size.min(entry.bytes.len()));
        let piece = Entry { bytes, ..entry };
        if !entry.bytes.is_empty() {
            self.current = Some(entry);
        }
        Some(piece)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.current.is_none() && self.rest.as_slice().iter().all(|e| e.bytes.is_empty())
    }
}

pub(super) fn byte_count(entries: &[Entry]) -> u64 {
    entries.iter().map(|e| e.bytes.len() as u64).sum()
}
