//! Group commit: what waits is run in one transaction, committed once, and answered after it.

use super::{
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

/// How a group is run. Savepoints copy each page that an operation touches; operations decide
/// before they write, so that few fail with something to take back.
#[derive(Clone, Copy)]
struct Way {
    synced: bool,
    savepoints: bool,
}

/// Runs a group and answers all. Where it makes work, the first of those who stand joins it.
/// An error means that nothing may be acknowledged any more.
pub(super) fn run_group(
    tx: &mut SqliteTx,
    mut jobs: Vec<Box<dyn Job>>,
    standing: &Standing,
) -> Result<(), String> {
    let synced = jobs.iter().any(|job| job.durability() == Durability::Synced);
    // A long rehearsal is not run twice for its neighbours' sake.
    let savepoints = jobs.len() > 1 && jobs.iter().any(|job| job.is_rehearsal());
    let mut way = Way { synced, savepoints };
    loop {
        match attempt(tx, &mut jobs, way, standing) {
            // Who stood for the work has more to do than who made it.
            Ok(()) | Err(Refusal::Failed) => jobs.into_iter().rev().for_each(Job::answer),
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
            Err(_) => return run_singly(tx, jobs, standing),
        }
        return Ok(());
    }
}

fn run_singly(tx: &mut SqliteTx, jobs: Vec<Box<dyn Job>>, standing: &Standing) -> Result<(), String> {
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        if let Err(reason) = run_group(tx, vec![job], standing) {
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
    standing: &Standing,
) -> Result<(), Refusal> {
    set_sync(tx, way.synced)
        .and_then(|()| execute(tx, "BEGIN IMMEDIATE"))
        .map_err(|fault| refusal(&fault))?;
    let is_alone = jobs.len() == 1;
    run_jobs(tx, jobs, way, is_alone)?;
    if jobs.iter().any(|job| job.has_made_work())
        && let Some(job) = standing.take()
    {
        let at = jobs.len();
        jobs.push(job);
        if !way.synced && jobs[at].durability() == Durability::Synced {
            roll_back(tx)?;
            return Err(Refusal::Unsynced);
        }
        run_jobs(tx, &mut jobs[at..], way, false)?;
    }
    note_newest(tx).and_then(|()| execute(tx, "COMMIT")).map_err(|fault| abandon(tx, &fault))?;
    tx.numbers.committed();
    tx.session.recent.publish(tx.session.written.get_mut());
    Ok(())
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

/// Says how commits are synced, where that changes. NORMAL does not sync the log at a commit.
fn set_sync(tx: &mut SqliteTx, synced: bool) -> Outcome<()> {
    let mode = Mode::Write { synced };
    if tx.mode != mode {
        let word = if synced { "FULL" } else { "NORMAL" };
        tx.session.connection.pragma_update(None, "synchronous", word)?;
        tx.mode = mode;
    }
    Ok(())
}

fn execute(tx: &SqliteTx, sql: &str) -> Outcome<()> {
    tx.session.execute(sql, []).map(drop)
}
