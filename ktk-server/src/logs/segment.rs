//! One file of a log: its header, writing frames to its end, finding and reading them.
//! Which files a log has, and when one is full enough for the next, is the log's matter.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;

use bytes::{Bytes, BytesMut};

use super::chunk::ChunkBuilder;
use super::frame::{Frame, HEADER_BYTES};
use super::{Cursor, Entry};
use crate::limits::{LOG_FRAME_BYTES, LOG_FRAMING_FACTOR, LOG_HEAD_BYTES, LOG_SEGMENT_BYTES};

/// A file begins with this, its format's number included, and the offset of its first byte.
const MAGIC: [u8; 8] = *b"ktklog\x00\x01";
const FIRST_FRAME: u64 = 16;
const SCAN_BYTES: usize = 64 << 10;

#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its place in the ring of tail segments; none for the head.
    pub(super) slot: Option<u8>,
    pub(super) start: u64,
    pub(super) end: u64,
    /// How much of the file is the log.
    pub(super) file_bytes: u64,
}

/// A frame's offset in the log and position in the file.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) position: u64,
}

impl Segment {
    /// Begins a file.
    pub(super) fn create(mut file: &File, slot: Option<u8>, start: u64) -> io::Result<Self> {
        let mut header = [0; FIRST_FRAME as usize];
        header[..8].copy_from_slice(&MAGIC);
        header[8..].copy_from_slice(&start.to_le_bytes());
        file.write_all(&header)?;
        Ok(Self { slot, start, end: start, file_bytes: FIRST_FRAME })
    }

    /// Looks at a file of an earlier run; nothing when its header was never finished. The end is not known yet.
    pub(super) fn open(file: &File, slot: Option<u8>) -> io::Result<Option<Self>> {
        let mut header = [0; FIRST_FRAME as usize];
        let is_whole = read_at_most(file, &mut header, 0)? == header.len() && header[..8] == MAGIC;
        let start = header.last_chunk().map_or(0, |start| u64::from_le_bytes(*start));
        let file_bytes = file.metadata()?.len();
        Ok(is_whole.then_some(Self { slot, start, end: start, file_bytes }))
    }

    /// Finds the end of what was written whole. A crash may have left less than a frame behind it.
    pub(super) fn find_end(&mut self, file: &File) -> io::Result<()> {
        let last = self.scan(file, u64::MAX)?;
        (self.end, self.file_bytes) = (last.offset, last.position);
        Ok(())
    }

    fn limit(&self) -> u64 {
        if self.slot.is_none() { LOG_HEAD_BYTES } else { LOG_SEGMENT_BYTES }
    }

    /// How many bytes the next frame may hold, `batch` being written first; zero when the file is full.
    pub(super) fn room(&self, batch: &Batch) -> u64 {
        let used = (self.end - self.start).saturating_add(batch.span);
        let file_used = self.file_bytes + batch.bytes + HEADER_BYTES as u64;
        let file_room = (self.limit() * LOG_FRAMING_FACTOR).saturating_sub(file_used);
        self.limit().saturating_sub(used).min(file_room)
    }

    /// Writes a batch to the end of the file. After an error the file may be longer than the log.
    pub(super) fn write(&mut self, file: &File, batch: &Batch) -> io::Result<()> {
        batch.write_to(file)?;
        self.end += batch.span;
        self.file_bytes += batch.bytes;
        Ok(())
    }

    /// Reads on from the builder's offset, which this segment holds, and answers the hint for the next read.
    pub(super) fn read(&self, file: &File, hint: u64, chunk: &mut ChunkBuilder) -> io::Result<u64> {
        let began_at = chunk.offset();
        let mut place = self.locate(file, Cursor { offset: began_at, hint })?;
        let base = place.position;
        let wanted = chunk.room() + LOG_FRAME_BYTES + 2 * HEADER_BYTES;
        let held = usize::try_from(self.file_bytes.saturating_sub(base)).unwrap_or(usize::MAX);
        let mut buffer = BytesMut::zeroed(wanted.min(held));
        let length = read_at_most(file, &mut buffer, base)?;
        buffer.truncate(length);
        let buffer = buffer.freeze();
        while let Some((frame, body)) = frame_in(&buffer, (place.position - base) as usize, place.offset) {
            let frame_end = place.offset.saturating_add(frame.span());
            let has_room = match frame {
                Frame::Gap { .. } => chunk.drop_before(frame_end),
                Frame::Data { time, stream, .. } => {
                    chunk.push(place.offset, Entry { time, stream, bytes: body })
                }
            };
            if chunk.offset() < frame_end {
                break;
            }
            place.offset = frame_end;
            place.position += HEADER_BYTES as u64 + frame.body_bytes();
            if !has_room {
                break;
            }
        }
        if chunk.offset() == began_at {
            // A damaged file: a reader that never got on would be worse than one that is told of a gap.
            chunk.drop_before(self.end);
            return Ok(self.file_bytes);
        }
        Ok(place.position)
    }

    /// The frame that holds the cursor's offset.
    fn locate(&self, file: &File, cursor: Cursor) -> io::Result<Place> {
        if cursor.offset == self.start {
            return Ok(Place { offset: self.start, position: FIRST_FRAME });
        }
        if cursor.hint >= FIRST_FRAME && cursor.hint < self.file_bytes {
            let mut header = [0; HEADER_BYTES];
            read_at_most(file, &mut header, cursor.hint)?;
            if let Some((frame, low)) = Frame::decode(&header) {
                let into = u64::from((cursor.offset as u32).wrapping_sub(low));
                if into == 0 || into < frame.body_bytes() {
                    return Ok(Place { offset: cursor.offset - into, position: cursor.hint });
                }
            }
        }
        self.scan(file, cursor.offset)
    }

    /// Walks over frames from the first to the one that holds `until`, or to the end.
    fn scan(&self, file: &File, until: u64) -> io::Result<Place> {
        let mut place = Place { offset: self.start, position: FIRST_FRAME };
        let mut buffer = vec![0; SCAN_BYTES];
        let (mut base, mut length) = (0, 0);
        loop {
            if place.position < base || place.position + HEADER_BYTES as u64 > base + length {
                base = place.position;
                length = read_at_most(file, &mut buffer, base)? as u64;
            }
            let header = &buffer[(place.position - base) as usize..length as usize];
            let Some((frame, low)) = Frame::decode(header) else { return Ok(place) };
            let position = place.position + HEADER_BYTES as u64 + frame.body_bytes();
            let Some(offset) = place.offset.checked_add(frame.span()) else { return Ok(place) };
            if low != place.offset as u32 || position > self.file_bytes || until < offset {
                return Ok(place);
            }
            place = Place { offset, position };
        }
    }
}

/// The whole frame at `at`, if it is the one for `offset`.
fn frame_in(buffer: &Bytes, at: usize, offset: u64) -> Option<(Frame, Bytes)> {
    let (frame, low) = Frame::decode(buffer.get(at..)?)?;
    let body = at + HEADER_BYTES..at + HEADER_BYTES + frame.body_bytes() as usize;
    (low == offset as u32 && body.end <= buffer.len()).then(|| (frame, buffer.slice(body)))
}

fn read_at_most(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], position + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Frames that are written together.
pub(super) struct Batch {
    start: u64,
    span: u64,
    bytes: u64,
    frames: Vec<([u8; HEADER_BYTES], Bytes)>,
}

impl Batch {
    pub(super) fn at(start: u64) -> Self {
        Self { start, span: 0, bytes: 0, frames: Vec::new() }
    }

    pub(super) fn push(&mut self, frame: Frame, body: Bytes) {
        self.frames.push((frame.encode(self.start + self.span), body));
        self.span += frame.span();
        self.bytes += HEADER_BYTES as u64 + frame.body_bytes();
    }

    fn write_to(&self, mut file: &File) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(2 * self.frames.len());
        for (header, body) in &self.frames {
            slices.push(IoSlice::new(header));
            if !body.is_empty() {
                slices.push(IoSlice::new(body));
            }
        }
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            match file.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
