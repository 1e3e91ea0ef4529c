//! The embedded store: one SQLite file in write-ahead mode, one thread that writes, a few that
//! read. Nothing is acknowledged before it is on the disk.

mod disk;
mod failure;
mod fault;
mod group;
mod job;
mod log;
mod migrate;
mod numbers;
mod open;
mod readers;
mod recent;
mod rows;
mod schema;
mod session;
mod standing;
#[cfg(test)]
mod tests;
mod transaction;
mod tx;
mod warm;
mod writer;

use std::path::Path;

use tokio::sync::{mpsc, oneshot};

use self::{
    failure::Failure,
    job::{Answer, job},
    readers::closed,
    standing::Standing,
};
use super::{Operation, Store, StoreError, StoreInfo, StoreResult, lock::StoreLock};

pub use open::SqliteOptions;

/// A store in a directory. Clones are handles of the same store; with the last of them it is
/// closed, and the directory's lock is free soon after. [`SqliteStore::close`] waits for that.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: mpsc::Sender<writer::Order>,
    readers: mpsc::Sender<readers::Order>,
    standing: Standing,
    failure: Failure,
    info: StoreInfo,
}

impl SqliteStore {
    /// Opens the store of a directory, making it where there is none. Blocks for a moment.
    ///
    /// # Errors
    /// `Locked` when another server has it, `NewerSchema` when a newer ktk made it,
    /// `Unavailable` and `Failed` when the directory or file cannot be used.
    pub fn open(dir: &Path, options: &SqliteOptions) -> StoreResult<Self> {
        let lock = StoreLock::acquire(dir)?;
        let opened = open::open(&lock, options)?;
        let info = StoreInfo { kind: "sqlite", id: opened.id, epoch: opened.numbers.epoch };
        let failure = Failure::new();
        let standing = Standing::default();
        let threads = readers::start(&opened, options).and_then(|(sender, readers)| {
            let others = writer::Others { failure: failure.clone(), readers };
            Ok((writer::start(opened, standing.clone(), others, lock)?, sender))
        });
        let (writer, readers) = threads
            .map_err(|error| StoreError::Unavailable(format!("cannot start the store's threads: {error}")))?;
        Ok(Self { writer, readers, standing, failure, info })
    }

    /// Finishes what waits, closes the file and frees the directory, also when there are other
    /// handles: they answer `Unavailable` from then on.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.writer.send(writer::Order::Close(done)).await.is_ok() {
            // Nothing is ever sent: the writer drops its end when all is closed.
            let _ = closed.await;
        }
    }

    /// Waits until the store has failed for good (a failed sync of the disk), and says why. The
    /// server must then end: what it acknowledged is safe, and it can acknowledge nothing more.
    pub async fn failed(&self) -> String {
        self.failure.wait().await
    }

    /// What became of a job whose answer did not come.
    fn lost(&self) -> StoreError {
        self.failure.get().map_or_else(closed, StoreError::Failed)
    }

    async fn answer<O: Operation>(&self, answer: Answer<O>) -> Result<O::Output, O::Error> {
        answer.await.unwrap_or_else(|_| Err(self.lost().into()))
    }
}

impl Store for SqliteStore {
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        let (job, answer) = job(operation);
        match self.writer.send(writer::Order::Run(job)).await {
            Ok(()) => self.answer::<O>(answer).await,
            Err(_) => Err(self.lost().into()),
        }
    }

    async fn stand<O: Operation>(
        &self,
        operation: O,
        otherwise: impl Future<Output = ()> + Send,
    ) -> Option<Result<O::Output, O::Error>> {
        let (job, mut answer) = job(operation);
        let place = self.standing.stand(job);
        tokio::select! {
            biased;
            outcome = &mut answer => return Some(outcome.unwrap_or_else(|_| Err(self.lost().into()))),
            () = otherwise => {}
        }
        if place.leave() { None } else { Some(self.answer::<O>(answer).await) }
    }

    async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        let (job, answer) = job(operation);
        match self.readers.send(readers::Order::Run(job)).await {
            Ok(()) => self.answer::<O>(answer).await,
            Err(_) => Err(self.lost().into()),
        }
    }

    fn info(&self) -> StoreInfo {
        self.info.clone()
    }
}
