//! Workers: small machines that register, claim, run and report, crash, stand still, and say things twice or too late.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{
    Reason,
    worker::{Fence, Grant, Outcome, RegisterParams, Registered, Report, SyncParams, Synced},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, GrantFact, ReportFact, SyncFact, Told},
    people::{HANDLER, map},
    recording::fence,
    world::{SimStore, World},
};
use crate::engine::{
    Engine,
    lending::Lent,
    nodes::{RegisterNode, SyncNode},
};

/// An attempt that runs.
#[derive(Debug)]
pub struct Run {
    pub grant: Grant,
    pub ends_at: Timestamp,
    is_stopping: bool,
    /// While it waits for what it has made.
    pub lent: Option<Lent>,
}

/// A worker.
#[derive(Debug)]
pub struct Worker {
    pub id: Uuid,
    name: String,
    generation: u32,
    slots: u32,
    /// What the last answer said: how many of them are lent.
    lent: u32,
    pub is_up: bool,
    pub paused_until: Option<Timestamp>,
    pub runs: Vec<Run>,
    /// Ends that have not been acknowledged.
    ends: Vec<Report>,
    /// The last answer may have been lost.
    pub is_unsure: bool,
    heard_at: Option<Timestamp>,
    started: BTreeSet<Fence>,
    work: Option<watch::Receiver<u64>>,
    stops: Option<watch::Receiver<u64>>,
    /// Whether it had room for more when it last asked.
    had_room: bool,
}

impl Worker {
    pub fn new(number: u32) -> Self {
        Self {
            id: Uuid::from_u128(0xab00 + u128::from(number)),
            name: format!("worker-{number}"),
            generation: 0,
            slots: 1 + number % 3,
            lent: 0,
            is_up: true,
            paused_until: None,
            runs: Vec::new(),
            ends: Vec::new(),
            is_unsure: false,
            heard_at: None,
            started: BTreeSet::new(),
            work: None,
            stops: None,
            had_room: false,
        }
    }

    /// Its long poll is with this server.
    pub fn listens_to(&mut self, engine: &Arc<Engine<SimStore>>) {
        self.work = Some(engine.hub.work());
        self.stops = Some(engine.hub.stops());
        self.had_room = false;
    }

    fn zone(&self) -> &'static str {
        ["eu", "us"][self.id.as_u128() as usize % 2]
    }

    fn free(&self) -> u32 {
        (self.slots + self.lent).saturating_sub((self.runs.len() + self.ends.len()) as u32)
    }

    fn works(&self, now: Timestamp) -> bool {
        self.is_up && self.generation > 0 && self.paused_until.is_none_or(|until| until <= now)
    }

    /// Whether its call has something to say or has been woken.
    pub fn has_reason_to_call(&self) -> bool {
        let woken = |receiver: &Option<watch::Receiver<u64>>| {
            receiver.as_ref().is_some_and(|receiver| receiver.has_changed().unwrap_or(true))
        };
        let has_room = self.free() > 0;
        !self.ends.is_empty()
            || self.is_unsure
            || (has_room && (!self.had_room || woken(&self.work)))
            || woken(&self.stops)
    }
}

impl World {
    pub fn register(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.runs.clear();
        worker.ends.clear();
        worker.lent = 0;
        worker.listens_to(&self.engine);
        let params = RegisterParams {
            id: worker.id,
            name: worker.name.clone(),
            role: "worker".into(),
            slots: worker.slots,
            types: vec![HANDLER.into()],
            labels: [("zone".to_owned(), worker.zone().to_owned())].into(),
            ..RegisterParams::default()
        };
        let (node, store_id) = (worker.id, Uuid::nil());
        let ask = self.engine.ask("worker");
        let told = self.ask(Ok(RegisterNode { ask, params, store_id }));
        let told = map(told, |registered: Registered| registered.generation);
        if let Some(generation) = told.done() {
            let worker = &mut self.workers[index];
            worker.generation = *generation;
            worker.is_unsure = false;
            self.engine.leases.renew(node, *generation, false);
        } else {
            self.workers[index].generation = 0;
        }
        self.record.add(Entry::Call(Call::Register { node, told }));
    }

    /// A worker does what is due.
    pub fn work(&mut self, index: usize) {
        let now = self.now();
        let worker = &mut self.workers[index];
        if !worker.is_up || worker.paused_until.is_some_and(|until| until > now) {
            return;
        }
        worker.paused_until = None;
        if worker.generation == 0 {
            return self.register(index);
        }
        self.finish(index);
        self.sync(index);
    }

    /// What has run long enough ends.
    fn finish(&mut self, index: usize) {
        let now = self.now();
        let (ended, runs): (Vec<Run>, Vec<Run>) = std::mem::take(&mut self.workers[index].runs)
            .into_iter()
            .partition(|run| run.ends_at <= now || self.is_healed);
        self.workers[index].runs = runs;
        for run in ended {
            let outcome = self.outcome(&run);
            if run.lent.is_some() {
                self.record.add(Entry::Call(Call::Wait { task: run.grant.task, waits: false }));
            }
            let report =
                Report { task: run.grant.task, attempt: run.grant.attempt, fence: run.grant.fence, outcome };
            self.workers[index].ends.push(report);
        }
    }

    fn outcome(&mut self, run: &Run) -> Outcome {
        if run.is_stopping && !self.one_in(4) {
            return because(Reason::Signal);
        }
        let sides = if self.is_healed { 8 } else { 14 };
        match self.rng.random_range(0..sides) {
            0..=2 => Outcome::default(),
            3 => outputs(json!({})),
            4 | 5 => outputs(json!({"n": 1})),
            6 => outputs(json!({"n": 2})),
            7 => outputs(json!({"task": run.grant.name, "attempt": run.grant.attempt})),
            8 => because(Reason::Interrupted),
            9 => because(Reason::SpawnError),
            10 => because(Reason::Timeout),
            number => Outcome { exit_code: Some([1, 75][number % 2]), ..because(Reason::ExitCode) },
        }
    }

    /// The one call of a worker.
    pub fn sync(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        if worker.generation == 0 {
            return;
        }
        let params = SyncParams {
            node: worker.id,
            generation: worker.generation,
            reports: worker.ends.clone(),
            free: (worker.slots + worker.lent).saturating_sub(worker.runs.len() as u32),
            running: worker.runs.len() as u32,
            lent: worker.lent,
            stopping: worker.runs.iter().filter(|run| run.is_stopping).map(|run| run.grant.fence).collect(),
            resync: worker.is_unsure,
            held: worker.runs.iter().map(|run| run.grant.fence).collect(),
            ..SyncParams::default()
        };
        for receiver in [&mut worker.work, &mut worker.stops].into_iter().flatten() {
            receiver.borrow_and_update();
        }
        // As the server takes it: the lease is renewed around the look.
        let (node, generation, running) = (params.node, params.generation, params.running);
        self.engine.leases.renew(node, generation, running > 0 || params.free > 0);
        let repeats = !params.reports.is_empty() && !self.is_healed && self.one_in(8);
        let again = repeats.then(|| SyncParams { free: 0, resync: false, ..params.clone() });
        match self.call(params) {
            Some(synced) => {
                // The call arrives twice: nobody hears the second answer.
                if let Some(again) = again {
                    self.faults.repeated_calls += 1;
                    self.call(again);
                }
                if !synced.unknown_node {
                    self.engine.leases.renew(node, generation, running > 0 || !synced.grants.is_empty());
                }
                self.take(index, synced);
            }
            None => self.workers[index].is_unsure = true,
        }
    }

    /// A call without leases.
    fn call(&mut self, params: SyncParams) -> Option<Synced> {
        let (node, generation) = (params.node, params.generation);
        let reports = params.reports.iter().map(report_fact).collect();
        let ask = self.engine.ask("worker");
        let waiting = self.engine.lending.tasks();
        let told = self.ask(Ok(SyncNode { ask, params, check_stops: true, waiting }));
        if let Told::Refused(reason) = &told
            && *reason != "Unavailable"
        {
            self.record.add(Entry::Broken(format!("a worker's call was refused: {reason}")));
        }
        let synced = told.done().cloned();
        let told = map(told, |synced| (synced.accepted, synced.grants.iter().map(grant_fact).collect()));
        self.record.add(Entry::Call(Call::Sync(SyncFact { node, generation, reports, told })));
        synced
    }

    fn take(&mut self, index: usize, synced: Synced) {
        let now = self.now();
        if synced.unknown_node {
            self.workers[index].generation = 0;
            return self.register(index);
        }
        let mut lengths = Vec::new();
        for _ in &synced.grants {
            lengths.push(SignedDuration::from_millis(self.rng.random_range(0..9_000)));
        }
        let worker = &mut self.workers[index];
        worker.is_unsure = false;
        worker.lent = synced.lent;
        worker.heard_at = Some(now);
        worker.ends.clear();
        // Who got something asks for more at once; who got nothing waits to be woken.
        worker.had_room = synced.grants.is_empty() && worker.free() > 0;
        self.given.extend(synced.grants.iter().cloned());
        for (grant, length) in synced.grants.into_iter().zip(lengths) {
            // A fence is started once, however often it is given.
            if worker.started.insert(grant.fence) {
                worker.runs.push(Run { grant, ends_at: now + length, is_stopping: false, lent: None });
            }
        }
        for stop in synced.stops {
            for run in worker.runs.iter_mut().filter(|run| run.grant.fence == stop.fence) {
                run.is_stopping = true;
                run.ends_at = now;
            }
        }
    }

    /// Workers that are well are heard of in time.
    pub fn renew_leases(&mut self) {
        let now = self.now();
        for index in 0..self.workers.len() {
            let worker = &self.workers[index];
            let is_due =
                worker.heard_at.is_none_or(|at| now.duration_since(at) > SignedDuration::from_secs(5));
            if worker.works(now) && !worker.runs.is_empty() && is_due {
                self.sync(index);
            }
        }
    }

    /// A worker is killed; its processes may live on for a while and speak for it.
    pub fn crash_worker(&mut self, index: usize) {
        self.faults.worker_crashes += 1;
        if self.one_in(2) {
            self.report_late();
        }
        let worker = &mut self.workers[index];
        worker.is_up = false;
        worker.generation = 0;
        worker.runs.clear();
        worker.ends.clear();
    }

    pub fn start_worker(&mut self, index: usize) {
        self.workers[index].is_up = true;
        self.workers[index].paused_until = None;
        self.register(index);
    }

    /// A result that comes late, again, or in somebody else's name. Whoever speaks renews no lease: it is not the
    /// worker of now.
    pub fn report_late(&mut self) {
        let Some(grant) = self.given.choose(&mut self.rng).cloned() else { return };
        self.faults.late_reports += 1;
        let worker = self.workers.choose(&mut self.rng).expect("there is a worker");
        let (node, present) = (worker.id, worker.generation);
        let generation = if self.one_in(2) { present } else { present.saturating_sub(1) };
        let run = Run { grant, ends_at: self.now(), is_stopping: false, lent: None };
        let outcome = self.outcome(&run);
        let Grant { task, attempt, fence, .. } = run.grant;
        let reports = vec![Report { task, attempt, fence, outcome }];
        self.call(SyncParams { node, generation, reports, ..SyncParams::default() });
    }
}

fn because(reason: Reason) -> Outcome {
    Outcome { reason: Some(reason), ..Outcome::default() }
}

fn outputs(value: Value) -> Outcome {
    Outcome { outputs: Some(serde_json::from_value(value).unwrap()), ..Outcome::default() }
}

fn report_fact(report: &Report) -> ReportFact {
    let outcome = &report.outcome;
    ReportFact {
        task: report.task,
        attempt: report.attempt,
        fence: fence(report.fence),
        reason: outcome.reason.map(Reason::as_str),
        exit_code: outcome.exit_code,
        outputs: outcome.outputs.as_ref().map(|outputs| json!(outputs)),
    }
}

fn grant_fact(grant: &Grant) -> GrantFact {
    GrantFact {
        task: grant.task,
        attempt: grant.attempt,
        fence: fence(grant.fence),
        needs: grant.needs.clone(),
        inputs: grant.inputs.clone(),
    }
}
