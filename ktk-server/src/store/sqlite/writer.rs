//! The writer: one thread that owns the connection that writes.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::{
    failure::Failure,
    fault::Reach,
    group::run_group,
    job::Job,
    log::{self, Log},
    open::Opened,
    readers::Readers,
    session::Session,
    transaction::{Mode, SqliteTx},
    warm::Warm,
};
use crate::store::{StoreError, lock::StoreLock};

/// The most operations in one commit.
const GROUP: usize = 256;

/// Operations that wait beyond this many make their callers wait.
const QUEUE: usize = 1_024;

/// What the writer is told.
pub(super) enum Order {
    Run(Box<dyn Job>),
    /// Finishes what waits, then ends; the sender is dropped when all is closed.
    Close(oneshot::Sender<()>),
}

/// What the thread owns, in the order in which it goes: the lock last.
struct Writer {
    tx: SqliteTx,
    log: Log,
    failure: Failure,
    readers: Readers,
    _lock: StoreLock,
}

/// Starts the thread. It ends when told to, or when no handle is left.
pub(super) fn start(
    opened: Opened,
    failure: Failure,
    readers: Readers,
    lock: StoreLock,
) -> std::io::Result<mpsc::Sender<Order>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let tx = SqliteTx::new(
        Session::new(opened.connection, Warm::of_the_writer(), opened.recent),
        opened.numbers,
        Mode::Write { synced: true },
    );
    let writer = Writer { tx, log: opened.log, failure, readers, _lock: lock };
    thread::Builder::new().name("ktk-store".into()).spawn(move || writer.serve(receiver))?;
    Ok(sender)
}

impl Writer {
    fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        let _alarm = Alarm(self.failure.clone());
        let mut closing = Vec::new();
        while let Some(first) = orders.blocking_recv() {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(order) = next {
                match order {
                    Order::Run(job) => group.push(job),
                    Order::Close(done) => {
                        // What comes after this is refused; what waits is still done.
                        orders.close();
                        closing.push(done);
                    }
                }
                next = if group.len() < GROUP { orders.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.run(group);
            }
        }
        self.readers.end();
        if self.failure.get().is_none()
            && let Err(fault) = log::finish(&self.tx.session.connection)
        {
            tracing::warn!(error = %fault.store_error(), "the log stays: the next start copies it back");
        }
        drop(self);
        drop(closing);
    }

    fn run(&mut self, group: Vec<Box<dyn Job>>) {
        if let Some(reason) = self.failure.get() {
            group.into_iter().for_each(|job| job.refuse(StoreError::Failed(reason.clone())));
            return;
        }
        if let Err(reason) = run_group(&mut self.tx, group) {
            self.failure.set(&reason);
        } else if let Err(fault) = self.log.trim(&self.tx.session.connection) {
            let error = fault.store_error().to_string();
            match fault.reach() {
                Reach::Store => self.failure.set(&error),
                Reach::Operation | Reach::Unsynced => {
                    tracing::warn!(error, "the log cannot be copied back now")
                }
            }
        }
    }
}

/// A writer that ends by a panic of its own takes the store with it, loudly.
struct Alarm(Failure);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.set("the writer panicked");
        }
    }
}
