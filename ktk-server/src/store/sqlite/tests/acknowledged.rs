//! Nothing is acknowledged before it is on the disk: at the moment of each answer the commit has been made, with
//! a log that is synced, and a copy of the files has what the answer says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::raw;
use crate::store::{
    Durability, StoreError,
    conformance::{
        rows::{new_task, task},
        script::{Script, Step},
    },
    lock::StoreLock,
    sqlite::{
        SqliteOptions,
        group::run_group,
        job::{Answer, Job, job},
        open,
        session::Session,
        standing::Standing,
        transaction::{Mode, SqliteTx},
        warm::Warm,
    },
};

/// A job that looks at what kill -9 would leave when it is answered.
struct Witness {
    job: Box<dyn Job>,
    version: u64,
    dir: PathBuf,
}

impl Job for Witness {
    fn durability(&self) -> Durability {
        self.job.durability()
    }

    fn run(&mut self, tx: &mut SqliteTx) -> bool {
        let pragma = |name| tx.session.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        // FULL is 2: the log is synced by the commit. NORMAL, 1, leaves that to the system.
        let level = if self.durability() == Durability::Synced { 2 } else { 1 };
        assert!(pragma("synchronous").unwrap() >= level, "a commit that is not synced");
        self.job.run(tx)
    }

    fn answer(self: Box<Self>) {
        let copy = copy(&self.dir);
        let count = "SELECT count(*) FROM tasks WHERE version = ?1";
        let found: i64 =
            raw(copy.path()).query_row(count, [self.version.cast_signed()], |row| row.get(0)).unwrap();
        assert_eq!(found, 1, "{} is answered before it is stored", self.version);
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
    let lock = StoreLock::acquire(dir.path()).unwrap();
    let opened = open::open(&lock, &SqliteOptions::default()).unwrap();
    let mode: String = opened.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let mut tx = SqliteTx::new(
        Session::new(opened.connection, Warm::of_the_writer(), opened.recent),
        opened.numbers,
        Mode::Write { synced: true },
    );
    let mut version = 0;
    for group in 1..=8 {
        let mut answers: Vec<Answer<Script>> = Vec::new();
        let mut jobs: Vec<Box<dyn Job>> = Vec::new();
        for member in 0..group {
            version += 1;
            let steps = [Step::InsertTasks(vec![new_task(task(version))])];
            // Groups of all kinds: synced, not synced, mixed.
            let is_relaxed = group % 4 == 0 || (group % 2 == 0 && member % 2 == 0);
            let script = if is_relaxed { Script::relaxed(steps) } else { Script::new(steps) };
            let (job, answer) = job(script);
            jobs.push(Box::new(Witness { job, version, dir: dir.path().to_owned() }));
            answers.push(answer);
        }
        run_group(&mut tx, jobs, &Standing::default()).unwrap();
        assert!(answers.into_iter().all(|mut answer| answer.try_recv().unwrap().is_ok()));
    }
}
