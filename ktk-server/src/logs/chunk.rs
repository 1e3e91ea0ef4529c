//! What of a log readers may see, and how a chunk is filled. Where the bytes come from is the store's matter.

use super::{Chunk, Cursor, Entry};
use crate::limits::{LOG_HEAD_BYTES, LOG_READ_BYTES, LOG_TAIL_BYTES};

/// The first offset from `offset` on that a log ending at `end` still shows.
///
/// Stores may hold more, since they drop whole segments: the rule is the same for all of them.
pub(super) fn first_kept(offset: u64, end: u64) -> u64 {
    if offset < LOG_HEAD_BYTES { offset } else { offset.max(end.saturating_sub(LOG_TAIL_BYTES)) }
}

/// A chunk that is being filled, in order.
pub(super) struct ChunkBuilder {
    offset: u64,
    room: usize,
    dropped: u64,
    entries: Vec<Entry>,
}

impl ChunkBuilder {
    pub(super) fn new(from: u64, max_bytes: usize) -> Self {
        Self { offset: from, room: max_bytes.clamp(1, LOG_READ_BYTES), dropped: 0, entries: Vec::new() }
    }

    /// The offset of the byte that is wanted next.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Leaves out everything before `offset`; false when entries were taken already, and the chunk ends here.
    pub(super) fn drop_before(&mut self, offset: u64) -> bool {
        if offset > self.offset {
            if !self.entries.is_empty() {
                return false;
            }
            self.dropped += offset - self.offset;
            self.offset = offset;
        }
        true
    }

    /// Takes what fits of a stored entry that begins at `start` and holds the wanted byte; false when full.
    pub(super) fn push(&mut self, start: u64, mut entry: Entry) -> bool {
        let known = usize::try_from(self.offset - start).unwrap_or(usize::MAX).min(entry.bytes.len());
        let until = entry.bytes.len().min(known.saturating_add(self.room));
        entry.bytes = entry.bytes.slice(known..until);
        self.offset += entry.bytes.len() as u64;
        self.room -= entry.bytes.len();
        if !entry.bytes.is_empty() {
            self.entries.push(entry);
        }
        self.room > 0
    }

    pub(super) fn build(self, hint: u64, ended: bool) -> Chunk {
        Chunk {
            entries: self.entries,
            next: Cursor { offset: self.offset, hint },
            dropped: (self.dropped > 0).then_some(self.dropped),
            ended,
        }
    }
}
