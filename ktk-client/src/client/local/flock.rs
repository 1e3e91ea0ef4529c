//! Locks between processes: `flock`, which dies with its holder.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use crate::client::clock;

/// Takes a lock for itself; makes its file where there is none. `None` where it was not free in
/// time. Dropping the file gives the lock back.
pub(super) async fn acquire(path: &Path, limit: Duration) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    lock(file, FlockOperation::NonBlockingLockExclusive, FlockOperation::LockExclusive, limit).await
}

/// Whether somebody holds a lock now. A file that is not there is held by nobody.
pub(super) fn is_held(path: &Path) -> io::Result<bool> {
    let Some(file) = open(path)? else { return Ok(false) };
    Ok(!try_lock(&file, FlockOperation::NonBlockingLockShared)?)
}

/// Waits until nobody holds a lock; says whether that came in time.
pub(super) async fn wait_until_free(path: &Path, limit: Duration) -> io::Result<bool> {
    let Some(file) = open(path)? else { return Ok(true) };
    let lock = lock(file, FlockOperation::NonBlockingLockShared, FlockOperation::LockShared, limit);
    Ok(lock.await?.is_some())
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn try_lock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    match flock(file, operation) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn lock(
    file: File,
    at_once: FlockOperation,
    waiting: FlockOperation,
    limit: Duration,
) -> io::Result<Option<File>> {
    if try_lock(&file, at_once)? {
        return Ok(Some(file));
    }
    // A thread of its own, not the runtime's: nobody waits for its end when time is up, and a
    // lock that comes too late is given back with the file.
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("ktk-lock".to_owned()).spawn(move || {
        let result = loop {
            match flock(&file, waiting) {
                Err(rustix::io::Errno::INTR) => {}
                result => break result,
            }
        };
        let _ = sender.send(result.map(|()| file));
    })?;
    match clock::within(Some(limit), receiver).await {
        Some(Ok(result)) => Ok(Some(result?)),
        Some(Err(_)) => Err(io::Error::other("the thread that waited for a lock has ended")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a test's own task")]
    async fn a_lock_is_taken_once_and_waited_for() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("lock");
        assert!(!is_held(&path).expect("asked"));
        let held = acquire(&path, LONG).await.expect("asked").expect("free");
        assert!(is_held(&path).expect("asked"));
        assert!(acquire(&path, Duration::from_millis(10)).await.expect("asked").is_none());

        let waiting = tokio::spawn({
            let path = path.clone();
            async move { wait_until_free(&path, LONG).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        assert!(waiting.await.expect("no panic").expect("asked"));
        assert!(acquire(&path, LONG).await.expect("asked").is_some());
    }
}
