//! Reads a log as lines: from a place, the last few, since a time, once or as it grows.
//! How lines look, and who may see them, is the matter of whoever asks.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::lines::{Line, LineAssembler};
use super::{Cursor, Entry, LogError, LogKey, LogStore, Stream, Subscription};
use crate::limits::{LOG_FLUSH_BYTES, LOG_TAIL_LINES};

/// How far back from the end the search for the last lines begins.
const FIRST_WINDOW_BYTES: u64 = 64 << 10;

/// What a reader meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Line(Line),
    /// So many bytes are missing here. The lines before it broke off, the next ones may lack their beginning.
    Dropped(u64),
}

/// Reads lines in the order in which they were completed. It holds one small chunk and the begun lines.
pub struct LineReader {
    store: Arc<dyn LogStore>,
    key: LogKey,
    next: Cursor,
    /// The offset of the next byte that becomes part of a line.
    offset: u64,
    /// The log's place at which the last output was complete.
    completed_at: u64,
    /// What was complete there or before is left out.
    after: u64,
    since: Timestamp,
    dropped: Option<u64>,
    entries: VecDeque<Entry>,
    assembler: LineAssembler,
    ended: bool,
    subscription: Option<Subscription>,
}

impl LineReader {
    /// Reads from `from` to what is the end by then.
    pub fn new(store: Arc<dyn LogStore>, key: LogKey, from: Cursor) -> Self {
        Self {
            store,
            key,
            next: from,
            offset: from.offset,
            completed_at: from.offset,
            after: 0,
            since: Timestamp::MIN,
            dropped: None,
            entries: VecDeque::new(),
            assembler: LineAssembler::default(),
            ended: false,
            subscription: None,
        }
    }

    /// Reads the last `count` lines, at most `LOG_TAIL_LINES`, and what comes after them.
    ///
    /// A line without its newline counts, too. Where both streams end in one, they count as one.
    /// It looks backwards from the end, and only as far as it must: a stream that is silent there is not looked
    /// for, so that a line it began long before appears, if it ever goes on, without its beginning.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tail(store: Arc<dyn LogStore>, key: LogKey, count: usize) -> Result<Self, LogError> {
        let end = store.end(key).await?;
        let mut window = FIRST_WINDOW_BYTES;
        loop {
            let start = end.saturating_sub(window);
            let reader = Self::new(Arc::clone(&store), key, Cursor::at(start));
            if let Some(after) = reader.find_last(end, count.min(LOG_TAIL_LINES)).await? {
                return Ok(Self { after, ..Self::new(store, key, Cursor::at(start)) });
            }
            window *= 4;
        }
    }

    /// The offset before which everything is left out: that of the first of the last lines, where those were asked
    /// for.
    pub fn begins_after(&self) -> u64 {
        self.after
    }

    /// Leaves out lines that began before `time`.
    #[must_use]
    pub fn since(self, time: Timestamp) -> Self {
        Self { since: time, ..self }
    }

    /// Goes on as the log grows, until it ends. See [`LogStore`] for who says so.
    #[must_use]
    pub fn following(self) -> Self {
        Self { subscription: Some(self.store.subscribe(self.key)), ..self }
    }

    /// The next line or gap; nothing at the end.
    ///
    /// # Errors
    /// Those of the store. Calling again tries again.
    pub async fn next(&mut self) -> Result<Option<Output>, LogError> {
        loop {
            if let Some(output) = self.take_output() {
                let is_wanted = match &output {
                    Output::Line(line) => line.time >= self.since,
                    Output::Dropped(_) => true,
                };
                if is_wanted && self.completed_at > self.after {
                    return Ok(Some(output));
                }
            } else if self.ended {
                return Ok(None);
            } else {
                self.read().await?;
            }
        }
    }

    async fn read(&mut self) -> Result<(), LogError> {
        let chunk = self.store.read(self.key, self.next, LOG_FLUSH_BYTES).await?;
        let is_empty = chunk.entries.is_empty() && chunk.dropped.is_none();
        self.next = chunk.next;
        self.dropped = chunk.dropped;
        self.entries = chunk.entries.into();
        self.ended = chunk.ended;
        if is_empty && !self.ended {
            match &mut self.subscription {
                Some(subscription) => subscription.changed().await,
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// The next output of what was read.
    fn take_output(&mut self) -> Option<Output> {
        if let Some(dropped) = self.dropped {
            return Some(self.take_begun().unwrap_or_else(|| {
                self.dropped = None;
                self.offset += dropped;
                self.completed_at = self.offset;
                Output::Dropped(dropped)
            }));
        }
        while let Some(entry) = self.entries.front_mut() {
            let length = entry.bytes.len();
            let line = self.assembler.next_line(entry);
            self.offset += (length - entry.bytes.len()) as u64;
            if entry.bytes.is_empty() {
                self.entries.pop_front();
            }
            if let Some(line) = line {
                self.completed_at = self.offset;
                return Some(Output::Line(line));
            }
        }
        if self.ended { self.take_begun() } else { None }
    }

    fn take_begun(&mut self) -> Option<Output> {
        let line = self.assembler.take_begun()?;
        // It was given up after its last byte, not completed by it.
        self.completed_at = self.offset + 1;
        Some(Output::Line(line))
    }

    /// Where the line before the last `count` was complete, or nothing when they begin before this reader does.
    async fn find_last(mut self, end: u64, count: usize) -> Result<Option<u64>, LogError> {
        let from_start = self.offset == 0;
        // A stream's first line may have begun earlier, unless what is earlier is gone.
        let mut may_lack_beginning = [!from_start; 2];
        let mut last = VecDeque::new();
        while let Some(output) = self.next().await? {
            if self.completed_at > end + 1 {
                break;
            }
            match output {
                Output::Dropped(_) => may_lack_beginning = [false; 2],
                Output::Line(line) => {
                    let may_lack = &mut may_lack_beginning[usize::from(line.stream == Stream::Stderr)];
                    last.push_back((self.completed_at, *may_lack));
                    *may_lack &= !line.complete;
                    if last.len() > count + 1 {
                        last.pop_front();
                    }
                }
            }
        }
        let before = if last.len() > count { last.pop_front() } else { None };
        let is_whole = last.iter().all(|(_, may_lack)| !may_lack);
        Ok(match before {
            // The begun lines are complete after the end, whenever that will be.
            Some((completed_at, _)) if is_whole => Some(completed_at.min(end)),
            None if from_start => Some(0),
            _ => None,
        })
    }
}
