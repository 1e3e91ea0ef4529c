//! The worker runtime: claims attempts, runs them, reports how they ended.
//!
//! The server embeds it, `ktk worker` and SDK programs run it too. It knows nothing of
//! processes: what an attempt does is an [`Executor`]'s, the process executor lives in the
//! server crate, handlers come from the program.
//!
//! [`Worker`] is set up with [`Worker::builder`] and runs until its [`ShutdownSignal`] says so.

mod attempts;
mod builder;
mod executors;
mod fences;
mod handler;
mod reports;
mod runtime;
mod shutdown;
mod sync;
mod task_group;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use builder::{Worker, WorkerBuilder};
pub use handler::{HandlerContext, HandlerError, Outputs};
pub use shutdown::{Shutdown, ShutdownSignal};

use crate::api::worker::{Grant, Outcome, Registered};
pub use crate::client::BoxFuture;

/// How an attempt is to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ask first, force after this long.
    Graceful(Duration),
    /// Force at once.
    Now,
}

/// Tells a running attempt that it is to stop. The stop can become harder, never softer.
#[derive(Clone, Debug)]
pub struct StopSignal(tokio::sync::watch::Receiver<Option<Stop>>);

impl StopSignal {
    /// A signal and what sets it off.
    pub fn new() -> (tokio::sync::watch::Sender<Option<Stop>>, Self) {
        let (sender, receiver) = tokio::sync::watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the attempt is to stop, or (after it was told so) is to stop harder.
    /// Never resolves again once nobody can set it off any more.
    pub async fn changed(&mut self) -> Stop {
        loop {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(stop) = *self.0.borrow_and_update() {
                return stop;
            }
        }
    }

    /// How the attempt is to stop, if it is.
    pub fn now(&self) -> Option<Stop> {
        *self.0.borrow()
    }
}

/// Runs attempts of one sort.
pub trait Executor: Send + Sync + 'static {
    /// Runs one attempt to its end. When `stop` is set off, it ends the attempt as told and
    /// answers with whatever outcome the attempt then had.
    fn run(&self, grant: Grant, stop: StopSignal) -> BoxFuture<'static, Outcome>;

    /// The worker was registered, before any attempt of this generation is run.
    fn registered(&self, registered: &Registered) {
        let _ = registered;
    }
}
