//! What every log store must do, one function a promise. A store's own tests run them all with
//! `conformance_suite!`; what only one store can do is tested beside it.

mod appending;
mod following;
mod reading;

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Chunk, Cursor, Entry, Fence, LineReader, LogError, LogKey, LogStore, Output, Stream};

pub(super) use appending::*;
pub(super) use following::*;
pub(super) use reading::*;

type Store = Arc<dyn LogStore>;
type Outcome = Result<(), LogError>;

/// A test for each case; `$make` gives what must outlive the store, and the store.
macro_rules! conformance_suite {
    ($make:path) => {
        $crate::logs::conformance::conformance_suite!($make:
            order_and_exact_bytes, places_inside_entries, repeated_appends_add_nothing, gaps_are_refused,
            older_fences_are_refused, finished_logs_take_no_more, skipped_bytes_are_reported, the_middle_is_dropped,
            tiny_entries_are_kept, followers_see_everything, followers_of_silent_attempts_end, readers_while_writing,
            the_last_lines, lines_since, long_lines_are_split, removed_is_removed, a_writer_records_what_it_lost);
    };
    ($make:path: $($case:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() -> Result<(), $crate::logs::LogError> {
            let (_kept, store) = $make();
            $crate::logs::conformance::$case(store).await
        }
    )*};
}
pub(super) use conformance_suite;

pub(super) const FENCE: Fence = Fence { epoch: 1, counter: 1 };

#[expect(clippy::disallowed_methods, reason = "any id will do")]
pub(super) fn new_key() -> LogKey {
    LogKey { task: Uuid::now_v7(), attempt: 1 }
}

pub(super) fn entry(millisecond: i64, stream: Stream, bytes: impl AsRef<[u8]>) -> Entry {
    let time = Timestamp::from_millisecond(millisecond).expect("tests use small times");
    Entry { time, stream, bytes: Bytes::copy_from_slice(bytes.as_ref()) }
}

fn out(bytes: impl AsRef<[u8]>) -> Entry {
    entry(0, Stream::Stdout, bytes)
}

pub(super) async fn read_all(store: &Store, key: LogKey, max_bytes: usize) -> Result<Vec<Chunk>, LogError> {
    let (mut next, mut chunks) = (Cursor::START, Vec::new());
    loop {
        let chunk = store.read(key, next, max_bytes).await?;
        assert!(chunk.entries.iter().map(|e| e.bytes.len()).sum::<usize>() <= max_bytes, "max_bytes holds");
        next = chunk.next;
        let is_last = chunk.entries.is_empty() && chunk.dropped.is_none();
        chunks.push(chunk);
        if is_last {
            return Ok(chunks);
        }
    }
}

pub(super) async fn text_of(store: &Store, key: LogKey) -> Result<Vec<u8>, LogError> {
    let chunks = read_all(store, key, 1 << 20).await?;
    Ok(chunks.iter().flat_map(|c| &c.entries).flat_map(|e| e.bytes.to_vec()).collect())
}

pub(super) async fn lines_of(mut reader: LineReader) -> Result<Vec<String>, LogError> {
    let mut lines = Vec::new();
    while let Some(output) = reader.next().await? {
        lines.push(match output {
            Output::Line(line) => String::from_utf8_lossy(&line.text).into_owned(),
            Output::Dropped(bytes) => format!("dropped {bytes}"),
        });
    }
    Ok(lines)
}
