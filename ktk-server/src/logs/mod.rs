//! The log of a task attempt: what its process wrote, kept apart from the store of tasks.
//!
//! Here live the contract ([`LogStore`]), its types, its implementations and what reads and writes through it.
//! What a task is, who may read its log and how a log is shown do not belong here.
//!
//! A log is one row of bytes. Every position in it is an *offset*: the number of bytes that were written
//! before it, those since dropped included, framing not. So a writer's retry, a reader's place and the size of
//! what is missing are all plain subtraction, whatever a store does with its files.
//!
//! The first [`LOG_HEAD_BYTES`](crate::limits::LOG_HEAD_BYTES) and the last
//! [`LOG_TAIL_BYTES`](crate::limits::LOG_TAIL_BYTES) are kept. Nothing is synced to the disk: after a crash a
//! log is a gapless prefix of what was appended.

mod admission;
mod chunk;
#[cfg(test)]
mod conformance;
mod directory;
mod file_log;
mod files;
mod followers;
mod frame;
mod lines;
mod memory;
mod pieces;
mod read;
mod segment;
mod writer;

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

pub use files::FileLogStore;
pub use followers::Subscription;
pub use ktk_client::api::{log::Stream, worker::Fence};
pub use lines::{Line, LineAssembler};
pub use memory::MemoryLogStore;
pub use read::{LineReader, Output};
pub use writer::LogWriter;

/// Names one log: an attempt of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    pub task: Uuid,
    pub attempt: u32,
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} attempt {}", self.task, self.attempt)
    }
}

/// Bytes that arrived together, exactly as written. Stores keep the time to the microsecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub time: Timestamp,
    pub stream: Stream,
    pub bytes: Bytes,
}

/// A reader's place in a log.
///
/// The offset alone says where; the hint only saves a store the search, and is checked before it is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub offset: u64,
    pub(crate) hint: u64,
}

impl Cursor {
    pub const START: Self = Self::at(0);

    #[must_use]
    pub const fn at(offset: u64) -> Self {
        Self { offset, hint: 0 }
    }
}

/// `OFFSET` or `OFFSET-HINT`.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.offset)?;
        if self.hint == 0 { Ok(()) } else { write!(f, "-{}", self.hint) }
    }
}

impl FromStr for Cursor {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (offset, hint) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self { offset: offset.parse()?, hint: hint.parse()? })
    }
}

/// What one read found. Bytes that are gone lie before the entries, never between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub entries: Vec<Entry>,
    /// Where to read on.
    pub next: Cursor,
    /// How many bytes are missing between the asked place and the first entry.
    pub dropped: Option<u64>,
    /// `next` is the end, and nobody will write more.
    pub ended: bool,
}

/// Why a log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log of task {key} has a newer writer")]
    Fenced { key: LogKey, newest: Fence },
    #[error("the log of task {key} ends at {end}, and cannot go on at {offset}")]
    Gap { key: LogKey, end: u64, offset: u64 },
    #[error("the log of task {key} is finished")]
    Finished { key: LogKey },
    #[error("cannot {action} the log of task {task}")]
    Io { action: &'static str, task: Uuid, source: std::io::Error },
}

/// Keeps the logs of attempts.
///
/// **Following.** Subscribe, then learn from the task whether the attempt is over, then read; when a chunk is
/// empty and not `ended`, wait for the subscription and read again. Nothing is missed, and nobody polls. A log
/// does not know of an attempt that ended before somebody subscribed: whoever learns that from the task says
/// [`finish`](LogStore::finish).
pub trait LogStore: Send + Sync + 'static {
    /// Appends at `offset` and answers the new end.
    ///
    /// What the log already holds of it is not written again: repeating an append whose answer, or whose second
    /// half, was lost is safe. The highest fence is remembered for as long as the log has a writer.
    ///
    /// # Errors
    /// `Fenced`, `Gap`, `Finished`; `Io`, after which a part may have been stored.
    fn append<'a>(
        &'a self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        entries: &'a [Entry],
    ) -> BoxFuture<'a, Result<u64, LogError>>;

    /// Goes on `bytes` after `offset` without them: the writer lost them, and readers are told how many.
    /// Like an append in all else.
    ///
    /// # Errors
    /// Those of [`append`](LogStore::append).
    fn skip(
        &self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        bytes: u64,
    ) -> BoxFuture<'_, Result<u64, LogError>>;

    /// Says that nothing more is coming: readers get `ended`. Repeating it is harmless.
    ///
    /// # Errors
    /// `Io`.
    fn finish(&self, key: LogKey) -> BoxFuture<'_, Result<(), LogError>>;

    /// Reads up to `max_bytes` (at least one, at most `LOG_READ_BYTES`) from a place on.
    ///
    /// A log that nobody writes and nobody follows has ended; one that was never written is empty.
    ///
    /// # Errors
    /// `Io`.
    fn read(&self, key: LogKey, from: Cursor, max_bytes: usize) -> BoxFuture<'_, Result<Chunk, LogError>>;

    /// The offset at which the log ends now.
    ///
    /// # Errors
    /// `Io`.
    fn end(&self, key: LogKey) -> BoxFuture<'_, Result<u64, LogError>>;

    /// Wakes whenever the log grew, ended or was removed after this call.
    fn subscribe(&self, key: LogKey) -> Subscription;

    /// The attempts that wrote something, in order.
    ///
    /// # Errors
    /// `Io`.
    fn attempts(&self, task: Uuid) -> BoxFuture<'_, Result<Vec<u32>, LogError>>;

    /// The tasks whose ids end with this byte and that have a log.
    ///
    /// # Errors
    /// `Io`.
    fn tasks(&self, last_byte: u8) -> BoxFuture<'_, Result<Vec<Uuid>, LogError>>;

    /// Removes the logs of all attempts of a task. Its writers get `Finished`, its readers the end.
    ///
    /// # Errors
    /// `Io`, after which some files may be left: repeat it.
    fn remove(&self, task: Uuid) -> BoxFuture<'_, Result<(), LogError>>;
}

/// Locks, also after another thread panicked: every state here is changed only after what can fail succeeded.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
