//! A world of one thread and one seed: a server on a store in memory, people, workers, watchers, a clock that is moved,
//! and whatever can go wrong.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{ApiError, ErrorReason, worker::Grant};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use super::{
    evaluator::Evaluator,
    faults::Faults,
    hooks::HookCaller,
    judge::facts::{Call, Entry, Told},
    people::People,
    recording::Record,
    workers::Worker,
};
use crate::{
    clock::Clock,
    engine::{
        Engine, collector,
        conformance::cut::CutStore,
        error::{EngineError, EngineResult},
        expire::Outlook,
        operation::Done,
        shared::Shared,
        timer,
    },
    entropy::Entropy,
    limits,
    store::{Operation, Store, StoreError, memory::MemoryStore},
};

pub type SimStore = CutStore<MemoryStore>;

/// The world.
pub struct World {
    pub rng: StdRng,
    pub clock: Clock,
    pub store: SimStore,
    pub engine: Arc<Engine<SimStore>>,
    pub record: Record,
    pub workers: Vec<Worker>,
    /// All grants that workers were ever given.
    pub given: Vec<Grant>,
    pub people: People,
    pub evaluator: Evaluator,
    pub hooks: HookCaller,
    pub faults: Faults,
    /// Whether everything goes well from now on.
    pub is_healed: bool,
    pub sweep: Option<Timestamp>,
    /// Since when the server could be heard of, and hear.
    heard_since: Timestamp,
    /// Counts the wake-ups of the server that is there.
    pub starts: u64,
    seed: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::manual(start);
        let store = CutStore::new(MemoryStore::new(Uuid::from_u128(0x5eed)));
        let record = Record::default();
        record.attach(&store.knife, clock.clone());
        let engine = engine(&store, &clock, seed);
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            clock,
            store,
            engine,
            record,
            workers: Vec::new(),
            given: Vec::new(),
            people: People::default(),
            evaluator: Evaluator::default(),
            hooks: HookCaller::default(),
            faults: Faults::default(),
            // Nothing goes wrong while it is set up.
            is_healed: true,
            sweep: None,
            heard_since: start,
            starts: 0,
            seed,
        };
        world.begin();
        world.make_limits();
        world.is_healed = false;
        let count = world.rng.random_range(1..=5);
        world.workers = (0..count).map(Worker::new).collect();
        for index in 0..count as usize {
            world.register(index);
        }
        world
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_range(0..n) == 0
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The server dies, and another one starts on what is stored.
    pub fn crash_server(&mut self) {
        self.faults.server_crashes += 1;
        self.store = CutStore { store: self.store.store.restarted(), knife: Arc::clone(&self.store.knife) };
        self.starts += 1;
        self.engine = engine(&self.store, &self.clock, self.seed.wrapping_mul(31).wrapping_add(self.starts));
        self.begin();
        for worker in &mut self.workers {
            // The connection broke: nobody knows what its last answer was.
            worker.listens_to(&self.engine);
            worker.is_unsure = true;
        }
    }

    /// What a server does before it answers.
    fn begin(&mut self) {
        self.store.knife.rest();
        let epoch = self.engine.store.info().epoch;
        self.record.add(Entry::Start { epoch });
        let ahead = ready(self.engine.read(Outlook)).expect("the store can be read");
        self.engine.hub.begin(ahead.version);
        self.engine.add_types(&[super::people::HANDLER.to_owned()]);
        self.heard_since = self.now();
        self.begin_evaluator();
        self.begin_hooks();
        self.sweep = ready(timer::begin(&self.engine)).expect("the store can be read");
    }

    /// Runs an operation as a call of somebody; the answer may get lost.
    pub fn ask<O, A>(&mut self, operation: EngineResult<O>) -> Told<A>
    where
        O: Operation<Output = Done<A>, Error = EngineError>,
        A: Send + 'static,
    {
        let operation = match operation {
            Ok(operation) => operation,
            Err(error) => return self.refused(error),
        };
        let (before, hides) = (self.store.knife.cuts(), self.arm());
        let answer = ready(self.engine.write(operation));
        let was_cut = self.disarm() > before;
        let is_lost = !self.is_healed && self.one_in(40);
        match answer {
            Ok(_) if was_cut => {
                self.record.add(Entry::Broken("an operation went on after an error of the store".into()));
                Told::Unknown
            }
            Ok(_) if is_lost => {
                self.faults.lost_answers += 1;
                Told::Unknown
            }
            Ok(answer) => Told::Done(answer),
            Err(EngineError::Store(StoreError::Unavailable(_))) if was_cut => {
                self.faults.cuts += 1;
                Told::Refused("Unavailable")
            }
            Err(EngineError::Store(StoreError::Unavailable(_))) if hides => {
                self.faults.hidden += 1;
                // A server whose store fails stops; one whose store only said so goes on.
                if self.one_in(2) {
                    self.crash_server();
                }
                Told::Unknown
            }
            Err(error) => self.refused(error),
        }
    }

    fn refused<A>(&self, error: EngineError) -> Told<A> {
        let words = format!("{error:?}");
        // Nobody is faster where everything happens one after another.
        let is_race = matches!(error, EngineError::Store(StoreError::Duplicate(_)));
        let error = ApiError::from(error);
        if is_race || error.reason == ErrorReason::Internal {
            self.record.add(Entry::Broken(words));
        }
        Told::Refused(error.reason.as_str())
    }

    /// The collector has its turn, and may be cut off in its midst.
    pub fn collect(&mut self) {
        let retention = ["0s", "20s", "12", "5s,failed=none"];
        let retention = retention[self.rng.random_range(0..retention.len())];
        self.engine.set_retention(retention.parse().expect("a retention"));
        self.arm();
        let at = self.now().as_microsecond();
        let passed = ready(collector::pass(&self.engine));
        self.disarm();
        self.record.add(Entry::Call(Call::Collect { at, retention }));
        match passed {
            Ok(_) | Err(EngineError::Store(StoreError::Unavailable(_))) => {}
            Err(error) => self.record.add(Entry::Broken(format!("{error:?}"))),
        }
    }

    pub fn look<O: Operation<Error = EngineError>>(&mut self, operation: O) -> Told<O::Output> {
        match ready(self.engine.read(operation)) {
            Ok(answer) => Told::Done(answer),
            Err(error) => self.refused(error),
        }
    }

    /// Sometimes a call of the store fails, sometimes only its commit seems to. Says whether the latter may happen.
    fn arm(&mut self) -> bool {
        if self.is_healed {
            return false;
        }
        match self.rng.random_range(0..60) {
            0 | 1 => {
                let call = self.rng.random_range(1..=12);
                let last = if self.one_in(2) { call } else { usize::MAX };
                self.store.knife.fail(call..=last);
                false
            }
            2 => {
                self.store.knife.hide_commit(true);
                true
            }
            _ => false,
        }
    }

    /// Nothing more goes wrong; answers how many calls have failed so far.
    fn disarm(&mut self) -> usize {
        self.store.knife.rest();
        self.store.knife.hide_commit(false);
        self.store.knife.cuts()
    }

    /// Moves the clock step by step, and all that it moves.
    pub fn advance(&mut self, by: SignedDuration) {
        let end = self.now() + by;
        while self.now() < end {
            let slice = SignedDuration::from_secs(3);
            let next =
                [self.next_alarm(), Some(self.now() + slice)].into_iter().flatten().min().unwrap_or(end);
            let next = next.min(end).max(self.now() + SignedDuration::from_micros(1));
            self.clock.advance(next.duration_since(self.now()));
            self.ring();
            self.renew_leases();
        }
    }

    /// Everything stands still, or the clock is set.
    pub fn jump(&mut self, by: SignedDuration) {
        self.faults.jumps += 1;
        self.clock.advance(by);
        self.ring();
    }

    /// When the timer wakes next.
    pub fn next_alarm(&self) -> Option<Timestamp> {
        let due = *self.engine.hub.due().borrow();
        let sweep = self.sweep.filter(|_| !self.is_healed);
        [due, self.engine.leases.next_end(), sweep].into_iter().flatten().min()
    }

    /// The server's timer.
    pub fn ring(&mut self) {
        if self.sweep.is_none() {
            self.sweep = Some(self.now() + SignedDuration::try_from(limits::SWEEP).expect("a minute"));
        }
        let mut has_rung = false;
        for _ in 0..100 {
            let Some(target) = self.next_alarm().filter(|target| *target <= self.now()) else {
                if has_rung {
                    self.rang(true);
                }
                return;
            };
            has_rung = true;
            if self.now().duration_since(target) > timer::PAUSE {
                self.engine.leases.extend();
                self.heard_since = self.now();
            }
            self.arm();
            let sweep = self.sweep.filter(|_| !self.is_healed);
            let ticked = ready(timer::tick(&self.engine, sweep, self.heard_since));
            self.disarm();
            match ticked {
                Ok(sweep) => self.sweep = sweep,
                // It tries again after a second; here, at the next alarm.
                Err(EngineError::Store(StoreError::Unavailable(_))) => return self.rang(false),
                Err(error) => return self.record.add(Entry::Broken(format!("{error:?}"))),
            }
        }
        self.record.add(Entry::Broken("the timer rings for ever".into()));
    }

    fn rang(&self, is_through: bool) {
        let at = self.now().as_microsecond();
        self.record.add(Entry::Call(Call::Timer { at, is_through }));
    }
}

fn engine(store: &SimStore, clock: &Clock, seed: u64) -> Arc<Engine<SimStore>> {
    let shared = Shared::new(Entropy::seeded(seed), None);
    Engine::new(store.clone(), clock.clone(), shared, crate::jq::Jq::here()).0
}

/// The store in memory never waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the memory store's futures are ready at once")
}
