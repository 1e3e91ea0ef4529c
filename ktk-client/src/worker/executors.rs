//! What a worker can run: handlers by name, processes, and requests.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;

use super::{Executor, StopSignal};
use crate::api::{
    Reason,
    worker::{Grant, Outcome, Registered},
};

/// Handlers by name, what runs processes, and what sends requests.
#[derive(Clone, Default)]
pub(super) struct Executors {
    pub(super) handlers: HashMap<String, Arc<dyn Executor>>,
    pub(super) process: Option<Arc<dyn Executor>>,
    pub(super) http: Option<Arc<dyn Executor>>,
}

impl Executors {
    /// What runs a grant; else how the attempt ends without it.
    pub(super) fn of(&self, grant: &Grant) -> Result<Arc<dyn Executor>, Outcome> {
        let found = match (&grant.type_name, &grant.run, &grant.http) {
            (Some(name), ..) => {
                return self.handlers.get(name).cloned().ok_or_else(|| {
                    failed(Reason::HandlerError, format!("this worker has no handler {name:?}"))
                });
            }
            (None, Some(_), _) => self.process.clone().ok_or("this worker runs no processes"),
            (None, None, Some(_)) => self.http.clone().ok_or("this worker sends no requests"),
            (None, None, None) => Err("there is nothing to run"),
        };
        found.map_err(|why| failed(Reason::SpawnError, why.to_owned()))
    }

    pub(super) fn registered(&self, registered: &Registered) {
        for executor in self.handlers.values().chain(&self.process).chain(&self.http) {
            executor.registered(registered);
        }
    }
}

fn failed(reason: Reason, message: String) -> Outcome {
    Outcome { reason: Some(reason), message: Some(message), ..Outcome::default() }
}

/// Runs a grant to its end; a panic is an end as well.
pub(super) async fn run(executor: Arc<dyn Executor>, grant: Grant, stop: StopSignal) -> Outcome {
    let running = AssertUnwindSafe(async move { executor.run(grant, stop).await });
    running.catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text =
            text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        failed(Reason::HandlerError, format!("panicked: {text}"))
    })
}
