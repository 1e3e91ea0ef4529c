//! How pieces of a log lie in a file: a header of 16 bytes, then the bytes as written. No files here.
//!
//! | bytes | data | gap |
//! |---|---|---|
//! | 0..8 | time, µs since 1970, i64 | bytes that are missing, u64 |
//! | 8..12 | the offset's low half, u32 | the same |
//! | 12 | 1 stdout, 2 stderr | 3 |
//! | 13..16 | length, u24 | 0 |
//!
//! Numbers are little-endian. The offset lets a reader see that a place in a file is a frame, and the frame it
//! wants: it tells the remains of a crash, a hole of zeroes and a wrong hint from a log.

use jiff::Timestamp;

use super::Stream;
use crate::limits::LOG_FRAME_BYTES;

pub(super) const HEADER_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Data { time: Timestamp, stream: Stream, length: u32 },
    Gap { bytes: u64 },
}

impl Frame {
    pub(super) fn encode(self, offset: u64) -> [u8; HEADER_BYTES] {
        let (first, kind, length): (u64, u32, u32) = match self {
            Self::Data { time, stream: Stream::Stdout, length } => (time.as_microsecond() as u64, 1, length),
            Self::Data { time, stream: Stream::Stderr, length } => (time.as_microsecond() as u64, 2, length),
            Self::Gap { bytes } => (bytes, 3, 0),
        };
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&first.to_le_bytes());
        header[8..12].copy_from_slice(&(offset as u32).to_le_bytes());
        header[12..].copy_from_slice(&(kind | length << 8).to_le_bytes());
        header
    }

    /// The frame and its offset's low half, or nothing where these bytes do not begin a frame.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let (first, rest) = bytes.split_first_chunk::<8>()?;
        let (low, rest) = rest.split_first_chunk::<4>()?;
        let (kind, _) = rest.split_first_chunk::<4>()?;
        let (kind, length) = (kind[0], u32::from_le_bytes(*kind) >> 8);
        let stream = match kind {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            3 => {
                let bytes = u64::from_le_bytes(*first);
                return (length == 0 && bytes > 0).then_some((Self::Gap { bytes }, u32::from_le_bytes(*low)));
            }
            _ => return None,
        };
        if length == 0 || length as usize > LOG_FRAME_BYTES {
            return None;
        }
        let time = Timestamp::from_microsecond(i64::from_le_bytes(*first)).ok()?;
        Some((Self::Data { time, stream, length }, u32::from_le_bytes(*low)))
    }

    /// How far the log goes on with this frame.
    pub(super) fn span(self) -> u64 {
        match self {
            Self::Data { length, .. } => u64::from(length),
            Self::Gap { bytes } => bytes,
        }
    }

    /// How many bytes follow the header.
    pub(super) fn body_bytes(self) -> u64 {
        match self {
            Self::Data { length, .. } => u64::from(length),
            Self::Gap { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let micros = Timestamp::MIN.as_microsecond()..=Timestamp::MAX.as_microsecond();
        let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
        prop_oneof![
            (micros, stream, 1..=LOG_FRAME_BYTES as u32).prop_map(|(micros, stream, length)| Frame::Data {
                time: Timestamp::from_microsecond(micros).expect("the range is jiff's"),
                stream,
                length
            }),
            (1..u64::MAX).prop_map(|bytes| Frame::Gap { bytes }),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_survives_the_round_trip(frame in frames(), offset: u64) {
            prop_assert_eq!(Frame::decode(&frame.encode(offset)), Some((frame, offset as u32)));
        }

        #[test]
        fn a_torn_header_is_no_frame(frame in frames(), kept in 0..HEADER_BYTES) {
            prop_assert_eq!(Frame::decode(&frame.encode(0)[..kept]), None);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: [u8; HEADER_BYTES]) {
            if let Some((frame, low)) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(u64::from(low)), bytes);
            }
        }
    }

    #[test]
    fn zeroes_are_no_frame() {
        assert_eq!(Frame::decode(&[0; HEADER_BYTES]), None);
    }
}
