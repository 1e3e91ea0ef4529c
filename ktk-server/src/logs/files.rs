//! Logs as append-only files in the data directory, for one server that owns it.
//!
//! Here are the open logs, and on which thread their files are touched. Only small appends happen on the
//! caller's: a disk that is behind must not hold up the runtime.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::directory::LogDirectory;
use super::file_log::FileLog;
use super::followers::{Followers, keys_of};
use super::pieces::byte_count;
use super::{Chunk, Cursor, Entry, Fence, LogError, LogKey, LogStore, Subscription, lock};
use crate::limits::{LOG_INLINE_BYTES, LOG_RECENT};

/// Keeps each log in files of its own. Needs a tokio runtime.
#[derive(Debug)]
pub struct FileLogStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: LogDirectory,
    followers: Arc<Followers>,
    logs: Mutex<Logs>,
}

#[derive(Debug, Default)]
struct Logs {
    /// Logs with a writer.
    open: BTreeMap<LogKey, Arc<FileLog>>,
    /// Some without, the latest last.
    recent: VecDeque<(LogKey, Arc<FileLog>)>,
}

impl FileLogStore {
    /// Opens the directory of logs, usually `DATA/logs`, and makes it where it is missing.
    ///
    /// # Errors
    /// Those of the file system; a symbolic link is not followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let directory = LogDirectory::open(path)?;
        Ok(Self { shared: Arc::new(Shared { directory, followers: Arc::default(), logs: Mutex::default() }) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        task: Uuid,
        work: impl FnOnce(&Shared) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|stopped| Err(LogError::Io { action, task, source: io::Error::other(stopped) }))
    }
}

impl Logs {
    /// The log, now with a writer, and whether that is new.
    fn open(&mut self, key: LogKey) -> (Arc<FileLog>, bool) {
        if let Some(log) = self.open.get(&key) {
            return (Arc::clone(log), false);
        }
        let known = self.recent.iter().position(|(recent, _)| *recent == key);
        let log = known.and_then(|index| self.recent.remove(index)).map(|(_, log)| log);
        let log = log.unwrap_or_else(|| Arc::new(FileLog::new(key)));
        self.open.insert(key, Arc::clone(&log));
        (log, true)
    }

    fn close(&mut self, key: LogKey) {
        if let Some(log) = self.open.remove(&key) {
            self.remember(key, log);
        }
    }

    fn get(&mut self, key: LogKey) -> Arc<FileLog> {
        let recent = || self.recent.iter().find(|(recent, _)| *recent == key).map(|(_, log)| log);
        if let Some(log) = self.open.get(&key).or_else(recent) {
            return Arc::clone(log);
        }
        let log = Arc::new(FileLog::new(key));
        self.remember(key, Arc::clone(&log));
        log
    }

    fn remember(&mut self, key: LogKey, log: Arc<FileLog>) {
        self.recent.push_back((key, log));
        if self.recent.len() > LOG_RECENT {
            self.recent.pop_front();
        }
    }
}

impl Shared {
    fn append(&self, key: LogKey, fence: Fence, offset: u64, entries: &[Entry]) -> Result<u64, LogError> {
        self.write(key, |log| log.append(&self.directory, fence, offset, entries))
    }

    fn write(
        &self,
        key: LogKey,
        write: impl FnOnce(&FileLog) -> Result<u64, LogError>,
    ) -> Result<u64, LogError> {
        let (log, is_new) = lock(&self.logs).open(key);
        let written = write(&log);
        // A refused append does not make its sender the writer, or nobody would ever close the log.
        let is_refused = written.as_ref().is_err_and(|error| !matches!(error, LogError::Io { .. }));
        if is_new && (is_refused || log.is_finished()) {
            lock(&self.logs).close(key);
        }
        // Also after an error: a part may have been written.
        self.followers.wake(key);
        written
    }

    fn finish(&self, key: LogKey) {
        let log = lock(&self.logs).open.get(&key).cloned();
        if let Some(log) = log {
            log.finish();
            lock(&self.logs).close(key);
        }
        self.followers.finish(key);
    }

    fn read(&self, key: LogKey, from: Cursor, max_bytes: usize) -> Result<Chunk, LogError> {
        let (log, is_open) = {
            let mut logs = lock(&self.logs);
            (logs.get(key), logs.open.contains_key(&key))
        };
        // Asked before the read: what was written before the end is then read before it.
        let is_closed = log.is_finished() || !is_open && self.followers.is_over(key);
        log.read(&self.directory, from, max_bytes, is_closed)
    }

    fn remove(&self, task: Uuid) -> Result<(), LogError> {
        // An open log stays among the open ones, as finished, until its writer ends: it cannot come back.
        let open: Vec<_> =
            lock(&self.logs).open.range(keys_of(task)).map(|(_, log)| Arc::clone(log)).collect();
        open.iter().for_each(|log| log.remove());
        let removed =
            self.directory.remove(task).map_err(|source| LogError::Io { action: "remove", task, source });
        // After the files: a reader may have looked at them until now.
        lock(&self.logs).recent.retain(|(key, _)| key.task != task);
        self.followers.finish_task(task);
        removed
    }
}

impl LogStore for FileLogStore {
    fn append<'a>(
        &'a self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        entries: &'a [Entry],
    ) -> BoxFuture<'a, Result<u64, LogError>> {
        Box::pin(async move {
            if byte_count(entries) <= LOG_INLINE_BYTES as u64 {
                return self.shared.append(key, fence, offset, entries);
            }
            let entries = entries.to_vec();
            self.blocking("append to", key.task, move |shared| shared.append(key, fence, offset, &entries))
                .await
        })
    }

    fn skip(
        &self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        bytes: u64,
    ) -> BoxFuture<'_, Result<u64, LogError>> {
        Box::pin(async move {
            self.shared.write(key, |log| log.skip(&self.shared.directory, fence, offset, bytes))
        })
    }

    fn finish(&self, key: LogKey) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            self.shared.finish(key);
            Ok(())
        })
    }

    fn read(&self, key: LogKey, from: Cursor, max_bytes: usize) -> BoxFuture<'_, Result<Chunk, LogError>> {
        Box::pin(self.blocking("read", key.task, move |shared| shared.read(key, from, max_bytes)))
    }

    fn end(&self, key: LogKey) -> BoxFuture<'_, Result<u64, LogError>> {
        Box::pin(self.blocking("read", key.task, move |shared| {
            let log = lock(&shared.logs).get(key);
            log.end(&shared.directory)
        }))
    }

    fn subscribe(&self, key: LogKey) -> Subscription {
        self.shared.followers.subscribe(key)
    }

    fn attempts(&self, task: Uuid) -> BoxFuture<'_, Result<Vec<u32>, LogError>> {
        Box::pin(self.blocking("list", task, move |shared| {
            shared.directory.attempts(task).map_err(|source| LogError::Io { action: "list", task, source })
        }))
    }

    fn tasks(&self, last_byte: u8) -> BoxFuture<'_, Result<Vec<Uuid>, LogError>> {
        let task = Uuid::from_u128(u128::from(last_byte));
        Box::pin(self.blocking("list", task, move |shared| {
            shared.directory.tasks(task).map_err(|source| LogError::Io { action: "list", task, source })
        }))
    }

    fn remove(&self, task: Uuid) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.blocking("remove", task, move |shared| shared.remove(task)))
    }
}

#[cfg(test)]
mod tests;
