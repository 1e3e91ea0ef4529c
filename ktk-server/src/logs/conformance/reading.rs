//! What a reader gets: places, gaps, the cap, lines.

use std::sync::Arc;

use super::{FENCE, Outcome, Store, entry, lines_of, new_key, out, read_all};
use crate::limits::{LOG_HEAD_BYTES, LOG_LINE_BYTES, LOG_TAIL_BYTES};
use crate::logs::{Cursor, Entry, LineReader, LogWriter, Stream};
use jiff::Timestamp;

pub(in crate::logs) async fn places_inside_entries(store: Store) -> Outcome {
    let key = new_key();
    store.append(key, FENCE, 0, &[out("0123456789"), out(""), out("abc")]).await?;
    for from in 0..=13 {
        let chunk = store.read(key, Cursor::at(from), 100).await?;
        let text: Vec<u8> = chunk.entries.iter().flat_map(|e| e.bytes.to_vec()).collect();
        assert_eq!(text, b"0123456789abc"[from as usize..], "from {from}");
        let next: Cursor = chunk.next.to_string().parse().expect("a cursor survives being text");
        assert_eq!((next, next.offset), (chunk.next, 13));
    }
    let parts = read_all(&store, key, 3).await?;
    let sizes: Vec<usize> = parts.iter().map(|c| c.entries.iter().map(|e| e.bytes.len()).sum()).collect();
    assert_eq!(sizes, [3, 3, 3, 3, 1, 0]);
    let wrong_hint = Cursor { offset: 10, hint: 17 };
    assert_eq!(store.read(key, wrong_hint, 9).await?.entries, [out("abc")]);
    Ok(())
}

pub(in crate::logs) async fn skipped_bytes_are_reported(store: Store) -> Outcome {
    let key = new_key();
    store.append(key, FENCE, 0, &[out("be\ngun")]).await?;
    assert_eq!(store.skip(key, FENCE, 6, 1000).await?, 1006);
    assert_eq!(store.skip(key, FENCE, 0, 1000).await?, 1006, "it is there already");
    assert_eq!(store.append(key, FENCE, 1006, &[out("rest\n")]).await?, 1011);
    assert_eq!(store.read(key, Cursor::at(500), 9).await?.dropped, Some(506));
    let chunks = read_all(&store, key, 100).await?;
    assert_eq!(chunks.iter().map(|c| c.dropped).collect::<Vec<_>>(), [None, Some(1000), None]);
    let lines = lines_of(LineReader::new(store, key, Cursor::START)).await?;
    assert_eq!(lines, ["be", "gun", "dropped 1000", "rest"]);
    Ok(())
}

pub(in crate::logs) async fn the_middle_is_dropped(store: Store) -> Outcome {
    const LINE: u64 = 500;
    const LINES: u64 = 220_000;
    let key = new_key();
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    for number in 0..LINES {
        let line = format!("{number:0width$}\n", width = LINE as usize - 1);
        writer.write(Stream::Stdout, line.as_bytes(), Timestamp::UNIX_EPOCH).await?;
    }
    writer.finish().await?;
    let (mut next, mut offset, mut drops) = (Cursor::START, 0, Vec::new());
    loop {
        let chunk = store.read(key, next, 1 << 20).await?;
        offset += chunk.dropped.unwrap_or(0);
        drops.extend(chunk.dropped.map(|dropped| (next.offset, dropped)));
        for entry in &chunk.entries {
            let mut bytes = entry.bytes.as_ref();
            while !bytes.is_empty() {
                let (number, at) = (offset / LINE, (offset % LINE) as usize);
                let line = format!("{number:0width$}\n", width = LINE as usize - 1);
                let length = bytes.len().min(line.len() - at);
                assert!(bytes[..length] == line.as_bytes()[at..at + length], "wrong at {offset}");
                (bytes, offset) = (&bytes[length..], offset + length as u64);
            }
        }
        assert_eq!(chunk.next.offset, offset);
        next = chunk.next;
        if chunk.ended {
            break;
        }
    }
    assert_eq!(offset, LINES * LINE);
    assert_eq!(drops, [(LOG_HEAD_BYTES, LINES * LINE - LOG_HEAD_BYTES - LOG_TAIL_BYTES)]);
    let last = lines_of(LineReader::tail(Arc::clone(&store), key, 3).await?).await?;
    let numbers: Vec<u64> = last.iter().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(numbers, [LINES - 3, LINES - 2, LINES - 1]);
    let all = lines_of(LineReader::tail(store, key, 150_000).await?).await?.len() as u64;
    assert!((LOG_HEAD_BYTES + LOG_TAIL_BYTES).div_ceil(LINE).abs_diff(all) <= 2, "{all} lines are left");
    Ok(())
}

pub(in crate::logs) async fn the_last_lines(store: Store) -> Outcome {
    let key = new_key();
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    writer.write(Stream::Stderr, b"begun early", Timestamp::UNIX_EPOCH).await?;
    let filler = "x".repeat(200);
    for number in 0..2000 {
        let line = format!("{number} {filler}\n");
        writer.write(Stream::Stdout, line.as_bytes(), Timestamp::UNIX_EPOCH).await?;
    }
    writer.flush().await?;
    let firsts = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split(" x").next().unwrap_or_default().to_owned()).collect()
    };
    let tail = async |count| LineReader::tail(Arc::clone(&store), key, count).await;
    assert_eq!(lines_of(tail(0).await?).await?, ["begun early"; 0]);
    let open = tail(2).await?;
    writer.write(Stream::Stderr, b", ended late\nlast", Timestamp::UNIX_EPOCH).await?;
    writer.finish().await?;
    assert_eq!(firsts(lines_of(open).await?), ["1998", "1999", ", ended late", "last"]);
    assert_eq!(lines_of(tail(1).await?).await?, ["last"]);
    assert_eq!(firsts(lines_of(tail(3).await?).await?), ["1999", "begun early, ended late", "last"]);
    assert_eq!(lines_of(tail(1500).await?).await?.len(), 1500);
    assert_eq!(lines_of(tail(5000).await?).await?.len(), 2002);
    Ok(())
}

pub(in crate::logs) async fn lines_since(store: Store) -> Outcome {
    let key = new_key();
    let entries: Vec<Entry> =
        (0..10).map(|n| entry(n, Stream::Stdout, format!("{n} begins\n{n} goes"))).collect();
    store.append(key, FENCE, 0, &entries).await?;
    let since = Timestamp::from_millisecond(8).expect("a small time");
    let lines = lines_of(LineReader::new(store, key, Cursor::START).since(since)).await?;
    assert_eq!(lines, ["8 goes9 begins", "9 goes"], "a line's time is that of its first byte");
    Ok(())
}

pub(in crate::logs) async fn long_lines_are_split(store: Store) -> Outcome {
    let key = new_key();
    let text = format!("{}\nshort\n", "x".repeat(2 * LOG_LINE_BYTES + 5));
    store.append(key, FENCE, 0, &[out(text)]).await?;
    store.finish(key).await?;
    let lines = lines_of(LineReader::new(store, key, Cursor::START)).await?;
    let lengths: Vec<usize> = lines.iter().map(String::len).collect();
    assert_eq!(lengths, [LOG_LINE_BYTES, LOG_LINE_BYTES, 5, 5]);
    Ok(())
}
