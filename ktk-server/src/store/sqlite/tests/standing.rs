//! Who stands for work takes it in the transaction that makes it.

use std::{
    future::{pending, ready},
    path::PathBuf,
};

use super::{
    by_hand::ByHand,
    groups::{insert, large, stored},
};
use crate::store::{
    Durability, Operation, Store, Tx,
    conformance::script::{Failed, Script, Step},
    sqlite::{SqliteOptions, SqliteStore},
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

fn run<O: Operation<Error = Failed>>(store: &mut ByHand, operation: O) -> Result<(), Failed> {
    store.run(vec![operation]).remove(0).map(drop)
}

#[test]
fn work_is_taken_before_its_commit_by_the_first_of_those_who_stand() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let (first, mut taken) = store.stand(Taker(dir.path().to_owned()));
    let (second, mut left) = store.stand(Taker(dir.path().to_owned()));
    run(&mut store, Script::new([insert(1)])).unwrap();
    assert!(taken.try_recv().is_err(), "no work");
    run(&mut store, Maker::new(Step::Fail)).unwrap_err();
    assert!(taken.try_recv().is_err(), "the work was taken back");
    run(&mut store, Maker::new(insert(2))).unwrap();
    assert_eq!(taken.try_recv().unwrap().unwrap(), (2, 1), "it sees what is not committed yet");
    assert!(left.try_recv().is_err() && !first.leave() && second.leave());
    run(&mut store, Maker::new(insert(3))).unwrap();
    assert!(left.try_recv().is_err(), "it has left");
    assert_eq!(stored(dir.path()), [1, 2, 3]);
}

#[test]
fn who_stands_and_fails_takes_nobody_along() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { max_pages: Some(150), ..SqliteOptions::default() };
    let mut store = ByHand::open(dir.path(), &options);
    let scripts = [
        Script::new([insert(10), Step::Fail]),
        Script::new([large(11)]),
        Script::relaxed([insert(12), insert(1)]),
    ];
    for (number, script) in (1..).zip(scripts) {
        let (_place, mut answer) = store.stand(script);
        run(&mut store, Maker::new(insert(number))).unwrap();
        assert!(answer.try_recv().unwrap().is_err());
    }
    assert_eq!(stored(dir.path()), [1, 2, 3]);
}

#[test]
fn a_group_is_synced_where_who_stands_has_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ByHand::open(dir.path(), &SqliteOptions::default());
    let (_place, mut answer) = store.stand(Script::new([insert(2)]));
    run(&mut store, Maker(Script::relaxed([insert(1)]))).unwrap();
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!((store.syncs(), stored(dir.path())), (1, vec![1, 2]));
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
