//! Waiting for an event with a deadline, the only way in which a test waits.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(5);

/// Asks `probe` again and again until it has an answer.
///
/// # Panics
/// When there is none by the deadline; the message names `what`.
#[track_caller]
pub fn eventually<T>(what: &str, deadline: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        #[expect(clippy::disallowed_methods, reason = "the one pause that tests take, under a deadline")]
        std::thread::sleep(PAUSE);
    }
}

/// As [`eventually`], for a test on a runtime.
///
/// # Panics
/// When there is no answer by the deadline; the message names `what`.
pub async fn eventually_async<T, F>(what: &str, deadline: Duration, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        #[expect(clippy::disallowed_methods, reason = "the one pause that tests take, under a deadline")]
        tokio::time::sleep(PAUSE).await;
    }
}
