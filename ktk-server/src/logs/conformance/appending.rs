//! What an append stores, and which appends are refused.

use std::sync::Arc;

use super::{FENCE, Outcome, Store, entry, new_key, out, text_of};
use crate::logs::{Cursor, Entry, Fence, LogError, LogKey, LogWriter, Stream};
use jiff::Timestamp;

pub(in crate::logs) async fn order_and_exact_bytes(store: Store) -> Outcome {
    let key = new_key();
    let entries = [
        entry(5, Stream::Stdout, b"a\xff\x00\xfe"),
        entry(3, Stream::Stderr, b"\xc3"),
        entry(9, Stream::Stdout, "z\r\n"),
    ];
    assert_eq!(store.append(key, FENCE, 0, &entries[..1]).await?, 4);
    assert_eq!(store.append(key, FENCE, 4, &entries[1..]).await?, 8);
    let chunk = store.read(key, Cursor::START, 100).await?;
    assert_eq!((chunk.entries.as_slice(), chunk.dropped, chunk.ended), (&entries[..], None, false));
    store.finish(key).await?;
    assert!(store.read(key, chunk.next, 100).await?.ended);
    let fine = Timestamp::from_nanosecond(1_234_567_890).expect("a small time");
    let other = new_key();
    store.append(other, FENCE, 0, &[Entry { time: fine, ..out("x") }]).await?;
    let stored = store.read(other, Cursor::START, 1).await?.entries[0].time;
    assert_eq!(stored.as_nanosecond(), 1_234_567_000, "times are kept to the microsecond");
    Ok(())
}

pub(in crate::logs) async fn repeated_appends_add_nothing(store: Store) -> Outcome {
    let key = new_key();
    store.append(key, FENCE, 0, &[out("abc")]).await?;
    assert_eq!(store.append(key, FENCE, 0, &[out("abc")]).await?, 3);
    assert_eq!(store.append(key, FENCE, 0, &[out("abc"), out("def")]).await?, 6, "the second half is new");
    assert_eq!(store.append(key, FENCE, 1, &[out("bc")]).await?, 6);
    assert_eq!(text_of(&store, key).await?, b"abcdef");
    Ok(())
}

pub(in crate::logs) async fn gaps_are_refused(store: Store) -> Outcome {
    let key = new_key();
    let refused = store.append(key, FENCE, 1, &[out("x")]).await;
    assert!(matches!(refused, Err(LogError::Gap { end: 0, offset: 1, .. })), "{refused:?}");
    store.append(key, FENCE, 0, &[out("abc")]).await?;
    let refused = store.append(key, FENCE, 4, &[out("x")]).await;
    assert!(matches!(refused, Err(LogError::Gap { end: 3, offset: 4, .. })), "{refused:?}");
    assert_eq!(text_of(&store, key).await?, b"abc");
    Ok(())
}

pub(in crate::logs) async fn older_fences_are_refused(store: Store) -> Outcome {
    let key = new_key();
    let newer = Fence { epoch: 2, counter: 0 };
    store.append(key, FENCE, 0, &[out("old ")]).await?;
    store.append(key, newer, 4, &[out("new")]).await?;
    let refused = store.append(key, FENCE, 7, &[out("late")]).await;
    assert!(matches!(refused, Err(LogError::Fenced { newest, .. }) if newest == newer), "{refused:?}");
    assert!(matches!(store.skip(key, FENCE, 7, 9).await, Err(LogError::Fenced { .. })));
    assert_eq!(text_of(&store, key).await?, b"old new");
    Ok(())
}

pub(in crate::logs) async fn finished_logs_take_no_more(store: Store) -> Outcome {
    let key = new_key();
    store.append(key, FENCE, 0, &[out("abc")]).await?;
    store.finish(key).await?;
    store.finish(key).await?;
    assert_eq!(store.append(key, FENCE, 0, &[out("abc")]).await?, 3, "a retry learns that it had succeeded");
    assert!(matches!(store.append(key, FENCE, 3, &[out("d")]).await, Err(LogError::Finished { .. })));
    assert_eq!(text_of(&store, key).await?, b"abc");
    Ok(())
}

pub(in crate::logs) async fn tiny_entries_are_kept(store: Store) -> Outcome {
    let key = new_key();
    let entries: Vec<Entry> = (0..100_000u32).map(|n| out([n as u8])).collect();
    store.append(key, FENCE, 0, &entries).await?;
    let text = text_of(&store, key).await?;
    assert!(text.iter().enumerate().all(|(index, byte)| *byte == index as u8) && text.len() == 100_000);
    Ok(())
}

pub(in crate::logs) async fn removed_is_removed(store: Store) -> Outcome {
    let (first, other) = (new_key(), new_key());
    let second = LogKey { attempt: 12, ..first };
    for key in [second, first, other] {
        store.append(key, FENCE, 0, &[out("abc")]).await?;
    }
    store.finish(first).await?;
    assert_eq!(store.attempts(first.task).await?, [1, 12]);
    let last_byte = first.task.as_bytes()[15];
    assert!(store.tasks(last_byte).await?.contains(&first.task));
    assert!(!store.tasks(last_byte ^ 1).await?.contains(&first.task));
    let mut subscription = store.subscribe(second);
    store.remove(first.task).await?;
    subscription.changed().await;
    for key in [first, second] {
        let chunk = store.read(key, Cursor::START, 9).await?;
        assert!(chunk.entries.is_empty() && chunk.ended);
    }
    for offset in [0, 3] {
        let refused = store.append(second, FENCE, offset, &[out("back again")]).await;
        assert!(matches!(refused, Err(LogError::Finished { .. } | LogError::Gap { .. })), "{refused:?}");
    }
    assert_eq!(store.attempts(first.task).await?, Vec::<u32>::new());
    store.remove(first.task).await?;
    assert_eq!(text_of(&store, other).await?, b"abc");
    Ok(())
}

pub(in crate::logs) async fn a_writer_records_what_it_lost(store: Store) -> Outcome {
    let key = new_key();
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    writer.write(Stream::Stdout, b"first\n", Timestamp::UNIX_EPOCH).await?;
    writer.flush().await?;
    // Somebody else wrote what this writer has not: all it knows is that the store refuses it.
    store.append(key, Fence { epoch: 9, counter: 9 }, 6, &[]).await?;
    let block = vec![b'x'; 1 << 20];
    for _ in 0..5 {
        assert!(writer.write(Stream::Stderr, &block, Timestamp::UNIX_EPOCH).await.is_err());
    }
    assert_eq!(writer.lost_bytes(), 4 << 20, "a backlog is kept, and no more");
    assert_eq!(writer.unwritten_bytes(), 5 << 20);
    assert!(writer.finish().await.is_err());
    assert_eq!(text_of(&store, key).await?, b"first\n");
    assert!(store.read(key, Cursor::at(6), 1).await?.ended);
    Ok(())
}
