//! A store without threads, whose groups are run by hand, and whose disk is watched.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::store::{
    Operation,
    lock::StoreLock,
    sqlite::{
        SqliteOptions,
        disk::Disk,
        group::{Around, run_group},
        job::{Answer, Job, job},
        open,
        session::Session,
        standing::{Place, Standing},
        transaction::{Mode, SqliteTx},
        warm::Warm,
    },
};

pub(super) struct ByHand {
    pub(super) tx: SqliteTx,
    around: Around,
    syncs: Arc<AtomicUsize>,
    _lock: StoreLock,
}

impl ByHand {
    pub(super) fn open(dir: &Path, options: &SqliteOptions) -> Self {
        Self::watched(dir, options, || Ok(()))
    }

    /// One that does something more at each sync.
    pub(super) fn watched(
        dir: &Path,
        options: &SqliteOptions,
        at_sync: impl Fn() -> io::Result<()> + Send + 'static,
    ) -> Self {
        let lock = StoreLock::acquire(dir).unwrap();
        let opened = open::open(&lock, options).unwrap();
        let session = Session::new(opened.connection, Warm::of_the_writer(), opened.recent);
        let tx = SqliteTx::new(session, opened.numbers, Mode::Write { synced: true });
        let syncs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&syncs);
        let disk = Disk::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            opened.disk.sync().map_err(io::Error::other)?;
            at_sync()
        });
        Self { tx, around: Around { standing: Standing::default(), disk }, syncs, _lock: lock }
    }

    /// Runs jobs as one group.
    pub(super) fn group(&mut self, jobs: Vec<Box<dyn Job>>) -> Result<(), String> {
        run_group(&mut self.tx, jobs, &self.around)
    }

    /// Runs operations as one group, and gives what each was answered.
    pub(super) fn run<O: Operation>(&mut self, operations: Vec<O>) -> Vec<Result<O::Output, O::Error>> {
        let (jobs, answers): (Vec<Box<dyn Job>>, Vec<Answer<O>>) = operations.into_iter().map(job).unzip();
        self.group(jobs).unwrap();
        answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
    }

    /// Stands for work.
    pub(super) fn stand<O: Operation>(&self, operation: O) -> (Place, Answer<O>) {
        let (job, answer) = job(operation);
        (self.around.standing.stand(job), answer)
    }

    /// How often the disk was synced.
    pub(super) fn syncs(&self) -> usize {
        self.syncs.load(Ordering::Relaxed)
    }
}
