//! The one place of the runtime where tasks are started.

use std::future::Future;

/// Starts an attempt. Its end is not lost: the attempt's last act is to say it to the loop that
/// started it, which waits for every one before it ends; a panic is caught within.
#[expect(clippy::disallowed_methods, reason = "the home of tasks")]
pub(super) fn start_attempt(attempt: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(attempt);
}
