//! Groups, one by one, without threads: what is committed, in what order it is answered.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{by_hand::ByHand, raw};
use crate::store::{
    Durability, Operation, StoreError, Tx,
    conformance::{
        rows::{new_task, task},
        script::{Failed, Script, Step},
    },
    sqlite::{
        SqliteOptions,
        fault::Reach,
        job::{Job, job},
        transaction::SqliteTx,
    },
};

fn outcomes<A>(answers: Vec<Result<A, Failed>>) -> Vec<Result<(), Failed>> {
    answers.into_iter().map(|answer| answer.map(drop)).collect()
}

pub(super) fn insert(number: u64) -> Step {
    Step::InsertTasks(vec![new_task(task(number))])
}

pub(super) fn large(number: u64) -> Step {
    let mut row = new_task(task(number));
    row.body = "x".repeat(1 << 20);
    Step::InsertTasks(vec![row])
}

pub(super) fn stored(dir: &Path) -> Vec<i64> {
    let connection = raw(dir);
    let mut statement = connection.prepare("SELECT version FROM tasks ORDER BY version").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn who_fails_is_taken_back_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let scripts = vec![
        Script::new([insert(1)]),
        Script::new([Step::Fail]),
        Script::new([insert(2), Step::Fail]),
        Script::new([insert(3), insert(1)]),
        Script::new([insert(4), Step::Panic]),
        Script::new([insert(2), insert(5)]),
    ];
    let outcomes = outcomes(store.run(scripts));
    assert_eq!(outcomes[..4], [Ok(()), Err(Failed::Itself), Err(Failed::Itself), Err(Failed::Duplicate)]);
    assert!(matches!(outcomes[4], Err(Failed::Store(_))));
    assert_eq!(outcomes[5], Ok(()));
    assert_eq!(stored(dir.path()), [1, 2, 5]);
}

#[test]
fn what_does_not_fit_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_pages: Some(150), ..SqliteOptions::default() };
    let mut store = ByHand::open(dir.path(), &options);
    let scripts = vec![
        Script::new([insert(1)]),
        Script::new([large(2)]),
        Script::new([insert(3)]),
        Script::new([large(4)]),
    ];
    let outcomes = outcomes(store.run(scripts));
    let full = Err(Failed::Unavailable);
    assert_eq!(outcomes, [Ok(()), full.clone(), Ok(()), full.clone()]);
    assert_eq!(self::outcomes(store.run(vec![Script::new([large(5)])])), [full]);
    assert_eq!(self::outcomes(store.run(vec![Script::new([insert(6)])])), [Ok(())]);
    assert_eq!(stored(dir.path()), [1, 3, 6]);
}

#[test]
fn only_groups_without_anything_synced_go_unsynced() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let mut syncs = |scripts: Vec<Script>| {
        let before = store.syncs();
        assert!(store.run(scripts).iter().all(Result::is_ok));
        store.syncs() - before
    };
    assert_eq!(syncs(vec![Script::new([insert(1)]), Script::new([insert(2)])]), 1);
    assert_eq!(syncs(vec![Script::relaxed([insert(3)]), Script::relaxed([insert(4)])]), 0);
    assert_eq!(syncs(vec![Script::relaxed([insert(5)]), Script::new([insert(6)])]), 1);
    assert_eq!(syncs(vec![Script::relaxed([insert(7)])]), 0);
    assert_eq!(syncs(vec![Script::new([]), Script::relaxed([])]), 0, "nothing was written");
}

/// An operation in which a sync of the disk fails.
struct FailedSync;

impl Job for FailedSync {
    fn durability(&self) -> Durability {
        Durability::Synced
    }

    fn goes_ahead(&self) -> bool {
        false
    }

    fn run(&mut self, tx: &mut SqliteTx) -> bool {
        tx.begin_operation();
        tx.reach = Some(Reach::Store);
        tx.trouble.note(&"the disk is gone");
        false
    }

    fn answer(self: Box<Self>) {
        panic!("it was not stored");
    }

    fn has_failed(&self) -> bool {
        true
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        assert!(matches!(&error, StoreError::Failed(reason) if reason == "the disk is gone"), "{error}");
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let (before, mut first) = job(Script::new([insert(1)]));
    let (after, mut last) = job(Script::new([insert(2)]));
    let reason = store.group(vec![before, Box::new(FailedSync), after]).unwrap_err();
    assert_eq!(reason, "the disk is gone");
    for answer in [&mut first, &mut last] {
        assert!(matches!(answer.try_recv().unwrap(), Err(Failed::Store(_))));
    }
}

/// Writes, counts how often, and takes it back.
struct Rehearsal(Arc<AtomicUsize>);

impl Operation for Rehearsal {
    type Output = ();
    type Error = Failed;

    fn is_rehearsal(&self) -> bool {
        true
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<(), Failed> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tx.insert_tasks(&[new_task(task(2))]).await?;
        Err(Failed::Itself)
    }
}

#[test]
fn what_is_rehearsed_among_others_is_run_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let runs = Arc::new(AtomicUsize::new(0));
    let (first, mut before) = job(Script::new([insert(1)]));
    let (rehearsal, mut rehearsed) = job(Rehearsal(Arc::clone(&runs)));
    let (last, mut after) = job(Script::new([insert(3)]));
    store.group(vec![first, rehearsal, last]).unwrap();
    assert!(before.try_recv().unwrap().is_ok() && after.try_recv().unwrap().is_ok());
    assert_eq!(rehearsed.try_recv().unwrap(), Err(Failed::Itself));
    assert_eq!((runs.load(Ordering::Relaxed), stored(dir.path())), (1, vec![1, 3]));
}
