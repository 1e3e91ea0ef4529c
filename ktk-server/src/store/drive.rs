//! How the embedded stores run an operation: with one poll, on the thread that has the store.
//! Also what a transaction remembers of a failure. Knows no store.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use super::{Operation, StoreError, StoreResult, Tx};

/// Runs an operation to its end. A panic in it is an error of that operation alone.
pub(super) fn drive<O: Operation, T: Tx>(operation: &O, tx: &mut T) -> Result<O::Output, O::Error> {
    let run =
        || operation.run(tx).now_or_never().expect("the futures of the embedded stores are ready at once");
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref());
        tracing::error!(operation = std::any::type_name::<O>(), panic = text, "an operation panicked");
        Err(StoreError::Failed(format!("an operation panicked: {text}")).into())
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What went wrong in a transaction. After the first failure it takes nothing more and cannot
/// be committed, whatever its operation makes of the error.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    first: Option<String>,
}

impl Trouble {
    /// Fails when something has failed before.
    pub(super) fn check(&self) -> StoreResult<()> {
        match &self.first {
            None => Ok(()),
            Some(first) => Err(after(first)),
        }
    }

    /// Remembers a failure.
    pub(super) fn note(&mut self, error: &dyn std::fmt::Display) {
        self.first.get_or_insert_with(|| error.to_string());
    }

    /// The first failure.
    pub(super) fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// An outcome, or an error where the operation went on after a failure and called it success.
    pub(super) fn judge<T, E: From<StoreError>>(&self, outcome: Result<T, E>) -> Result<T, E> {
        match (&self.first, outcome) {
            (Some(first), Ok(_)) => Err(after(first).into()),
            (_, outcome) => outcome,
        }
    }
}

fn after(first: &str) -> StoreError {
    StoreError::Failed(format!("an operation went on after an error ({first})"))
}
