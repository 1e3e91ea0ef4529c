//! How a worker is told to end: first it takes no more work, then it stops what it runs.

use std::time::Duration;

use tokio::sync::watch;

/// What a worker is told. The later, the harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing.
    None,
    /// Take no more work; stop what still runs after this long.
    Drain(Option<Duration>),
    /// Stop what runs, with its own grace period or this one where that is shorter.
    Stop(Option<Duration>),
    /// Stop what runs, at once.
    Now,
}

impl Ending {
    fn hardness(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Drain(_) => 1,
            Self::Stop(_) => 2,
            Self::Now => 3,
        }
    }
}

/// Ends a worker. Each call makes the end harder, never softer. Dropping it ends nothing.
///
/// ```
/// use std::time::Duration;
/// use ktk_client::worker::Shutdown;
/// let (shutdown, signal) = Shutdown::new();
/// shutdown.drain(Some(Duration::from_secs(60)));
/// shutdown.stop_now();
/// # drop(signal);
/// ```
#[derive(Debug)]
pub struct Shutdown(watch::Sender<Ending>);

/// What a [`Worker`](super::Worker) listens to.
///
/// ```no_run
/// # use ktk_client::worker::{ShutdownSignal, Worker};
/// # async fn example(first: Worker, second: Worker, signal: ShutdownSignal) {
/// let (a, b) = tokio::join!(first.run(signal.clone()), second.run(signal));
/// # drop((a, b));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ShutdownSignal(watch::Receiver<Ending>);

impl Shutdown {
    /// What ends a worker, and what the worker listens to.
    ///
    /// ```
    /// use ktk_client::worker::Shutdown;
    /// let (shutdown, signal) = Shutdown::new();
    /// # drop((shutdown, signal));
    /// ```
    pub fn new() -> (Self, ShutdownSignal) {
        let (sender, receiver) = watch::channel(Ending::None);
        (Self(sender), ShutdownSignal(receiver))
    }

    /// The worker takes no more work and ends when what it runs has ended. Its lease is renewed
    /// and cancelling works until then. With a limit, what runs longer than that is stopped.
    ///
    /// ```
    /// # let (shutdown, _signal) = ktk_client::worker::Shutdown::new();
    /// shutdown.drain(None);
    /// ```
    pub fn drain(&self, limit: Option<Duration>) {
        self.harden(Ending::Drain(limit));
    }

    /// What the worker runs is stopped with its own grace period, at most `grace`, and goes back
    /// to the queue.
    ///
    /// ```
    /// # let (shutdown, _signal) = ktk_client::worker::Shutdown::new();
    /// shutdown.stop(Some(std::time::Duration::from_secs(5)));
    /// ```
    pub fn stop(&self, grace: Option<Duration>) {
        self.harden(Ending::Stop(grace));
    }

    /// What the worker runs is stopped at once and goes back to the queue.
    ///
    /// ```
    /// # let (shutdown, _signal) = ktk_client::worker::Shutdown::new();
    /// shutdown.stop_now();
    /// ```
    pub fn stop_now(&self) {
        self.harden(Ending::Now);
    }

    fn harden(&self, ending: Ending) {
        self.0.send_if_modified(|current| {
            let is_harder = ending.hardness() > current.hardness();
            if is_harder {
                *current = ending;
            }
            is_harder
        });
    }
}

impl ShutdownSignal {
    /// A signal that never comes.
    ///
    /// ```no_run
    /// # use ktk_client::worker::{ShutdownSignal, Worker};
    /// # async fn example(worker: Worker) -> ktk_client::client::Result<()> {
    /// worker.run(ShutdownSignal::never()).await
    /// # }
    /// ```
    pub fn never() -> Self {
        Shutdown::new().1
    }

    /// Waits for the next word; for ever where there is nobody left to say it.
    pub(super) async fn changed(&mut self) -> Ending {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_gets_harder_only() {
        let (shutdown, mut signal) = Shutdown::new();
        shutdown.stop(None);
        shutdown.drain(None);
        assert_eq!(signal.changed().await, Ending::Stop(None));
        shutdown.stop_now();
        shutdown.stop(None);
        assert_eq!(signal.changed().await, Ending::Now);
    }
}
