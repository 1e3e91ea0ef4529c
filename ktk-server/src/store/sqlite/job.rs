//! Operations on their way to the thread that runs them, their types forgotten.

use tokio::sync::oneshot;

use super::transaction::SqliteTx;
use crate::store::{Durability, Operation, StoreError, drive::drive};

/// An operation and who waits for it. It may be run more than once; it is answered once.
pub(super) trait Job: Send {
    fn durability(&self) -> Durability;
    /// Whether it will be taken back in any case.
    fn is_rehearsal(&self) -> bool {
        false
    }
    /// Whether it is answered before its commit is on the disk.
    fn goes_ahead(&self) -> bool;
    /// Runs it in a transaction; whether what it did may be committed.
    fn run(&mut self, tx: &mut SqliteTx) -> bool;
    /// Whether its last run made work that somebody may stand for.
    fn has_made_work(&self) -> bool {
        false
    }
    /// Answers with what the last run came to.
    fn answer(self: Box<Self>);
    /// Whether its last run came to an error.
    fn has_failed(&self) -> bool;
    /// Answers that it could not be stored, whatever its last run came to.
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Call<O: Operation> {
    operation: O,
    outcome: Option<Result<O::Output, O::Error>>,
    reply: oneshot::Sender<Result<O::Output, O::Error>>,
}

/// What a call comes to; closed when nobody will run it any more.
pub(super) type Answer<O> = oneshot::Receiver<Result<<O as Operation>::Output, <O as Operation>::Error>>;

/// A job for an operation, and where its answer comes.
pub(super) fn job<O: Operation>(operation: O) -> (Box<dyn Job>, Answer<O>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Call { operation, outcome: None, reply }), answer)
}

impl<O: Operation> Job for Call<O> {
    fn durability(&self) -> Durability {
        self.operation.durability()
    }

    fn is_rehearsal(&self) -> bool {
        self.operation.is_rehearsal()
    }

    fn goes_ahead(&self) -> bool {
        self.operation.goes_ahead()
    }

    fn run(&mut self, tx: &mut SqliteTx) -> bool {
        tx.begin_operation();
        let outcome = drive(&self.operation, tx);
        let outcome = tx.trouble.judge(outcome);
        let succeeded = outcome.is_ok();
        self.outcome = Some(outcome);
        succeeded
    }

    fn has_made_work(&self) -> bool {
        matches!(&self.outcome, Some(Ok(output)) if O::makes_work(output))
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.expect("a job is answered after its run");
        // Who no longer waits needs no answer.
        let _ = self.reply.send(outcome);
    }

    fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(Err(_)))
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error.into()));
    }
}
