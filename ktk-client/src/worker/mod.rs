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
///
/// ```
/// use std::time::Duration;
/// use ktk_client::worker::Stop;
/// let time = |stop| match stop {
///     Stop::Graceful(grace) => grace,
///     Stop::Now => Duration::ZERO,
/// };
/// assert_eq!(time(Stop::Now), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ask first, force after this long.
    Graceful(Duration),
    /// Force at once.
    Now,
}

/// Tells a running attempt that it is to stop. The stop can become harder, never softer.
///
/// ```
/// use ktk_client::worker::{HandlerContext, HandlerError, Outputs};
/// async fn handler(mut context: HandlerContext) -> Result<Outputs, HandlerError> {
///     tokio::select! {
///         _ = context.stop.changed() => Err(HandlerError::new("told to stop")),
///         _ = work() => Ok(Outputs::default()),
///     }
/// }
/// # async fn work() {}
/// ```
#[derive(Clone, Debug)]
pub struct StopSignal(tokio::sync::watch::Receiver<Option<Stop>>);

impl StopSignal {
    /// A signal and what sets it off.
    ///
    /// ```
    /// use ktk_client::worker::{Stop, StopSignal};
    /// let (stop, signal) = StopSignal::new();
    /// stop.send(Some(Stop::Now)).unwrap();
    /// assert_eq!(signal.now(), Some(Stop::Now));
    /// ```
    pub fn new() -> (tokio::sync::watch::Sender<Option<Stop>>, Self) {
        let (sender, receiver) = tokio::sync::watch::channel(None);
        (sender, Self(receiver))
    }

    /// Waits until the attempt is to stop, or (after it was told so) is to stop harder.
    /// Never resolves again once nobody can set it off any more.
    ///
    /// ```
    /// use ktk_client::worker::{Stop, StopSignal};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (stop, mut signal) = StopSignal::new();
    /// stop.send(Some(Stop::Now)).unwrap();
    /// assert_eq!(signal.changed().await, Stop::Now);
    /// # }
    /// ```
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
    ///
    /// ```
    /// assert_eq!(ktk_client::worker::StopSignal::new().1.now(), None);
    /// ```
    pub fn now(&self) -> Option<Stop> {
        *self.0.borrow()
    }
}

/// Runs attempts of one sort.
///
/// ```
/// use ktk_client::{api::{Reason, worker::{Grant, Outcome}}, worker::{BoxFuture, Executor, StopSignal}};
/// /// Runs nothing, and says so.
/// struct Nothing;
/// impl Executor for Nothing {
///     fn run(&self, grant: Grant, _stop: StopSignal) -> BoxFuture<'static, Outcome> {
///         let message = Some(format!("{} is not run here", grant.name));
///         let reason = Some(Reason::HandlerError);
///         Box::pin(async move { Outcome { reason, message, ..Outcome::default() } })
///     }
/// }
/// ```
pub trait Executor: Send + Sync + 'static {
    /// Runs one attempt to its end. When `stop` is set off, it ends the attempt as told and
    /// answers with whatever outcome the attempt then had.
    fn run(&self, grant: Grant, stop: StopSignal) -> BoxFuture<'static, Outcome>;

    /// The worker was registered, before any attempt of this generation is run.
    fn registered(&self, registered: &Registered) {
        let _ = registered;
    }
}
