//! The end of a history: nothing goes wrong any more, and everything has to come to rest by itself.

use jiff::SignedDuration;
use ktk_client::api::{ObjectRef, Phase};

use super::{
    judge::facts::Entry,
    world::{World, ready},
};
use crate::{
    engine::{conformance::dump::ReadAll, timer},
    model::row::TaskRow,
};

/// Turns in which everything must have come to rest.
const TURNS: usize = 2_000;

impl World {
    /// Faults end: who is down comes back, but for one worker sometimes, and who stands still goes on.
    pub fn heal(&mut self) {
        self.is_healed = true;
        self.workers.iter_mut().for_each(|worker| worker.paused_until = None);
        let leaves_one = self.workers.iter().any(|worker| worker.is_up) && self.one_in(3);
        for index in 0..self.workers.len() {
            // The first has the labels that some tasks ask for.
            if !self.workers[index].is_up && (index == 0 || !leaves_one) {
                self.start_worker(index);
            }
        }
        // What a lost answer hid from those who wait, one slow sweep finds; from now on nothing is hidden.
        self.sweep = ready(timer::begin(&self.engine)).expect("the store can be read");
        self.engine.hub.sweep();
    }

    /// Everybody does what is due until nobody has anything to do.
    pub fn come_to_rest(&mut self) {
        while let Some((id, request)) = self.people.pending.pop() {
            self.request(id, request);
        }
        for _ in 0..TURNS {
            let mut has_moved = false;
            for index in 0..self.workers.len() {
                let worker = &self.workers[index];
                if worker.is_up && (worker.has_reason_to_call() || !worker.runs.is_empty()) {
                    self.work(index);
                    has_moved = true;
                }
            }
            has_moved |= self.evaluate() || self.call_hooks();
            if has_moved || self.let_go() || self.complete_externals() {
                continue;
            }
            let Some(next) = self.next_alarm() else {
                self.watch();
                return self.record.add(Entry::Rest);
            };
            let wait = next.duration_since(self.now()).max(SignedDuration::ZERO);
            self.advance(wait.max(SignedDuration::from_micros(1)));
        }
        self.record.add(Entry::Broken("it never comes to rest".into()));
    }

    /// Somebody says of every external task that runs how it ended; says whether there was one.
    fn complete_externals(&mut self) -> bool {
        let dump = ready(self.engine.read(ReadAll)).expect("the store can be read");
        let runs = |row: &&TaskRow| row.is_external() && row.phase == Phase::Running;
        let running: Vec<(String, u32)> =
            dump.tasks.values().filter(runs).map(|row| (row.id.to_string(), row.attempt)).collect();
        for (name, attempt) in &running {
            self.complete(ObjectRef::new("default", name.as_str()), Some(*attempt));
        }
        !running.is_empty()
    }
}
