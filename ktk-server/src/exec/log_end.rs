//! The end of an attempt's log. A store that cannot take it, as on a full disk, is asked again for a while; what
//! it has not taken by then is told where the attempt's end is told.

use std::time::Duration;

use ktk_client::{api::worker::Outcome, worker::StopSignal};

use crate::{
    limits::{LOG_END_PATIENCE, LOG_END_PAUSE, LOG_END_STOPPED_PATIENCE},
    logs::{LogError, LogWriter},
};

/// Ends a log. The answer is what of it is lost, and why. Whoever was told to stop does not wait long.
pub async fn end_log(mut writer: LogWriter, mut stop: StopSignal) -> Option<String> {
    let mut pause = LOG_END_PAUSE.0;
    let mut waited = Duration::ZERO;
    while let Err(error) = writer.flush().await {
        let patience = if stop.now().is_some() { LOG_END_STOPPED_PATIENCE } else { LOG_END_PATIENCE };
        if waited >= patience || !matches!(error, LogError::Io { .. }) {
            break;
        }
        if waited.is_zero() {
            tracing::warn!(error = with_source(&error), "the end of a log cannot be written, its task waits");
        }
        let begun = tokio::time::Instant::now();
        tokio::select! {
            () = tokio::time::sleep(pause.min(patience - waited)) => {}
            _ = stop.changed() => {}
        }
        waited += begun.elapsed();
        pause = (pause * 2).min(LOG_END_PAUSE.1);
    }
    let bytes = writer.unwritten_bytes();
    let error = with_source(&writer.finish().await.err()?);
    tracing::warn!(error, bytes, "the end of a log is lost");
    (bytes > 0).then(|| format!("the last {bytes} bytes of its log are lost: {error}"))
}

/// An end that tells as well what of the log is lost.
pub fn with_loss(outcome: Outcome, lost: Option<String>) -> Outcome {
    let Some(lost) = lost else { return outcome };
    let message = match outcome.message {
        Some(message) => format!("{message}; {lost}"),
        None => lost,
    };
    Outcome { message: Some(message), ..outcome }
}

fn with_source(error: &LogError) -> String {
    match error {
        LogError::Io { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use jiff::Timestamp;
    use ktk_client::{
        api::{log::Stream, worker::Fence},
        worker::Stop,
    };
    use tokio::time::Instant;
    use uuid::Uuid;

    use super::*;
    use crate::logs::{Chunk, Cursor, Entry, LogKey, LogStore, MemoryLogStore, Subscription};

    const KEY: LogKey = LogKey { task: Uuid::max(), attempt: 1 };
    const FENCE: Fence = Fence { epoch: 1, counter: 1 };
    type Answer<'a, T> = ktk_client::worker::BoxFuture<'a, Result<T, LogError>>;

    /// A store whose disk is full for so many appends.
    struct Full {
        store: MemoryLogStore,
        refusals: AtomicU32,
    }

    impl Full {
        fn is_refused(&self) -> bool {
            let less = |left: u32| left.checked_sub(1);
            self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
        }
    }

    impl LogStore for Full {
        fn append<'a>(
            &'a self,
            key: LogKey,
            fence: Fence,
            offset: u64,
            entries: &'a [Entry],
        ) -> Answer<'a, u64> {
            if self.is_refused() {
                let source = std::io::ErrorKind::StorageFull.into();
                let error = LogError::Io { action: "write", task: key.task, source };
                return Box::pin(async { Err(error) });
            }
            self.store.append(key, fence, offset, entries)
        }

        fn skip(&self, key: LogKey, fence: Fence, offset: u64, bytes: u64) -> Answer<'_, u64> {
            self.store.skip(key, fence, offset, bytes)
        }

        fn finish(&self, key: LogKey) -> Answer<'_, ()> {
            self.store.finish(key)
        }

        fn read(&self, key: LogKey, from: Cursor, max_bytes: usize) -> Answer<'_, Chunk> {
            self.store.read(key, from, max_bytes)
        }

        fn end(&self, key: LogKey) -> Answer<'_, u64> {
            self.store.end(key)
        }

        fn subscribe(&self, key: LogKey) -> Subscription {
            self.store.subscribe(key)
        }

        fn attempts(&self, task: Uuid) -> Answer<'_, Vec<u32>> {
            self.store.attempts(task)
        }

        fn tasks(&self, last_byte: u8) -> Answer<'_, Vec<Uuid>> {
            self.store.tasks(last_byte)
        }

        fn remove(&self, task: Uuid) -> Answer<'_, ()> {
            self.store.remove(task)
        }
    }

    /// What is said to be lost of four bytes, what is there of them, and how long it took.
    async fn end(refusals: u32, stop: Option<Stop>) -> (Option<String>, Vec<u8>, Duration) {
        let store = Arc::new(Full { store: MemoryLogStore::default(), refusals: AtomicU32::new(refusals) });
        let mut writer = LogWriter::new(store.clone(), KEY, FENCE);
        writer.write(Stream::Stdout, b"last", Timestamp::UNIX_EPOCH).await.unwrap();
        let (sender, signal) = StopSignal::new();
        sender.send(stop).unwrap();
        let begun = Instant::now();
        let lost = end_log(writer, signal).await;
        let chunk = store.read(KEY, Cursor::START, 100).await.unwrap();
        assert!(chunk.ended, "readers are told that nothing more comes");
        let kept = chunk.entries.into_iter().flat_map(|entry| entry.bytes).collect();
        (lost, kept, begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_is_full_for_a_while_loses_nothing() {
        let (lost, kept, waited) = end(20, None).await;
        assert_eq!((lost, kept.as_slice()), (None, &b"last"[..]));
        assert!(waited < LOG_END_PATIENCE, "{waited:?}");
        assert_eq!(end(0, Some(Stop::Now)).await, (None, b"last".into(), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_is_told() {
        let (lost, kept, waited) = end(u32::MAX, None).await;
        let lost = lost.unwrap();
        assert!(
            lost.starts_with("the last 4 bytes of its log are lost: cannot write the log of task "),
            "{lost}"
        );
        assert!(kept.is_empty() && waited >= LOG_END_PATIENCE && waited < LOG_END_PATIENCE * 2, "{waited:?}");
        let told = |message: Option<&str>| {
            let outcome = Outcome { message: message.map(Into::into), ..Outcome::default() };
            with_loss(outcome, Some("lost".into())).message.unwrap()
        };
        assert_eq!((told(None), told(Some("exit code 1"))), ("lost".into(), "exit code 1; lost".into()));
        assert_eq!(with_loss(Outcome::default(), None), Outcome::default());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_to_stop_does_not_wait_long() {
        let (lost, _, waited) = end(u32::MAX, Some(Stop::Now)).await;
        assert!(lost.is_some() && waited < LOG_END_PATIENCE / 10, "{waited:?}");
    }
}
