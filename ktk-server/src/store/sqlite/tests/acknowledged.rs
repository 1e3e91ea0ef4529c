//! Nothing is acknowledged before it is on the disk: at the moment of each answer the commit has been made and the
//! log synced, and a copy of the files has what the answer says. What a power cut may take back needs the commit alone.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tempfile::TempDir;

use super::{
    by_hand::ByHand,
    groups::{insert, stored},
};
use crate::store::{
    Durability, StoreError,
    conformance::script::{Script, Step},
    sqlite::{
        SqliteOptions,
        job::{Answer, Job, job},
        transaction::SqliteTx,
    },
};

/// The versions that were in the log when it was synced last.
type OnDisk = Arc<Mutex<BTreeSet<i64>>>;

/// A job that looks at what kill -9, or a power cut, would leave when it is answered.
struct Witness {
    job: Box<dyn Job>,
    version: i64,
    dir: PathBuf,
    on_disk: OnDisk,
}

impl Job for Witness {
    fn durability(&self) -> Durability {
        self.job.durability()
    }

    fn goes_ahead(&self) -> bool {
        self.job.goes_ahead()
    }

    fn run(&mut self, tx: &mut SqliteTx) -> bool {
        self.job.run(tx)
    }

    fn answer(self: Box<Self>) {
        let is_stored = stored(copy(&self.dir).path()).contains(&self.version);
        assert!(is_stored, "{} is answered before it is stored", self.version);
        let is_synced = self.on_disk.lock().unwrap().contains(&self.version);
        assert!(
            is_synced || self.durability() == Durability::Relaxed,
            "{} is answered before it is on the disk",
            self.version
        );
        self.job.answer();
    }

    fn has_failed(&self) -> bool {
        self.job.has_failed()
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        panic!("{} is refused: {error}", self.version);
    }
}

/// The files as they are now. The log is the store's memory of what was committed since it was copied back.
fn copy(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["ktk.db", "ktk.db-wal"] {
        fs::write(copy.path().join(name), fs::read(dir.join(name)).unwrap()).unwrap();
    }
    copy
}

#[test]
fn an_answer_comes_after_its_commit() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = OnDisk::default();
    let (at, seen) = (dir.path().to_owned(), Arc::clone(&on_disk));
    let mut store = ByHand::watched(dir.path(), &SqliteOptions::default(), move || {
        *seen.lock().unwrap() = stored(copy(&at).path()).into_iter().collect();
        Ok(())
    });
    let mode: String =
        store.tx.session.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let mut version = 0;
    for group in 1..=8 {
        let mut answers: Vec<Answer<Script>> = Vec::new();
        let mut jobs: Vec<Box<dyn Job>> = Vec::new();
        for member in 0..group {
            version += 1;
            let steps: [Step; 1] = [insert(version)];
            // Groups of all kinds: synced, not synced, mixed.
            let is_relaxed = group % 4 == 0 || (group % 2 == 0 && member % 2 == 0);
            let script = if is_relaxed { Script::relaxed(steps) } else { Script::new(steps) };
            let (job, answer) = job(script);
            let (dir, on_disk) = (dir.path().to_owned(), Arc::clone(&on_disk));
            jobs.push(Box::new(Witness { job, version: version.cast_signed(), dir, on_disk }));
            answers.push(answer);
        }
        store.group(jobs).unwrap();
        assert!(answers.into_iter().all(|mut answer| answer.try_recv().unwrap().is_ok()));
    }
}
