//! Logs in memory, for simulation and tests: the same contract, no files and no runtime.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use uuid::Uuid;

use super::admission::Admission;
use super::chunk::{ChunkBuilder, first_kept};
use super::followers::{Followers, keys_of};
use super::pieces::{Pieces, byte_count};
use super::{Chunk, Cursor, Entry, Fence, LogError, LogKey, LogStore, Subscription, lock};
use crate::limits::LOG_HEAD_BYTES;

/// Keeps logs in memory until they are removed.
#[derive(Debug, Default)]
pub struct MemoryLogStore {
    logs: Mutex<BTreeMap<LogKey, MemoryLog>>,
    followers: Arc<Followers>,
}

#[derive(Debug, Default)]
struct MemoryLog {
    admission: Admission,
    head: VecDeque<Stored>,
    tail: VecDeque<Stored>,
    end: u64,
}

#[derive(Debug)]
struct Stored {
    start: u64,
    end: u64,
    /// None where the writer lost it.
    entry: Option<Entry>,
}

impl MemoryLog {
    fn store(&mut self, span: u64, entry: Option<Entry>) {
        let stored = Stored { start: self.end, end: self.end + span, entry };
        if stored.start < LOG_HEAD_BYTES { &mut self.head } else { &mut self.tail }.push_back(stored);
        self.end += span;
        let kept = first_kept(LOG_HEAD_BYTES, self.end);
        while self.tail.front().is_some_and(|oldest| oldest.end <= kept) {
            self.tail.pop_front();
        }
    }

    fn append(&mut self, entries: &[Entry], held: u64) {
        let mut pieces = Pieces::after(entries, held);
        // A piece ends with the head, as in files.
        while let Some(Entry { time, stream, bytes }) =
            pieces.next(LOG_HEAD_BYTES.checked_sub(self.end).filter(|room| *room > 0).unwrap_or(u64::MAX))
        {
            let time = Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time);
            // Copied: a slice would keep the whole buffer it came from.
            let entry = Entry { time, stream, bytes: Bytes::copy_from_slice(&bytes) };
            self.store(bytes.len() as u64, Some(entry));
        }
    }

    fn read(&self, from: Cursor, max_bytes: usize, is_closed: bool) -> Chunk {
        let mut chunk = ChunkBuilder::new(from.offset, max_bytes);
        let from_head = self.head.partition_point(|stored| stored.end <= from.offset);
        let from_tail = self.tail.partition_point(|stored| stored.end <= from.offset);
        for stored in self.head.range(from_head..).chain(self.tail.range(from_tail..)) {
            let kept = first_kept(chunk.offset(), self.end).max(stored.start);
            let goes_on = chunk.drop_before(kept)
                && match &stored.entry {
                    Some(entry) => chunk.push(stored.start, entry.clone()),
                    None => chunk.drop_before(stored.end),
                };
            if !goes_on {
                break;
            }
        }
        let ended = is_closed && chunk.offset() >= self.end;
        chunk.build(0, ended)
    }
}

impl MemoryLogStore {
    fn write(
        &self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        length: u64,
        write: impl FnOnce(&mut MemoryLog, u64),
    ) -> Result<u64, LogError> {
        let written = {
            let mut logs = lock(&self.logs);
            let is_new = !logs.contains_key(&key);
            let log = logs.entry(key).or_default();
            let held = log.admission.admit(key, fence, log.end, offset, length);
            if is_new && held.is_err() {
                logs.remove(&key);
                return held;
            }
            let held = held?;
            if held < length {
                write(log, held);
            }
            log.end
        };
        self.followers.wake(key);
        Ok(written)
    }
}

impl LogStore for MemoryLogStore {
    fn append<'a>(
        &'a self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        entries: &'a [Entry],
    ) -> BoxFuture<'a, Result<u64, LogError>> {
        let write = |log: &mut MemoryLog, held| log.append(entries, held);
        ready(self.write(key, fence, offset, byte_count(entries), write)).boxed()
    }

    fn skip(
        &self,
        key: LogKey,
        fence: Fence,
        offset: u64,
        bytes: u64,
    ) -> BoxFuture<'_, Result<u64, LogError>> {
        let write = |log: &mut MemoryLog, held| log.store(bytes - held, None);
        ready(self.write(key, fence, offset, bytes, write)).boxed()
    }

    fn finish(&self, key: LogKey) -> BoxFuture<'_, Result<(), LogError>> {
        if let Some(log) = lock(&self.logs).get_mut(&key) {
            log.admission.is_finished = true;
        }
        self.followers.finish(key);
        ready(Ok(())).boxed()
    }

    fn read(&self, key: LogKey, from: Cursor, max_bytes: usize) -> BoxFuture<'_, Result<Chunk, LogError>> {
        let logs = lock(&self.logs);
        let is_over = self.followers.is_over(key);
        let chunk = match logs.get(&key) {
            Some(log) => log.read(from, max_bytes, log.admission.is_finished),
            None => ChunkBuilder::new(from.offset, max_bytes).build(0, is_over),
        };
        ready(Ok(chunk)).boxed()
    }

    fn end(&self, key: LogKey) -> BoxFuture<'_, Result<u64, LogError>> {
        ready(Ok(lock(&self.logs).get(&key).map_or(0, |log| log.end))).boxed()
    }

    fn subscribe(&self, key: LogKey) -> Subscription {
        self.followers.subscribe(key)
    }

    fn attempts(&self, task: Uuid) -> BoxFuture<'_, Result<Vec<u32>, LogError>> {
        let logs = lock(&self.logs);
        let written = logs.range(keys_of(task)).filter(|(_, log)| log.end > 0);
        ready(Ok(written.map(|(key, _)| key.attempt).collect())).boxed()
    }

    fn tasks(&self, last_byte: u8) -> BoxFuture<'_, Result<Vec<Uuid>, LogError>> {
        let mut tasks: Vec<Uuid> = lock(&self.logs).keys().map(|key| key.task).collect();
        tasks.retain(|task| task.as_bytes()[15] == last_byte);
        tasks.sort_unstable();
        tasks.dedup();
        ready(Ok(tasks)).boxed()
    }

    fn remove(&self, task: Uuid) -> BoxFuture<'_, Result<(), LogError>> {
        // What has a writer stays, empty and finished: it cannot come back.
        lock(&self.logs).retain(|key, log| {
            if key.task == task && !log.admission.is_finished {
                *log = MemoryLog::default();
                log.admission.is_finished = true;
                return true;
            }
            key.task != task
        });
        self.followers.finish_task(task);
        ready(Ok(())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::conformance_suite;
    use super::*;

    fn store() -> ((), Arc<dyn LogStore>) {
        ((), Arc::new(MemoryLogStore::default()))
    }

    conformance_suite!(store);
}
