//! Who stands for work takes it in the transaction that makes it.

use std::{
    future::{pending, ready},
    path::PathBuf,
};

use super::groups::{insert, large, stored, transaction};
use crate::store::{
    Durability, Operation, Store, Tx,
    conformance::script::{Failed, Script, Step},
    sqlite::{
        SqliteOptions, SqliteStore,
        group::run_group,
        job::{Answer, job},
        standing::{Place, Standing},
        transaction::SqliteTx,
    },
};

/// A script that makes work.
struct Maker(Script);

impl Maker {
    fn new(step: Step) -> Self {
        Self(Script::new([step]))
    }
}

impl Operation for Maker {
    type Output = <Script as Operation>::Output;
    type Error = Failed;

    fn durability(&self) -> Durability {
        self.0.durability()
    }

    fn makes_work(_: &Self::Output) -> bool {
        true
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Output, Failed> {
        self.0.run(tx).await
    }
}

/// Says how many tasks are there for itself, and for everybody else.
struct Taker(PathBuf);

impl Operation for Taker {
    type Output = (u64, usize);
    type Error = Failed;

    fn durability(&self) -> Durability {
        Durability::Relaxed
    }

    async fn run<T: Tx>(&self, tx: &mut T) -> Result<Self::Output, Failed> {
        Ok((tx.count_tasks().await?, stored(&self.0).len()))
    }
}

fn run<O: Operation<Error = Failed>>(
    tx: &mut SqliteTx,
    operation: O,
    standing: &Standing,
) -> Result<(), Failed> {
    let (job, mut answer) = job(operation);
    run_group(tx, vec![job], standing).unwrap();
    answer.try_recv().unwrap().map(drop)
}

fn stand<O: Operation>(standing: &Standing, operation: O) -> (Place, Answer<O>) {
    let (job, answer) = job(operation);
    (standing.stand(job), answer)
}

#[test]
fn work_is_taken_before_its_commit_by_the_first_of_those_who_stand() {
    let dir = tempfile::tempdir().unwrap();
    let (mut tx, _lock) = transaction(dir.path(), &SqliteOptions::default());
    let standing = Standing::default();
    let (first, mut taken) = stand(&standing, Taker(dir.path().to_owned()));
    let (second, mut left) = stand(&standing, Taker(dir.path().to_owned()));
    run(&mut tx, Script::new([insert(1)]), &standing).unwrap();
    assert!(taken.try_recv().is_err(), "no work");
    run(&mut tx, Maker::new(Step::Fail), &standing).unwrap_err();
    assert!(taken.try_recv().is_err(), "the work was taken back");
    run(&mut tx, Maker::new(insert(2)), &standing).unwrap();
    assert_eq!(taken.try_recv().unwrap().unwrap(), (2, 1), "it sees what is not committed yet");
    assert!(left.try_recv().is_err() && !first.leave() && second.leave());
    run(&mut tx, Maker::new(insert(3)), &standing).unwrap();
    assert!(left.try_recv().is_err(), "it has left");
    assert_eq!(stored(dir.path()), [1, 2, 3]);
}

#[test]
fn who_stands_and_fails_takes_nobody_along() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_pages: Some(150), ..SqliteOptions::default() };
    let (mut tx, _lock) = transaction(dir.path(), &options);
    let standing = Standing::default();
    let scripts = [
        Script::new([insert(10), Step::Fail]),
        Script::new([large(11)]),
        Script::relaxed([insert(12), insert(1)]),
    ];
    for (number, script) in (1..).zip(scripts) {
        let (_place, mut answer) = stand(&standing, script);
        run(&mut tx, Maker::new(insert(number)), &standing).unwrap();
        assert!(answer.try_recv().unwrap().is_err());
    }
    assert_eq!(stored(dir.path()), [1, 2, 3]);
}

#[test]
fn a_group_is_synced_where_who_stands_has_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let (mut tx, _lock) = transaction(dir.path(), &SqliteOptions::default());
    let standing = Standing::default();
    let (_place, mut answer) = stand(&standing, Script::new([insert(2)]));
    run(&mut tx, Maker(Script::relaxed([insert(1)])), &standing).unwrap();
    assert!(answer.try_recv().unwrap().is_ok());
    let level: i64 = tx.session.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
    assert_eq!((level, stored(dir.path())), (2, vec![1, 2]));
}

#[tokio::test]
async fn who_stands_hears_of_it_and_who_leaves_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    let taker = || Taker(dir.path().to_owned());
    assert!(store.stand(taker(), async {}).await.is_none());
    tokio::select! {
        biased;
        _ = store.stand(taker(), pending()) => unreachable!("there is no work"),
        () = ready(()) => {}
    }
    let (taken, made) = tokio::join!(store.stand(taker(), pending()), store.write(Maker::new(insert(1))));
    assert!(made.is_ok());
    assert_eq!(taken.unwrap().unwrap(), (1, 0));
}
