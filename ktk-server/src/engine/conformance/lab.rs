//! A laboratory: an engine with a clock that tests move and seeded chance, one node that claims
//! and reports when it is told to, and the invariants checked after every operation.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{
    ApiError, ErrorReason,
    worker::{Fence, Grant, Outcome, RegisterParams, Report, SyncParams, Synced},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    build::{HANDLER, exit, outputs, success},
    check,
    dump::{BreakBody, Dump, ReadAll},
    mirror::Mirror,
    promise,
    told::Told,
};
use crate::{
    clock::Clock,
    engine::{
        Engine,
        error::EngineError,
        evaluate::{self, LoadJobs},
        evaluator,
        expire::{MoveDue, Outlook},
        nodes::{LoseNode, RegisterNode, SyncNode},
        operation::Done,
        shared::Shared,
    },
    entropy::Entropy,
    jq::Jq,
    store::{Operation, Store, StoreError},
};

/// What a refused call answers.
pub type Answer<T> = Result<T, ApiError>;

/// When every laboratory opens.
pub fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// The laboratory.
pub struct Lab<S: Store> {
    pub engine: Arc<Engine<S>>,
    pub node: Uuid,
    pub generation: u32,
    /// How many attempts the node says that it can run.
    pub slots: u32,
    /// What the node runs.
    pub held: Vec<Grant>,
    /// The rows after the last operation.
    pub dump: Dump,
    /// Since when somebody could hear what attempts say.
    pub heard_since: Timestamp,
    mirror: Mirror,
    newest_fence: Fence,
}

impl<S: Store> Lab<S> {
    /// A laboratory whose node is registered.
    pub async fn new(store: S) -> Self {
        Self::seeded(store, 1).await
    }

    pub async fn seeded(store: S, seed: u64) -> Self {
        let shared = Shared::new(Entropy::seeded(seed), Some("/places".into()));
        let (engine, _) = Engine::new(store, Clock::manual(start()), shared, Jq::here());
        let mut lab = Self {
            engine,
            node: Uuid::from_u128(0xab),
            generation: 0,
            slots: 64,
            held: Vec::new(),
            dump: Dump::default(),
            heard_since: start(),
            mirror: Mirror::default(),
            newest_fence: Fence::default(),
        };
        lab.dump = lab.engine.read(ReadAll).await.unwrap();
        lab.mirror = Mirror::listed(&lab.dump);
        lab.engine.hub.begin(lab.dump.version);
        lab.engine.hub.add_due(lab.dump.next_due);
        lab.register().await;
        lab
    }

    pub fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// Runs an operation, then checks everything.
    pub async fn write<O, A>(&mut self, operation: O) -> Answer<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Send + 'static,
    {
        let (told, before) = (Told::so_far(&self.engine), self.dump.clone());
        let answer = self.engine.write(operation).await;
        self.check().await;
        told.check(&self.engine, &before, &self.dump);
        Ok(answer.inspect_err(internal)?)
    }

    pub async fn read<O: Operation<Error = EngineError>>(&self, operation: O) -> Answer<O::Output> {
        Ok(self.engine.read(operation).await.inspect_err(internal)?)
    }

    /// All invariants, on all rows, and the watch that has followed all along.
    pub async fn check(&mut self) {
        let now = self.engine.read(ReadAll).await.unwrap();
        check::check(&self.dump, &now);
        self.dump = now;
        self.mirror.follow(&self.engine).await;
        self.mirror.check(&self.dump);
    }

    /// Registers the node, again or for the first time: what it held is gone.
    pub async fn register(&mut self) {
        let params = RegisterParams {
            id: self.node,
            name: "lab".into(),
            role: "worker".into(),
            slots: self.slots,
            types: vec![HANDLER.into()],
            processes: true,
            ..RegisterParams::default()
        };
        let store_id = self.engine.store.info().id;
        let ask = self.engine.ask("lab");
        self.generation = self.write(RegisterNode { ask, params, store_id }).await.unwrap().generation;
        self.engine.add_types(&[HANDLER.into()]);
        self.held.clear();
    }

    /// One call of the worker.
    pub async fn sync(&mut self, params: SyncParams) -> Synced {
        self.try_sync(params).await.unwrap()
    }

    /// One call of the worker, which the store may refuse.
    pub async fn try_sync(&mut self, params: SyncParams) -> Answer<Synced> {
        let params = SyncParams { node: self.node, generation: self.generation, ..params };
        let held = params.held.clone();
        let resync = params.resync;
        let before = self.dump.clone();
        let ask = self.engine.ask("lab");
        let synced = self
            .write(SyncNode { ask, params, check_stops: true, waiting: self.engine.lending.tasks() })
            .await?;
        for grant in &synced.grants {
            let is_new = grant.fence > self.newest_fence;
            assert!(is_new || (resync && !held.contains(&grant.fence)), "fences rise: {grant:?}");
            if is_new {
                promise::kept_by_grant(grant, &self.dump);
            } else {
                let task = &before.tasks[&grant.task];
                assert_eq!((task.fence, task.attempt), (Some(grant.fence), grant.attempt), "given again");
            }
        }
        let newest = synced.grants.iter().map(|grant| grant.fence).max();
        self.newest_fence = newest.unwrap_or_default().max(self.newest_fence);
        Ok(synced)
    }

    /// Claims up to this many attempts; the node holds them from now on.
    pub async fn claim(&mut self, free: u32) -> Vec<Grant> {
        self.evaluate().await;
        let running = self.held.len() as u32;
        let grants = self.sync(SyncParams { free, running, ..SyncParams::default() }).await.grants;
        assert!(grants.len() <= free as usize, "a batch above the free slots");
        self.held.extend(grants.iter().cloned());
        grants
    }

    /// What the evaluator does: takes what is to be evaluated until there is nothing more.
    pub async fn evaluate(&mut self) {
        loop {
            let jobs = self.jobs().await;
            if jobs.is_empty() {
                return;
            }
            for (task, job) in jobs {
                let take = evaluator::judge(&self.engine, task, job).await.unwrap();
                self.write(take).await.unwrap();
            }
        }
    }

    /// What is to be evaluated.
    pub async fn jobs(&self) -> Vec<(Uuid, Result<evaluate::Job, String>)> {
        let load = LoadJobs { ask: self.engine.ask("ktk"), limit: 100, but: Default::default() };
        self.read(load).await.unwrap()
    }

    /// The names of what is claimed, in order.
    pub async fn claim_names(&mut self, free: u32) -> Vec<String> {
        self.claim(free).await.into_iter().map(|grant| grant.name).collect()
    }

    /// Reports the ends of attempts in one call, without claiming.
    pub async fn report_all(&mut self, ends: Vec<(Grant, Outcome)>) -> Vec<bool> {
        let fences: Vec<Fence> = ends.iter().map(|(grant, _)| grant.fence).collect();
        self.held.retain(|grant| !fences.contains(&grant.fence));
        let reports = ends.into_iter().map(|(grant, outcome)| Report {
            task: grant.task,
            attempt: grant.attempt,
            fence: grant.fence,
            outcome,
        });
        let params = SyncParams { reports: reports.collect(), ..SyncParams::default() };
        self.sync(params).await.accepted
    }

    /// Reports the end of an attempt; says whether it counted.
    pub async fn report(&mut self, grant: Grant, outcome: Outcome) -> bool {
        self.report_all(vec![(grant, outcome)]).await[0]
    }

    /// The attempt of this task that the node runs, claimed with all others if it has to be.
    pub async fn running(&mut self, name: &str) -> Grant {
        if !self.held.iter().any(|grant| grant.name == name) {
            self.claim(64).await;
        }
        let held = self.held.iter().find(|grant| grant.name == name);
        held.unwrap_or_else(|| panic!("{name} does not run: {:#?}", self.states())).clone()
    }

    /// Runs a task to this end.
    pub async fn end(&mut self, name: &str, outcome: Outcome) {
        let grant = self.running(name).await;
        assert!(self.report(grant, outcome).await, "{name}'s end counts");
    }

    pub async fn succeed(&mut self, name: &str) {
        self.end(name, success()).await;
    }

    pub async fn give(&mut self, name: &str, value: Value) {
        self.end(name, outputs(value)).await;
    }

    pub async fn fail(&mut self, name: &str) {
        self.end(name, exit(1)).await;
    }

    /// Moves the clock, then what it moves.
    pub async fn advance(&mut self, by: Duration) {
        self.engine.clock.advance(SignedDuration::try_from(by).unwrap());
        for (node, generation) in self.engine.leases.take_ended() {
            let ask = self.engine.ask("ktk");
            self.write(LoseNode { ask, node, generation }).await.unwrap();
        }
        let ask = self.engine.ask("ktk");
        self.engine.hub.forget_due();
        // As the timer does: what is told meanwhile is kept.
        let ahead = self.engine.read(Outlook).await.unwrap();
        self.engine.hub.add_due(ahead.next_due);
        let after = self.write(MoveDue { ask, heard_since: self.heard_since }).await.unwrap();
        self.engine.hub.forget_due();
        self.engine.hub.add_due(after.next);
    }

    /// Makes a stored manifest unreadable.
    pub async fn break_body(&mut self, name: &str) {
        let row = self.dump.tasks.values().find(|row| row.name == name && row.newest).unwrap().clone();
        self.engine.store.write(BreakBody { row }).await.unwrap();
        self.check().await;
    }

    /// The node misses its lease.
    pub async fn lose_node(&mut self) {
        let (node, generation) = (self.node, self.generation);
        let ask = self.engine.ask("ktk");
        self.write(LoseNode { ask, node, generation }).await.unwrap();
    }
}

fn internal(error: &EngineError) {
    let is_refusal = match error {
        EngineError::Refused(error) => error.reason != ErrorReason::Internal,
        EngineError::Store(error) => matches!(error, StoreError::Unavailable(_)),
        EngineError::Bug(_) | EngineError::Rehearsed(_) => false,
    };
    assert!(is_refusal, "neither done nor refused with words: {error:?}");
}
