//! Reading what grows: nothing is missed, and it ends.

use std::sync::Arc;

use super::{FENCE, Outcome, Store, lines_of, new_key};
use crate::logs::{Cursor, LineReader, LogWriter, Stream};
use jiff::Timestamp;

pub(in crate::logs) async fn followers_see_everything(store: Store) -> Outcome {
    let key = new_key();
    let follower = LineReader::new(Arc::clone(&store), key, Cursor::START).following();
    #[expect(clippy::disallowed_methods, reason = "the test joins it")]
    let follower = tokio::spawn(lines_of(follower));
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    for number in 0..500 {
        writer.write(Stream::Stdout, format!("{number}\n").as_bytes(), Timestamp::UNIX_EPOCH).await?;
        writer.flush().await?;
        if number % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    writer.finish().await?;
    let seen = follower.await.expect("the follower does not panic")?;
    assert_eq!(seen, (0..500).map(|n| n.to_string()).collect::<Vec<_>>());
    Ok(())
}

pub(in crate::logs) async fn followers_of_silent_attempts_end(store: Store) -> Outcome {
    let key = new_key();
    assert!(store.read(key, Cursor::START, 9).await?.ended, "nobody writes it");
    let mut subscription = store.subscribe(key);
    assert!(!store.read(key, Cursor::START, 9).await?.ended, "somebody waits for its writer");
    store.finish(key).await?;
    subscription.changed().await;
    assert!(store.read(key, Cursor::START, 9).await?.ended);
    assert_eq!(store.attempts(key.task).await?, Vec::<u32>::new());
    Ok(())
}

pub(in crate::logs) async fn readers_while_writing(store: Store) -> Outcome {
    const LINES: usize = 20_000;
    let key = new_key();
    #[expect(clippy::disallowed_methods, reason = "the test joins them")]
    let readers: Vec<_> = (0..3)
        .map(|_| LineReader::new(Arc::clone(&store), key, Cursor::START).following())
        .map(|reader| tokio::spawn(lines_of(reader)))
        .collect();
    let mut writer = LogWriter::new(Arc::clone(&store), key, FENCE);
    for number in 0..LINES {
        let stream = if number % 3 == 0 { Stream::Stderr } else { Stream::Stdout };
        let line = format!("{number:0width$}\n", width = number % 900);
        writer.write(stream, line.as_bytes(), Timestamp::UNIX_EPOCH).await?;
    }
    writer.finish().await?;
    for reader in readers {
        let lines = reader.await.expect("a reader does not panic")?;
        let numbers = lines.iter().map(|line| line.parse::<usize>().expect("a whole line"));
        assert!(numbers.eq(0..LINES));
    }
    Ok(())
}
