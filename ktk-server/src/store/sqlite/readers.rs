//! Readers: a few threads, each with a connection that cannot write, opened at its first use.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc;

use super::{
    disk::Durable,
    fault::Outcome,
    job::Job,
    numbers::Numbers,
    open::{Opened, SqliteOptions, open_reader},
    recent::Recent,
    session::Session,
    transaction::{Mode, SqliteTx},
    warm::Warm,
};
use crate::store::StoreError;

/// Reads that wait beyond this many make their callers wait.
const QUEUE: usize = 256;

/// What a reader is told.
pub(super) enum Order {
    Run(Box<dyn Job>),
    End,
}

/// The threads, for who ends them.
pub(super) struct Readers {
    orders: mpsc::WeakSender<Order>,
    queue: Arc<Mutex<mpsc::Receiver<Order>>>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts the threads.
pub(super) fn start(
    opened: &Opened,
    options: &SqliteOptions,
) -> std::io::Result<(mpsc::Sender<Order>, Readers)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let queue = Arc::new(Mutex::new(receiver));
    let mut threads = Vec::new();
    for number in 1..=options.readers.max(1) {
        let reader = Reader {
            path: opened.path.clone(),
            options: options.clone(),
            numbers: opened.numbers.clone(),
            recent: opened.recent.clone(),
            durable: opened.disk.durable().clone(),
            queue: queue.clone(),
            tx: None,
        };
        threads.push(thread::Builder::new().name(format!("ktk-read-{number}")).spawn(|| reader.serve())?);
    }
    Ok((sender.clone(), Readers { orders: sender.downgrade(), queue, threads }))
}

impl Readers {
    /// Ends the threads when they have done what waits, and closes their connections.
    pub(super) fn end(&mut self) {
        if let Some(orders) = self.orders.upgrade() {
            for _ in &self.threads {
                // One that has ended takes no order; a full queue empties.
                let _ = orders.blocking_send(Order::End);
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store panicked");
            }
        }
        // Closed: callers that come now, or whose order came behind the last, are told so.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.close();
        while queue.try_recv().is_ok() {}
    }
}

struct Reader {
    path: PathBuf,
    options: SqliteOptions,
    numbers: Numbers,
    recent: Recent,
    durable: Durable,
    queue: Arc<Mutex<mpsc::Receiver<Order>>>,
    tx: Option<SqliteTx>,
}

impl Reader {
    fn serve(mut self) {
        loop {
            // Whoever has the queue waits for an order, the others for the queue.
            let order = self.queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            match order {
                Some(Order::Run(job)) => self.run(job),
                Some(Order::End) | None => return,
            }
        }
    }

    fn run(&mut self, mut job: Box<dyn Job>) {
        let outcome = self.tx().and_then(|tx| {
            tx.session.execute("BEGIN", [])?;
            job.run(tx);
            // A broken transaction may have ended by itself.
            if !tx.session.connection.is_autocommit() {
                tx.session.execute("ROLLBACK", [])?;
            }
            Ok(())
        });
        match outcome {
            // What it has seen may be on its way to the disk.
            Ok(()) => match self.durable.wait() {
                Ok(()) => job.answer(),
                Err(reason) => job.refuse(StoreError::Failed(reason)),
            },
            Err(fault) => {
                // A connection that cannot even end a transaction is not used again.
                self.tx = None;
                job.refuse(fault.store_error());
            }
        }
    }

    fn tx(&mut self) -> Outcome<&mut SqliteTx> {
        if self.tx.is_none() {
            let session =
                Session::new(open_reader(&self.path, &self.options)?, Warm::default(), self.recent.clone());
            self.tx = Some(SqliteTx::new(session, self.numbers.clone(), Mode::Read));
        }
        Ok(self.tx.as_mut().expect("it was just made"))
    }
}

/// What a caller is told who comes too late.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}
