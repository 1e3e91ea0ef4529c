//! The operations: each is one transaction that loads a working set, decides, and writes.
//!
//! [`Engine`] runs them on a store and tells those who wait once they are committed.

pub mod adopt;
mod amend;
pub mod amend_entity;
pub mod amend_pipeline;
pub mod amend_task;
pub mod applied;
pub mod apply;
pub mod apply_entity;
pub mod apply_pipeline;
pub mod apply_task;
pub mod attempt;
pub mod attempt_token;
pub mod body;
pub mod cancel;
mod carry_out;
mod catalogue;
pub mod changes;
mod claim;
pub mod collect;
pub mod collector;
#[cfg(test)]
#[cfg_attr(
    feature = "simulation",
    allow(dead_code, unused_imports, unused_macros, reason = "the simulator uses some of it")
)]
pub mod conformance;
pub mod create_pipeline;
pub mod create_task;
pub mod credentials;
pub mod delete;
pub mod entity;
pub mod error;
pub mod evaluate;
pub mod evaluator;
pub mod events;
mod expand;
pub mod expire;
mod external;
mod for_each;
mod going;
pub mod hold;
pub mod hooks;
pub mod hub;
mod incarnate;
mod lanes;
pub mod leases;
pub mod lending;
pub mod nearby;
pub mod nodes;
pub mod object;
pub mod operation;
mod plan;
mod propagate;
pub mod queue;
pub mod read;
mod rehearsal;
pub mod remove;
mod report;
pub mod requests;
mod rerun;
mod resolve;
pub mod restart_many;
pub mod restart_pipeline;
pub mod restart_task;
mod restart_whole;
pub mod room;
pub mod semaphore;
pub mod shared;
pub mod table;
pub mod task_type;
pub mod timer;
pub mod token;
mod transit;
pub mod typed;
pub mod unique;
pub mod unit;
mod unresolved;
pub mod viewer;
mod whole;
pub mod why;
pub mod why_pipeline;

use std::{
    marker::PhantomData,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use error::{EngineError, EngineResult};
use hub::Hub;
use ktk_client::api::{ApiError, ErrorReason};
use leases::Leases;
use lending::Lending;
use operation::{Ask, By, Done, Working};
use requests::{Asked, Once, Remembered};
use serde::{Serialize, de::DeserializeOwned};
use shared::Shared;
use tokio::sync::mpsc;
use unit::Effects;

use crate::{
    clock::Clock,
    jq::Jq,
    model::retention::Retention,
    store::{Operation, Store},
};

/// What is gone and leaves files behind: told to whoever owns the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Tasks: their logs.
    pub tasks: Vec<uuid::Uuid>,
    /// Pipelines and contexts: their directories.
    pub owners: Vec<uuid::Uuid>,
}

/// The engine: a store, a clock, and those who wait.
#[derive(Debug)]
pub struct Engine<S> {
    pub store: S,
    pub clock: Clock,
    pub shared: Arc<Shared>,
    pub hub: Hub,
    pub leases: Leases,
    pub lending: Lending,
    /// Where expressions are evaluated: never in an operation.
    pub jq: Jq,
    types: Mutex<Vec<String>>,
    retention: Mutex<Retention>,
    is_stopping: AtomicBool,
    removed: mpsc::UnboundedSender<Removed>,
}

impl<S: Store> Engine<S> {
    /// An engine on a store, and the stream of what leaves files behind.
    pub fn new(
        store: S,
        clock: Clock,
        shared: Arc<Shared>,
        jq: Jq,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Removed>) {
        let (removed, receiver) = mpsc::unbounded_channel();
        let leases = Leases::new(clock.clone());
        let engine = Self {
            store,
            clock,
            shared,
            hub: Hub::default(),
            leases,
            lending: Lending::default(),
            jq,
            types: Mutex::default(),
            retention: Mutex::new(Retention::none()),
            is_stopping: AtomicBool::new(false),
            removed,
        };
        (Arc::new(engine), receiver)
    }

    /// What an operation is given, on behalf of somebody.
    pub fn ask(&self, by: impl Into<By>) -> Ask {
        let By { name, scope, token, .. } = by.into();
        let namespaces = token.as_ref().and_then(|token| token.namespaces.clone());
        let token = token.map(|token| token.id);
        Ask { shared: Arc::clone(&self.shared), now: self.clock.now(), by: name, scope, namespaces, token }
    }

    /// Runs an operation that may write, and tells those who wait.
    ///
    /// # Errors
    /// Whatever the operation refuses, or the store's failure.
    pub async fn write<O, A>(&self, operation: O) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Send + 'static,
    {
        let done = self.store.write(Working(operation)).await?;
        self.announce(done.effects);
        Ok(done.answer)
    }

    /// Runs an operation with the next one that makes work; `None` where `otherwise` comes first.
    ///
    /// # Errors
    /// Whatever the operation refuses, or the store's failure.
    pub async fn stand<O, A>(
        &self,
        operation: O,
        otherwise: impl Future<Output = ()> + Send,
    ) -> Option<EngineResult<A>>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Send + 'static,
    {
        let done = self.store.stand(operation, otherwise).await?;
        Some(done.map(|done| {
            self.announce(done.effects);
            done.answer
        }))
    }

    /// Runs an operation that may write once for each request id.
    ///
    /// # Errors
    /// Whatever the operation refuses, `Conflict` for an id of another request, or the store's failure.
    pub async fn write_once<O, A>(&self, request: Option<Remembered>, operation: O) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.write(Once { operation, request, now: self.clock.now() }).await
    }

    /// The same; a dry run on a snapshot, and not remembered.
    ///
    /// # Errors
    /// As [`Engine::write_once`].
    pub async fn write_once_or_plan<O, A>(
        &self,
        request: Option<Remembered>,
        operation: O,
        is_dry_run: bool,
    ) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let request = request.filter(|_| !is_dry_run);
        self.write_or_plan(Once { operation, request, now: self.clock.now() }, is_dry_run).await
    }

    /// The first answer to a request that is more than one transaction.
    ///
    /// # Errors
    /// `Conflict` for an id of another request, or the store's failure.
    pub async fn first_answer<A>(&self, request: Option<&Remembered>) -> EngineResult<Option<A>>
    where
        A: DeserializeOwned + Send + 'static,
    {
        let Some(request) = request.cloned() else { return Ok(None) };
        self.read(Asked { request, answer: PhantomData }).await
    }

    /// The same; a dry run on a snapshot, where it holds nobody up and a write would be refused.
    ///
    /// # Errors
    /// Whatever the operation refuses, or the store's failure.
    pub async fn write_or_plan<O, A>(&self, operation: O, is_dry_run: bool) -> EngineResult<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Send + 'static,
    {
        if is_dry_run { Ok(self.read(operation).await?.answer) } else { self.write(operation).await }
    }

    /// Runs an operation that only reads.
    ///
    /// # Errors
    /// Whatever the operation refuses, or the store's failure.
    pub async fn read<O>(&self, operation: O) -> EngineResult<O::Output>
    where
        O: Operation<Error = EngineError>,
    {
        self.store.read(operation).await
    }

    /// Takes the tokens that the store holds to judge by.
    ///
    /// # Errors
    /// The store's failure, or a token that cannot be read.
    pub async fn load_credentials(&self) -> EngineResult<()> {
        let (version, known) = self.read(token::LoadCredentials).await?;
        self.shared.credentials.replace(version, known);
        Ok(())
    }

    fn announce(&self, effects: Effects) {
        self.shared.nearby.remember(&effects.offered, &effects.taken);
        self.hub.announce(&effects);
        if !effects.removed_tasks.is_empty() || !effects.removed_owners.is_empty() {
            let removed = Removed { tasks: effects.removed_tasks, owners: effects.removed_owners };
            // Nobody owns files where nobody listens.
            let _ = self.removed.send(removed);
        }
    }

    /// From now on whatever makes new work is refused; reads, cancels and reports go on.
    pub fn refuse_new_work(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Whether new work is taken.
    ///
    /// # Errors
    /// `Unavailable` while the server stops.
    pub fn takes_work(&self) -> EngineResult<()> {
        if !self.is_stopping.load(Ordering::Relaxed) {
            return Ok(());
        }
        let error = ApiError::new(ErrorReason::Unavailable, "the server is stopping and takes no new work");
        Err(error.with_hint("wait until it has gone; the next command starts another").into())
    }

    /// How long what has ended is kept; for ever until it is set.
    pub fn retention(&self) -> Retention {
        self.retention.lock().expect("nobody panics while holding it").clone()
    }

    /// Sets how long what has ended is kept.
    pub fn set_retention(&self, retention: Retention) {
        *self.retention.lock().expect("nobody panics while holding it") = retention;
    }

    /// Handlers that present nodes have.
    pub fn types(&self) -> Vec<String> {
        self.types.lock().expect("nobody panics while holding it").clone()
    }

    /// A node with these handlers is present.
    pub fn add_types(&self, names: &[String]) {
        let mut types = self.types.lock().expect("nobody panics while holding it");
        types.extend(names.iter().cloned());
        types.sort_unstable();
        types.dedup();
    }
}
