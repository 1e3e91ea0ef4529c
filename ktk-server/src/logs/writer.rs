//! How an executor writes a log: it buffers, keeps the offset, and gets over a store that fails for a while.
//! It reads no pipe and has no timer: what was written is readable once it is flushed.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::pieces::byte_count;
use super::{Entry, Fence, LogError, LogKey, LogStore, Stream};
use crate::limits::{LOG_BACKLOG_BYTES, LOG_FLUSH_BYTES};

/// What an entry costs beside its bytes, so that many tiny ones count.
const ENTRY_BYTES: usize = 64;

/// Writes one attempt's log, both streams in the order of the calls.
///
/// An error does not end it: the executor reads on from its process, and what the store does not take by then is
/// kept up to `LOG_BACKLOG_BYTES`, then counted, and becomes a gap of that size once the store works again.
pub struct LogWriter {
    store: Arc<dyn LogStore>,
    key: LogKey,
    fence: Fence,
    /// Where `entries` begin.
    offset: u64,
    entries: Vec<Entry>,
    buffered_bytes: usize,
    /// Bytes after `entries` that were not kept.
    lost_bytes: u64,
}

impl LogWriter {
    /// Begins an attempt's log. It costs nothing before the first byte.
    pub fn new(store: Arc<dyn LogStore>, key: LogKey, fence: Fence) -> Self {
        Self { store, key, fence, offset: 0, entries: Vec::new(), buffered_bytes: 0, lost_bytes: 0 }
    }

    /// Buffers what the process wrote, and flushes when that has become much.
    ///
    /// # Errors
    /// Those of [`flush`](LogWriter::flush).
    pub async fn write(&mut self, stream: Stream, bytes: &[u8], time: Timestamp) -> Result<(), LogError> {
        if (self.lost_bytes > 0 || self.buffered_bytes >= LOG_BACKLOG_BYTES)
            && let Err(error) = self.flush().await
        {
            // Behind a gap nothing can be kept: the gap would have to go first.
            self.lost_bytes += bytes.len() as u64;
            return Err(error);
        }
        if !bytes.is_empty() {
            self.entries.push(Entry { time, stream, bytes: Bytes::copy_from_slice(bytes) });
            self.buffered_bytes += bytes.len() + ENTRY_BYTES;
        }
        if self.buffered_bytes >= LOG_FLUSH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Makes everything written so far readable.
    ///
    /// # Errors
    /// Those of the store. Nothing is lost by it yet: the next write or flush tries again.
    pub async fn flush(&mut self) -> Result<(), LogError> {
        if !self.entries.is_empty() {
            match self.append().await {
                // The store forgot what it had taken, as after a power cut.
                Err(LogError::Gap { end, .. }) if end < self.offset => {
                    self.store.skip(self.key, self.fence, end, self.offset - end).await?;
                    self.append().await?;
                }
                appended => appended?,
            }
            self.offset += byte_count(&self.entries);
            self.entries.clear();
            self.buffered_bytes = 0;
        }
        if self.lost_bytes > 0 {
            self.store.skip(self.key, self.fence, self.offset, self.lost_bytes).await?;
            self.offset += self.lost_bytes;
            self.lost_bytes = 0;
        }
        Ok(())
    }

    async fn append(&self) -> Result<(), LogError> {
        self.store.append(self.key, self.fence, self.offset, &self.entries).await.map(drop)
    }

    /// How many bytes are lost and not yet recorded as a gap.
    pub fn lost_bytes(&self) -> u64 {
        self.lost_bytes
    }

    /// How many bytes the store has not taken: those that are kept for the next try, and those that are lost and
    /// not yet recorded as a gap.
    pub fn unwritten_bytes(&self) -> u64 {
        byte_count(&self.entries) + self.lost_bytes
    }

    /// Flushes and says that the log is at its end, the latter also when the flush fails.
    ///
    /// # Errors
    /// Those of the flush, after which the end of the log is missing without a mark; those of the store.
    pub async fn finish(mut self) -> Result<(), LogError> {
        let flushed = self.flush().await;
        self.store.finish(self.key).await?;
        flushed
    }
}
