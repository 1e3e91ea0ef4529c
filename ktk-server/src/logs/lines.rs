//! Makes lines of entries, a stream at a time. Pure: no store, no waiting.

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use super::{Entry, Stream};
use crate::limits::LOG_LINE_BYTES;

/// A line, without its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When its first byte arrived.
    pub time: Timestamp,
    pub stream: Stream,
    pub text: Bytes,
    /// A newline ended it. Otherwise it was split at `LOG_LINE_BYTES`, or the log broke off.
    pub complete: bool,
}

/// The begun lines of an attempt: at most `LOG_LINE_BYTES` for each stream.
#[derive(Debug, Default)]
pub struct LineAssembler {
    stdout: Begun,
    stderr: Begun,
}

#[derive(Debug, Default)]
struct Begun {
    time: Option<Timestamp>,
    text: BytesMut,
}

impl LineAssembler {
    /// Takes bytes from the front of `entry` until a line is whole; nothing when all are taken.
    ///
    /// The same bytes give the same lines however entries divide them.
    pub fn next_line(&mut self, entry: &mut Entry) -> Option<Line> {
        let begun = match entry.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        if entry.bytes.is_empty() {
            return None;
        }
        let time = *begun.time.get_or_insert(entry.time);
        let room = LOG_LINE_BYTES - begun.text.len();
        // One byte more than fits: a newline there still ends a line of full length.
        let window = &entry.bytes[..entry.bytes.len().min(room + 1)];
        let (length, complete) = match memchr::memchr(b'\n', window) {
            Some(length) => (length, true),
            None if window.len() > room => (room, false),
            None => {
                begun.text.extend_from_slice(window);
                entry.bytes.clear();
                return None;
            }
        };
        let part = entry.bytes.split_to(length);
        if complete {
            let _newline = entry.bytes.split_to(1);
        }
        let text = if begun.text.is_empty() {
            part
        } else {
            begun.text.extend_from_slice(&part);
            std::mem::take(&mut begun.text).freeze()
        };
        begun.time = None;
        Some(Line { time, stream: entry.stream, text, complete })
    }

    /// Gives up a begun line, the earlier first: nothing that belongs to it is coming.
    pub fn take_begun(&mut self) -> Option<Line> {
        let stdout_first = match (self.stdout.time, self.stderr.time) {
            (Some(stdout), Some(stderr)) => stdout <= stderr,
            (stdout, _) => stdout.is_some(),
        };
        let (stream, begun) = if stdout_first {
            (Stream::Stdout, &mut self.stdout)
        } else {
            (Stream::Stderr, &mut self.stderr)
        };
        let time = begun.time.take()?;
        Some(Line { time, stream, text: std::mem::take(&mut begun.text).freeze(), complete: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn lines_of(entries: impl IntoIterator<Item = Entry>) -> Vec<Line> {
        let mut assembler = LineAssembler::default();
        let mut lines = Vec::new();
        for mut entry in entries {
            while let Some(line) = assembler.next_line(&mut entry) {
                lines.push(line);
            }
        }
        lines.extend(std::iter::from_fn(|| assembler.take_begun()));
        lines
    }

    fn stdout(bytes: impl Into<Bytes>) -> Entry {
        Entry { time: Timestamp::UNIX_EPOCH, stream: Stream::Stdout, bytes: bytes.into() }
    }

    #[test]
    fn a_long_line_is_split_and_its_newline_adds_no_empty_line() {
        for (length, parts) in [(LOG_LINE_BYTES - 1, 1), (LOG_LINE_BYTES, 1), (LOG_LINE_BYTES + 1, 2)] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"\nnext\n");
            let lines = lines_of([stdout(text)]);
            assert_eq!(lines.len(), parts + 1, "a line of {length} bytes");
            assert_eq!(lines[..parts].iter().map(|line| line.text.len()).sum::<usize>(), length);
            assert!(lines[..parts - 1].iter().all(|line| !line.complete));
            assert_eq!(lines[parts].text, "next");
        }
    }

    /// Text in which long lines are as likely as short ones.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let run = prop_oneof![
            vec(any::<u8>(), 0..40),
            (1..80_000usize).prop_map(|n| vec![b'x'; n]),
            Just(vec![b'\n'])
        ];
        vec(run, 0..12).prop_map(|runs| runs.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn lines_do_not_depend_on_how_entries_divide_the_bytes(
            text in text(),
            cuts in vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let text = Bytes::from(text);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let divided = cuts.windows(2).map(|cut| stdout(text.slice(cut[0]..cut[1])));
            let lines = lines_of(divided);
            prop_assert!(lines.iter().all(|line| line.text.len() <= LOG_LINE_BYTES));
            let joined = lines.iter().fold(Vec::new(), |mut joined, line| {
                joined.extend_from_slice(&line.text);
                joined.extend_from_slice(if line.complete { b"\n" } else { b"" });
                joined
            });
            prop_assert_eq!(joined, text.to_vec());
            prop_assert_eq!(lines, lines_of([stdout(text)]));
        }
    }
}
