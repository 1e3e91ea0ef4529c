//! Group commit: what waits is run in one transaction, committed and synced once, and answered after it.

use super::{
    disk::Disk,
    fault::{Fault, Outcome, Reach},
    job::Job,
    standing::Standing,
    transaction::{Mode, SqliteTx},
};
use crate::store::{Durability, StoreError};

/// Why a group is not on the disk.
enum Refusal {
    /// The only operation has failed: all is as before it.
    Failed,
    /// An operation failed after it had written, and without savepoints that is everybody's.
    Tainted,
    /// Nothing of it was stored.
    Unstored(StoreError),
    /// It has to be synced.
    Unsynced,
    /// Nothing can be said about the disk any more.
    Broken(String),
}

/// What is left to do for a group that is committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Committed {
    /// Nothing: it wrote nothing, or what a power cut may take back.
    Unsynced,
    /// It has to be synced, and who need not wait for that goes ahead.
    ToSync,
    /// It has to be synced before anybody sees one of its numbers.
    ToSyncFirst,
}

/// How a group is run. Savepoints copy each page that an operation touches; operations decide
/// before they write, so that few fail with something to take back.
#[derive(Clone, Copy)]
struct Way {
    synced: bool,
    savepoints: bool,
}

/// What groups have to do with beside their transaction.
pub(super) struct Around {
    pub(super) standing: Standing,
    pub(super) disk: Disk,
}

/// Runs a group and answers all. Where it makes work, the first of those who stand joins it.
/// An error means that nothing may be acknowledged any more.
pub(super) fn run_group(
    tx: &mut SqliteTx,
    mut jobs: Vec<Box<dyn Job>>,
    around: &Around,
) -> Result<(), String> {
    let synced = jobs.iter().any(|job| job.durability() == Durability::Synced);
    // A long rehearsal is not run twice for its neighbours' sake.
    let savepoints = jobs.len() > 1 && jobs.iter().any(|job| job.is_rehearsal());
    let mut way = Way { synced, savepoints };
    loop {
        match attempt(tx, &mut jobs, way, around) {
            Ok(committed) => return settle(jobs, committed, &around.disk),
            Err(Refusal::Failed) => jobs.into_iter().for_each(Job::answer),
            Err(Refusal::Unsynced) if !way.synced => {
                way.synced = true;
                continue;
            }
            Err(Refusal::Tainted) if !way.savepoints => {
                way.savepoints = true;
                continue;
            }
            Err(Refusal::Broken(reason)) => {
                refuse(jobs, &reason);
                return Err(reason);
            }
            Err(Refusal::Unstored(error)) if jobs.len() == 1 => {
                let job = jobs.pop().expect("there is one");
                if job.has_failed() { job.answer() } else { job.refuse(error) }
            }
            // One of them cannot be stored, and took the others with it: each for itself now.
            Err(_) => return run_singly(tx, jobs, around),
        }
        return Ok(());
    }
}

/// Answers what was committed: who goes ahead before the sync, the rest after it.
fn settle(jobs: Vec<Box<dyn Job>>, committed: Committed, disk: &Disk) -> Result<(), String> {
    let goes_ahead = |job: &dyn Job| match committed {
        Committed::Unsynced => true,
        Committed::ToSync => job.goes_ahead(),
        Committed::ToSyncFirst => false,
    };
    // Who stood for the work has more to do than who made it.
    let (ahead, others): (Vec<_>, Vec<_>) = jobs.into_iter().rev().partition(|job| goes_ahead(&**job));
    ahead.into_iter().for_each(Job::answer);
    if committed != Committed::Unsynced
        && let Err(reason) = disk.sync()
    {
        refuse(others, &reason);
        return Err(reason);
    }
    others.into_iter().for_each(Job::answer);
    Ok(())
}

fn run_singly(tx: &mut SqliteTx, jobs: Vec<Box<dyn Job>>, around: &Around) -> Result<(), String> {
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        if let Err(reason) = run_group(tx, vec![job], around) {
            refuse(jobs.collect(), &reason);
            return Err(reason);
        }
    }
    Ok(())
}

/// Answers that the store has failed.
fn refuse(jobs: Vec<Box<dyn Job>>, reason: &str) {
    jobs.into_iter().for_each(|job| job.refuse(StoreError::Failed(reason.to_owned())));
}

fn attempt(
    tx: &mut SqliteTx,
    jobs: &mut Vec<Box<dyn Job>>,
    way: Way,
    around: &Around,
) -> Result<Committed, Refusal> {
    tx.mode = Mode::Write { synced: way.synced };
    execute(tx, "BEGIN IMMEDIATE").map_err(|fault| refusal(&fault))?;
    let before = tx.session.connection.total_changes();
    let is_alone = jobs.len() == 1;
    run_jobs(tx, jobs, way, is_alone)?;
    if jobs.iter().any(|job| job.has_made_work())
        && let Some(job) = around.standing.take()
    {
        let at = jobs.len();
        jobs.push(job);
        if !way.synced && jobs[at].durability() == Durability::Synced {
            roll_back(tx)?;
            return Err(Refusal::Unsynced);
        }
        run_jobs(tx, &mut jobs[at..], way, false)?;
    }
    let has_written = tx.session.connection.total_changes() != before;
    let committed = if way.synced && has_written { commit_to_sync(tx, &around.disk)? } else { commit(tx)? };
    tx.session.recent.publish(tx.session.written.get_mut());
    Ok(committed)
}

/// A commit that readers see, and whose answers wait for the disk.
fn commit_to_sync(tx: &mut SqliteTx, disk: &Disk) -> Result<Committed, Refusal> {
    disk.expect();
    let has_reserved = tx.numbers.has_reserved();
    commit(tx).inspect_err(|_| disk.expect_nothing())?;
    Ok(if has_reserved { Committed::ToSyncFirst } else { Committed::ToSync })
}

fn commit(tx: &mut SqliteTx) -> Result<Committed, Refusal> {
    note_newest(tx).and_then(|()| execute(tx, "COMMIT")).map_err(|fault| abandon(tx, &fault))?;
    tx.numbers.committed();
    Ok(Committed::Unsynced)
}

fn run_jobs(tx: &mut SqliteTx, jobs: &mut [Box<dyn Job>], way: Way, is_alone: bool) -> Result<(), Refusal> {
    for job in jobs {
        if way.savepoints {
            execute(tx, "SAVEPOINT operation").map_err(|fault| abandon(tx, &fault))?;
        }
        let before = tx.session.connection.total_changes();
        let written = tx.session.written.get_mut().len();
        let succeeded = job.run(tx);
        match tx.reach {
            Some(Reach::Store) => return Err(give_up(tx)),
            Some(Reach::Unsynced) => {
                roll_back(tx)?;
                return Err(Refusal::Unsynced);
            }
            Some(Reach::Operation) | None => {}
        }
        if tx.session.connection.is_autocommit() {
            // SQLite has taken the whole transaction back, the neighbours too.
            roll_back(tx)?;
            return Err(Refusal::Unstored(StoreError::Unavailable("the transaction was taken back".into())));
        }
        if way.savepoints {
            end_savepoint(tx, succeeded, written).map_err(|fault| abandon(tx, &fault))?;
        } else if !succeeded && is_alone {
            roll_back(tx)?;
            return Err(Refusal::Failed);
        } else if !succeeded && tx.session.connection.total_changes() != before {
            roll_back(tx)?;
            return Err(Refusal::Tainted);
        }
    }
    Ok(())
}

/// Writes down the highest version that a task has had: no index has it.
fn note_newest(tx: &mut SqliteTx) -> Outcome<()> {
    match tx.session.written.get_mut().iter().map(|(version, _)| *version).max() {
        Some(newest) if newest > tx.session.recent.newest() => {
            tx.session.execute("UPDATE meta SET tasks_version = ?1", [newest.cast_signed()]).map(drop)
        }
        _ => Ok(()),
    }
}

/// Ends an operation's savepoint; `written` is how much had been written before it.
fn end_savepoint(tx: &mut SqliteTx, succeeded: bool, written: usize) -> Outcome<()> {
    if !succeeded {
        execute(tx, "ROLLBACK TO operation")?;
        tx.forget();
        tx.session.written.get_mut().truncate(written);
        tx.numbers.rolled_back(&tx.session)?;
    }
    execute(tx, "RELEASE operation")
}

/// Rolls back after a fault of the transaction itself.
fn abandon(tx: &mut SqliteTx, fault: &Fault) -> Refusal {
    match roll_back(tx) {
        Ok(()) => refusal(fault),
        Err(refusal) => refusal,
    }
}

fn refusal(fault: &Fault) -> Refusal {
    match fault.reach() {
        Reach::Store => Refusal::Broken(fault.store_error().to_string()),
        Reach::Operation | Reach::Unsynced => Refusal::Unstored(fault.store_error()),
    }
}

fn give_up(tx: &mut SqliteTx) -> Refusal {
    // Whatever this says, nothing is written after it.
    let _ = roll_back(tx);
    Refusal::Broken(tx.trouble.first().unwrap_or("a sync failed").to_owned())
}

fn roll_back(tx: &mut SqliteTx) -> Result<(), Refusal> {
    tx.forget();
    tx.session.written.get_mut().truncate(0);
    let rolled_back = (|| {
        if !tx.session.connection.is_autocommit() {
            execute(tx, "ROLLBACK")?;
        }
        tx.numbers.rolled_back(&tx.session)
    })();
    tx.numbers.committed();
    // A transaction that can neither be committed nor taken back leaves nothing to go on with.
    rolled_back.map_err(|fault| Refusal::Broken(format!("a rollback failed: {}", fault.store_error())))
}

fn execute(tx: &SqliteTx, sql: &str) -> Outcome<()> {
    tx.session.execute(sql, []).map(drop)
}
