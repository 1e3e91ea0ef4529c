//! The writer: one thread that owns the connection that writes.

use std::thread;

use tokio::sync::{mpsc, oneshot};

use super::{
    failure::Failure,
    fault::Reach,
    group::{Around, run_group},
    job::Job,
    log::{self, Log},
    open::Opened,
    readers::Readers,
    session::Session,
    standing::Standing,
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
    around: Around,
    others: Others,
    _lock: StoreLock,
}

/// Whom the thread has to do with.
pub(super) struct Others {
    pub(super) failure: Failure,
    pub(super) readers: Readers,
}

/// Starts the thread. It ends when told to, or when no handle is left.
pub(super) fn start(
    opened: Opened,
    standing: Standing,
    others: Others,
    lock: StoreLock,
) -> std::io::Result<mpsc::Sender<Order>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let tx = SqliteTx::new(
        Session::new(opened.connection, Warm::of_the_writer(), opened.recent),
        opened.numbers,
        Mode::Write { synced: true },
    );
    let around = Around { standing, disk: opened.disk };
    let writer = Writer { tx, log: opened.log, around, others, _lock: lock };
    thread::Builder::new().name("ktk-store".into()).spawn(move || writer.serve(receiver))?;
    Ok(sender)
}

impl Writer {
    fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        let _alarm = Alarm(self.others.failure.clone());
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
        self.others.readers.end();
        if self.others.failure.get().is_none()
            && let Err(fault) = log::finish(&self.tx.session.connection)
        {
            tracing::warn!(error = %fault.store_error(), "the log stays: the next start copies it back");
        }
        drop(self);
        drop(closing);
    }

    fn run(&mut self, group: Vec<Box<dyn Job>>) {
        let failure = &self.others.failure;
        if let Some(reason) = failure.get() {
            group.into_iter().for_each(|job| job.refuse(StoreError::Failed(reason.clone())));
            return;
        }
        if let Err(reason) = run_group(&mut self.tx, group, &self.around) {
            failure.set(&reason);
        } else if let Err(fault) = self.log.trim(&self.tx.session.connection) {
            let error = fault.store_error().to_string();
            match fault.reach() {
                Reach::Store => failure.set(&error),
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
