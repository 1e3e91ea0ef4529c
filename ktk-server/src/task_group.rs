//! Background work: the one home of `tokio::spawn`. Every task has a name and says what its end means.
//!
//! What the tasks do, and when the process is to end, is decided elsewhere.

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

type Name = Cow<'static, str>;
type Source = Box<dyn std::error::Error + Send + Sync>;

/// The end of a task that the process cannot go on without.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    #[error("the {name} ended by itself")]
    Ended { name: Name },
    #[error("the {name} failed")]
    Failed { name: Name, source: Source },
    #[error("the {name} panicked: {message}")]
    Panicked { name: Name, message: String },
}

/// Tasks that live as long as their group: dropping it aborts them.
#[derive(Debug)]
pub struct TaskGroup {
    spawner: Spawner,
    failures: mpsc::UnboundedReceiver<TaskFailure>,
}

/// Starts tasks in a group. Once the group is gone, what is started ends at once.
#[derive(Clone, Debug)]
pub struct Spawner {
    tracker: TaskTracker,
    aborted: CancellationToken,
    failed: mpsc::UnboundedSender<TaskFailure>,
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl TaskGroup {
    /// An empty group.
    pub fn new() -> Self {
        let (failed, failures) = mpsc::unbounded_channel();
        let spawner = Spawner { tracker: TaskTracker::new(), aborted: CancellationToken::new(), failed };
        Self { spawner, failures }
    }

    /// What starts tasks here.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Waits until a critical task has ended: the process' run is over, and this is why.
    pub async fn failure(&mut self) -> TaskFailure {
        self.failures.recv().await.expect("the group holds a sender itself")
    }

    /// Waits for the end of all tasks, and aborts those that take longer than `grace`. Whoever calls this has
    /// told them to end: that critical ones do is no failure any more.
    ///
    /// # Errors
    /// The first critical task that failed or panicked meanwhile.
    pub async fn shutdown(mut self, grace: Duration) -> Result<(), TaskFailure> {
        self.spawner.tracker.close();
        if tokio::time::timeout(grace, self.spawner.tracker.wait()).await.is_err() {
            tracing::debug!(tasks = self.spawner.tracker.len(), "aborting what did not end in time");
            self.spawner.aborted.cancel();
            self.spawner.tracker.wait().await;
        }
        while let Ok(failure) = self.failures.try_recv() {
            if !matches!(failure, TaskFailure::Ended { .. }) {
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.spawner.aborted.cancel();
    }
}

impl Spawner {
    /// Starts what the process cannot go on without: its end, whichever way, is the group's
    /// [`failure`](TaskGroup::failure), unless the group is being shut down.
    pub fn critical<E: Into<Source>>(
        &self,
        name: impl Into<Name>,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let name = name.into();
        let failed = self.failed.clone();
        self.start(async move {
            let failure = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) => TaskFailure::Ended { name },
                Ok(Err(error)) => TaskFailure::Failed { name, source: error.into() },
                Err(panic) => TaskFailure::Panicked { name, message: panic_message(&*panic).to_owned() },
            };
            // Without its group there is nobody whom it concerns.
            let _ = failed.send(failure);
        });
    }

    /// Starts what may end whenever it is done. Its panic is logged and concerns nobody else.
    pub fn passing(&self, name: impl Into<Name>, work: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        self.start(async move {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                tracing::error!(task = %name, panic = panic_message(&*panic), "a task panicked");
            }
        });
    }

    fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        let aborted = self.aborted.clone();
        self.tracker.spawn(async move {
            aborted.run_until_cancelled_owned(work).await;
        });
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io;

    use tokio::sync::oneshot;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn each_end_of_a_critical_task_is_a_failure() {
        let mut group = TaskGroup::new();
        group.spawner().critical("timer", async { Ok::<_, io::Error>(()) });
        assert_eq!(group.failure().await.to_string(), "the timer ended by itself");
        group.spawner().critical("worker", async { Err(io::Error::other("no slots")) });
        assert_eq!(group.failure().await.to_string(), "the worker failed");
        group.spawner().critical("sweeper", async {
            assert_eq!(1, 2, "arithmetic");
            Ok::<_, io::Error>(())
        });
        assert!(group.failure().await.to_string().contains("arithmetic"));
    }

    #[tokio::test]
    async fn passing_tasks_end_and_panic_without_harm() {
        let group = TaskGroup::new();
        group.spawner().passing("connection", async {});
        group.spawner().passing("connection", async { panic!("oh") });
        assert!(group.shutdown(LONG).await.is_ok());
    }

    #[tokio::test]
    async fn shutdown_waits_and_then_aborts() {
        let group = TaskGroup::new();
        let (done, is_done) = oneshot::channel();
        group.spawner().critical("listener", async move {
            let _ = done.send(());
            Ok::<_, io::Error>(())
        });
        group.spawner().passing("stuck", pending());
        assert!(group.shutdown(Duration::from_millis(20)).await.is_ok());
        assert!(is_done.await.is_ok());
    }

    #[tokio::test]
    async fn dropping_the_group_aborts_its_tasks() {
        let group = TaskGroup::new();
        let (held, dropped) = oneshot::channel::<()>();
        group.spawner().passing("stuck", async move {
            let _held = held;
            pending::<()>().await;
        });
        let late = group.spawner();
        drop(group);
        assert!(dropped.await.is_err(), "its future was dropped");
        let (held, dropped) = oneshot::channel::<()>();
        late.passing("late", async move {
            let _held = held;
            pending::<()>().await;
        });
        assert!(dropped.await.is_err());
    }
}
