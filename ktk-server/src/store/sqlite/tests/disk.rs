//! What is answered before the disk has it, what after it, and what where the disk fails.

use std::{io, sync::mpsc, time::Duration};

use super::{
    by_hand::ByHand,
    groups::{insert, stored},
};
use crate::store::{
    Durability, StoreError,
    conformance::script::{Script, Step},
    lock::StoreLock,
    sqlite::{
        SqliteOptions,
        disk::Disk,
        job::{Job, job},
        open, readers,
        transaction::SqliteTx,
    },
};

/// A job that says what happens to it.
struct Told {
    name: &'static str,
    job: Box<dyn Job>,
    said: mpsc::Sender<&'static str>,
}

impl Job for Told {
    fn durability(&self) -> Durability {
        self.job.durability()
    }

    fn goes_ahead(&self) -> bool {
        self.job.goes_ahead()
    }

    fn run(&mut self, tx: &mut SqliteTx) -> bool {
        let succeeded = self.job.run(tx);
        self.said.send("run").unwrap();
        succeeded
    }

    fn answer(self: Box<Self>) {
        self.said.send(self.name).unwrap();
        self.job.answer();
    }

    fn has_failed(&self) -> bool {
        self.job.has_failed()
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        self.said.send("refused").unwrap();
        self.job.refuse(error);
    }
}

/// What happens to a group of a create and a claim, on a disk that does this; and what the writer is told.
fn story(
    outcome: fn() -> io::Result<()>,
    prepare: fn(&mut SqliteTx),
) -> (Vec<&'static str>, Result<(), String>) {
    let dir = tempfile::tempdir().unwrap();
    let (said, heard) = mpsc::channel();
    let disk = said.clone();
    let mut store = ByHand::watched(dir.path(), &SqliteOptions::default(), move || {
        disk.send("sync").unwrap();
        outcome()
    });
    prepare(&mut store.tx);
    let (create, _created) = job(Script::new([Step::NextVersion, insert(1)]));
    let (claim, _claimed) = job(Script::relaxed([Step::NextVersion, insert(2)]));
    let told = |name, job| Box::new(Told { name, job, said: said.clone() }) as Box<dyn Job>;
    let outcome = store.group(vec![told("create", create), told("claim", claim)]);
    assert_eq!(stored(dir.path()), [1, 2]);
    (heard.try_iter().skip_while(|event| *event == "run").collect(), outcome)
}

#[test]
fn what_a_power_cut_may_take_back_waits_for_no_disk() {
    assert_eq!(story(|| Ok(()), |_| {}), (vec!["claim", "sync", "create"], Ok(())));
}

#[test]
fn what_the_disk_did_not_take_is_refused() {
    let (story, outcome) = story(|| Err(io::Error::other("gone")), |_| {});
    assert_eq!(story, ["claim", "sync", "refused"]);
    assert_eq!(outcome.unwrap_err(), "the disk did not take what was written: gone");
}

#[test]
fn numbers_that_a_power_cut_would_give_again_wait_for_the_disk() {
    let used_up = |tx: &mut SqliteTx| while tx.numbers.next_version(&tx.session, false).is_ok() {};
    let (story, _) = story(|| Ok(()), used_up);
    assert_eq!(story.iter().position(|event| *event == "sync"), Some(0), "{story:?}");
}

/// What a reader says that reads while a commit is on its way to a disk that does this, of which this becomes.
fn read_meanwhile(outcome: fn() -> io::Result<()>, becomes: fn(Disk)) -> &'static str {
    let dir = tempfile::tempdir().unwrap();
    let lock = StoreLock::acquire(dir.path()).unwrap();
    let mut opened = open::open(&lock, &SqliteOptions::default()).unwrap();
    opened.disk = Disk::new(outcome);
    let (orders, mut readers) = readers::start(&opened, &SqliteOptions::default()).unwrap();
    opened.disk.expect();
    let (said, heard) = mpsc::channel();
    let (read, _answer) = job(Script::new([Step::Version]));
    orders.blocking_send(readers::Order::Run(Box::new(Told { name: "read", job: read, said }))).unwrap();
    assert_eq!(heard.recv().unwrap(), "run");
    assert!(heard.recv_timeout(Duration::from_millis(100)).is_err(), "it does not wait for the disk");
    becomes(opened.disk);
    let last = heard.recv().unwrap();
    readers.end();
    last
}

#[test]
fn who_reads_what_is_not_on_the_disk_yet_answers_when_it_is() {
    let synced = |disk: Disk| drop(disk.sync());
    assert_eq!(read_meanwhile(|| Ok(()), synced), "read");
    assert_eq!(read_meanwhile(|| Err(io::Error::other("gone")), synced), "refused");
    assert_eq!(read_meanwhile(|| Ok(()), drop), "refused", "the writer has died in between");
}
