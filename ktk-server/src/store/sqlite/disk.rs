//! How what is committed comes to the disk. The writer syncs the log itself, after the commit: who need not wait for
//! the disk is answered meanwhile. Readers see a commit before it is synced, and answer when it is.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::mutants;

/// The log as the writer has it.
pub(super) struct Disk {
    sync: Box<dyn Fn() -> io::Result<()> + Send>,
    durable: Durable,
}

impl Disk {
    /// That of a store whose log is there: it stays the same file as long as there is a connection.
    ///
    /// # Errors
    /// Those of opening it.
    pub(super) fn of(store: &Path) -> io::Result<Self> {
        let log = File::options().write(true).open(store.with_extension("db-wal"))?;
        Ok(Self::new(move || log.sync_data()))
    }

    /// One that is synced like this.
    pub(super) fn new(sync: impl Fn() -> io::Result<()> + Send + 'static) -> Self {
        Self { sync: Box::new(sync), durable: Durable::default() }
    }

    /// For those who read.
    pub(super) fn durable(&self) -> &Durable {
        &self.durable
    }

    /// Something is about to be committed that has to be synced.
    pub(super) fn expect(&self) {
        self.durable.marks().committed += 1;
    }

    /// It was not committed.
    pub(super) fn expect_nothing(&self) {
        self.settle(|marks| marks.synced = marks.committed);
    }

    /// Brings what was committed to the disk.
    ///
    /// # Errors
    /// Why nothing can be said about the disk any more: asking again would lie.
    pub(super) fn sync(&self) -> Result<(), String> {
        let outcome = if mutants::lives("M2") { Ok(()) } else { (self.sync)() };
        self.settle(|marks| match outcome {
            Ok(()) => marks.synced = marks.committed,
            Err(_) => marks.has_failed = true,
        });
        outcome.map_err(|error| format!("{NOT_TAKEN}: {error}"))
    }

    fn settle(&self, change: impl FnOnce(&mut Marks)) {
        change(&mut self.durable.marks());
        self.durable.0.changed.notify_all();
    }
}

/// Whoever still waits when the writer is gone, however it went, is told that it waits in vain.
impl Drop for Disk {
    fn drop(&mut self) {
        self.settle(|marks| marks.has_failed = true);
    }
}

/// What is said of a disk that has failed.
const NOT_TAKEN: &str = "the disk did not take what was written";

/// How much of what was committed is on the disk. Clones are of the same disk.
#[derive(Clone, Default)]
pub(super) struct Durable(Arc<Shared>);

#[derive(Default)]
struct Shared {
    marks: Mutex<Marks>,
    changed: Condvar,
}

/// How many commits had to be synced, and up to which they are.
#[derive(Default)]
struct Marks {
    committed: u64,
    synced: u64,
    has_failed: bool,
}

impl Durable {
    /// Waits until all that is committed by now is on the disk.
    ///
    /// # Errors
    /// When it never will be.
    pub(super) fn wait(&self) -> Result<(), String> {
        let marks = self.marks();
        let seen = marks.committed;
        let still = |marks: &mut Marks| marks.synced < seen && !marks.has_failed;
        let marks = self.0.changed.wait_while(marks, still).unwrap_or_else(PoisonError::into_inner);
        if marks.synced < seen { Err(NOT_TAKEN.to_owned()) } else { Ok(()) }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
