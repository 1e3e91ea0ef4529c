//! One attempt's log as files: a head, and a ring of tail segments of which the newest replaces the oldest.
//! Who has it open and who waits for it is the store's matter.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Mutex;

use bytes::Bytes;

use super::admission::Admission;
use super::chunk::{ChunkBuilder, first_kept};
use super::directory::LogDirectory;
use super::frame::Frame;
use super::pieces::{Pieces, byte_count};
use super::segment::{Batch, Segment};
use super::{Chunk, Cursor, Entry, Fence, LogError, LogKey, lock};
use crate::limits::LOG_SEGMENTS;

#[derive(Debug)]
pub(super) struct FileLog {
    key: LogKey,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_loaded: bool,
    admission: Admission,
    /// The head, then the tail segments from the oldest to the newest.
    segments: VecDeque<Segment>,
    /// The newest segment's file, while something is written.
    writer: Option<File>,
    /// The newest file has remains of a failed write behind the log's end.
    is_torn: bool,
}

impl FileLog {
    pub(super) fn new(key: LogKey) -> Self {
        Self { key, state: Mutex::default() }
    }

    fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> LogError {
        let task = self.key.task;
        move |source| LogError::Io { action, task, source }
    }

    pub(super) fn append(
        &self,
        directory: &LogDirectory,
        fence: Fence,
        offset: u64,
        entries: &[Entry],
    ) -> Result<u64, LogError> {
        let failed = self.failed("append to");
        let mut state = lock(&self.state);
        state.load(directory, self.key).map_err(&failed)?;
        let end = state.end();
        let held = state.admission.admit(self.key, fence, end, offset, byte_count(entries))?;
        let mut pieces = Pieces::after(entries, held);
        while !pieces.is_empty() {
            state.write_some(directory, self.key, &mut pieces).map_err(&failed)?;
        }
        Ok(state.end())
    }

    pub(super) fn skip(
        &self,
        directory: &LogDirectory,
        fence: Fence,
        offset: u64,
        bytes: u64,
    ) -> Result<u64, LogError> {
        let failed = self.failed("mark a gap in");
        let mut state = lock(&self.state);
        state.load(directory, self.key).map_err(&failed)?;
        let end = state.end();
        let held = state.admission.admit(self.key, fence, end, offset, bytes)?;
        if held < bytes {
            state.write_gap(directory, self.key, bytes - held).map_err(&failed)?;
        }
        Ok(state.end())
    }

    pub(super) fn finish(&self) {
        let mut state = lock(&self.state);
        state.admission.is_finished = true;
        state.writer = None;
    }

    /// Ends it for those that still hold it, and forgets its files, which the caller deletes.
    pub(super) fn remove(&self) {
        let mut state = lock(&self.state);
        *state = State { is_loaded: true, ..State::default() };
        state.admission.is_finished = true;
    }

    pub(super) fn is_finished(&self) -> bool {
        lock(&self.state).admission.is_finished
    }

    pub(super) fn end(&self, directory: &LogDirectory) -> Result<u64, LogError> {
        let mut state = lock(&self.state);
        state.load(directory, self.key).map_err(self.failed("read"))?;
        Ok(state.end())
    }

    pub(super) fn read(
        &self,
        directory: &LogDirectory,
        from: Cursor,
        max_bytes: usize,
        is_closed: bool,
    ) -> Result<Chunk, LogError> {
        let failed = self.failed("read");
        let mut chunk = ChunkBuilder::new(from.offset, max_bytes);
        let mut state = lock(&self.state);
        state.load(directory, self.key).map_err(&failed)?;
        let end = state.end();
        let wanted = first_kept(from.offset, end);
        let Some(&segment) = state.segments.iter().find(|segment| segment.end > wanted) else {
            return Ok(chunk.build(from.hint, is_closed));
        };
        chunk.drop_before(wanted.max(segment.start));
        // Opened under the lock: later the ring may give the name to another segment.
        let file = directory.read(self.key, segment.slot).map_err(&failed)?;
        drop(state);
        let hint = match file {
            Some(file) => segment.read(&file, from.hint, &mut chunk).map_err(&failed)?,
            None => {
                chunk.drop_before(segment.end);
                0
            }
        };
        let ended = is_closed && chunk.offset() >= end;
        Ok(chunk.build(hint, ended))
    }
}

impl State {
    fn end(&self) -> u64 {
        self.segments.back().map_or(0, |newest| newest.end)
    }

    /// Learns once what an earlier run of the server left.
    fn load(&mut self, directory: &LogDirectory, key: LogKey) -> io::Result<()> {
        if self.is_loaded {
            return Ok(());
        }
        let mut segments = VecDeque::new();
        if let Some(file) = directory.read(key, None)?
            && let Some(mut head) = Segment::open(&file, None)?
        {
            head.find_end(&file)?;
            segments.push_back(head);
            let mut ring = Vec::new();
            for slot in 0..LOG_SEGMENTS {
                if let Some(file) = directory.read(key, Some(slot))?
                    && let Some(segment) = Segment::open(&file, Some(slot))?
                {
                    ring.push((segment, file));
                }
            }
            ring.sort_unstable_by_key(|(segment, _)| segment.start);
            for index in 0..ring.len() {
                // A segment is begun when the one before it is full: it ends there, and needs no look inside.
                let next_start = ring.get(index + 1).map(|(next, _)| next.start);
                let (segment, file) = &mut ring[index];
                match next_start {
                    Some(next_start) => segment.end = next_start,
                    None => segment.find_end(file)?,
                }
            }
            segments.extend(ring.into_iter().map(|(segment, _)| segment));
        }
        (self.segments, self.is_loaded) = (segments, true);
        Ok(())
    }

    /// Writes as many pieces as the newest segment holds.
    fn write_some(
        &mut self,
        directory: &LogDirectory,
        key: LogKey,
        pieces: &mut Pieces<'_>,
    ) -> io::Result<()> {
        self.open_writer(directory, key)?;
        let Some(newest) = self.segments.back() else { return Ok(()) };
        let mut batch = Batch::at(newest.end);
        while let Some(Entry { time, stream, bytes }) = pieces.next(newest.room(&batch)) {
            batch.push(Frame::Data { time, stream, length: bytes.len() as u32 }, bytes);
        }
        self.write(&batch)
    }

    fn write_gap(&mut self, directory: &LogDirectory, key: LogKey, bytes: u64) -> io::Result<()> {
        self.open_writer(directory, key)?;
        let mut batch = Batch::at(self.end());
        batch.push(Frame::Gap { bytes }, Bytes::new());
        self.write(&batch)
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let (Some(newest), Some(file)) = (self.segments.back_mut(), &self.writer) else { return Ok(()) };
        if self.is_torn {
            file.set_len(newest.file_bytes)?;
            self.is_torn = false;
        }
        newest.write(file, batch).inspect_err(|_| {
            // All or nothing: readers after a crash must not take the remains for a part of the log.
            self.is_torn = file.set_len(newest.file_bytes).is_err();
        })
    }

    /// Makes sure that `writer` is a segment with room for a frame.
    fn open_writer(&mut self, directory: &LogDirectory, key: LogKey) -> io::Result<()> {
        let slot = match self.segments.back() {
            Some(newest) if newest.room(&Batch::at(newest.end)) > 0 => {
                if self.writer.is_none() {
                    let file = directory.append(key, newest.slot)?;
                    file.set_len(newest.file_bytes)?;
                    self.writer = Some(file);
                }
                return Ok(());
            }
            None => None,
            Some(newest) => Some(newest.slot.map_or(0, |slot| (slot + 1) % LOG_SEGMENTS)),
        };
        if self.segments.len() > usize::from(LOG_SEGMENTS) {
            // The oldest after the head: the new one takes its slot, and its name.
            self.segments.remove(1);
        }
        let file = directory.create(key, slot)?;
        self.segments.push_back(Segment::create(&file, slot, self.end())?);
        (self.writer, self.is_torn) = (Some(file), false);
        Ok(())
    }
}
