//! Work for a server: no-op handlers in this process, tasks in batches, waiting for their end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{anyhow, ensure};
use ktk_client::{
    Client,
    api::{Task, task::TaskSpec},
    client::Result,
    worker::{HandlerError, Shutdown, Worker},
};
use tokio::{sync::Notify, task::JoinHandle};

use super::patience::{LONG, SHORT, within};

/// The type of the no-op tasks.
pub const NOOP: &str = "noop";

/// Between two looks at what is left; it costs what is measured little.
const POLL: Duration = Duration::from_millis(3);

/// A worker of this process whose handler does nothing but count.
pub struct NoopWorker {
    shutdown: Shutdown,
    running: JoinHandle<Result<()>>,
    handled: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl NoopWorker {
    /// Starts it and waits until the server knows its handler.
    pub async fn start(client: &Client, slots: u32) -> anyhow::Result<Self> {
        let (shutdown, signal) = Shutdown::new();
        let (handled, changed) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let seen = (Arc::clone(&handled), Arc::clone(&changed));
        let worker = Worker::builder(client.clone())
            .name("bench")
            .slots(slots)
            .handler(NOOP, move |_| {
                seen.0.fetch_add(1, Ordering::Relaxed);
                seen.1.notify_one();
                async { Ok::<_, HandlerError>(()) }
            })
            .build();
        #[expect(clippy::disallowed_methods, reason = "it is awaited when it is stopped")]
        let running = tokio::spawn(worker.run(signal));
        within(SHORT, "the worker's handler", async {
            while let Err(error) =
                client.tasks().create(&Task::new("is-it-there", TaskSpec::handler(NOOP))).await
            {
                ensure!(!running.is_finished(), "the worker has ended; the last refusal: {error}");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        })
        .await?;
        until_idle(client).await?;
        handled.store(0, Ordering::Relaxed);
        Ok(Self { shutdown, running, handled, changed })
    }

    /// Waits until it has handled so many, and nothing is left to report.
    pub async fn handled(&self, client: &Client, count: usize) -> anyhow::Result<()> {
        within(LONG, "the handlers", async {
            while self.handled.load(Ordering::Relaxed) < count {
                self.changed.notified().await;
            }
            Ok(())
        })
        .await?;
        until_idle(client).await?;
        self.handled.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Ends it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.stop(None);
        within(SHORT, "the worker's end", async { Ok(self.running.await??) }).await
    }
}

/// Waits until nothing runs and nothing waits.
pub async fn until_idle(client: &Client) -> anyhow::Result<()> {
    within(LONG, "the end of all tasks", async {
        loop {
            let counts = client.server().status().await?.counts;
            if counts.pending + counts.running == 0 {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await
}

/// Creates tasks of one spec in batches. Their names are the server's: one for each is made up by it.
pub async fn create(client: &Client, spec: &TaskSpec, count: usize, batch: usize) -> anyhow::Result<()> {
    let mut task = Task::new("", spec.clone());
    task.metadata.name = None;
    let tasks = vec![task; batch];
    let mut left = count;
    while left > 0 {
        let now = left.min(batch);
        for created in client.tasks().create_many(&tasks[..now]).await? {
            created.map_err(|error| anyhow!("{error:?}"))?;
        }
        left -= now;
    }
    Ok(())
}
