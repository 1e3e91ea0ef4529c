//! Attempts that speak for themselves, with their tokens: they make tasks, say that they are alive and how far they
//! are. Between the token's look and the word some time may pass, and the attempt may have ended.

use jiff::SignedDuration;
use ktk_client::api::{
    Task,
    attempt::{KeepaliveParams, ProgressParams},
};
use rand::{RngExt, seq::IndexedRandom};

use super::{
    judge::facts::{Call, Entry, Speaker, Told},
    people::map,
    recording::fence,
    requests::Request,
    world::World,
};
use crate::engine::{
    attempt::{KeepAlive, TellProgress},
    attempt_token::Identify,
    operation::By,
};

impl World {
    /// An attempt shows its token, and says something then, or later.
    pub fn speak(&mut self) {
        let is_late = !self.people.speakers.is_empty() && self.one_in(3);
        let (by, speaker) = if is_late {
            let index = self.rng.random_range(0..self.people.speakers.len());
            self.people.speakers.swap_remove(index)
        } else {
            let Some(known) = self.identify() else { return };
            if !self.is_healed && self.one_in(2) {
                return self.people.speakers.push(known);
            }
            known
        };
        let row = self.given.iter().any(|grant| (grant.task, fence(grant.fence)) == speaker);
        debug_assert!(row, "whoever speaks was granted");
        self.faults.late_words += u64::from(is_late);
        self.say(by, speaker);
    }

    fn identify(&mut self) -> Option<(By, Speaker)> {
        // Mostly one of the last: it may still run.
        let last = self.given.len().saturating_sub(4);
        let some = if self.one_in(4) { &self.given[..] } else { &self.given[last..] };
        let grant = some.choose(&mut self.rng)?.clone();
        let speaker = (grant.task, fence(grant.fence));
        let token = grant.token.expect("every grant has a token");
        let told = self.look(Identify { token });
        let by = told.done().cloned();
        self.record.add(Entry::Call(Call::Identify { by: speaker, told: map(told, drop) }));
        Some((by?, speaker))
    }

    fn say(&mut self, by: By, speaker: Speaker) {
        match self.rng.random_range(0..6) {
            4 | 5 => self.wait(speaker),
            0 | 3 => {
                let name = format!("sub{}", self.rng.random_range(0..9));
                let step = self.random_step(&name);
                let task = Task::new(&name, super::manifests::with_something_to_fail(step).task_spec(None));
                let id = self.new_request();
                self.request(id, Request::Task(Box::new(task), Some((by, speaker))));
                self.wait(speaker);
            }
            1 => {
                let percent = f64::from(self.rng.random_range(0..100));
                let params = ProgressParams { percent, ..ProgressParams::default() };
                let told = self.ask(TellProgress::new(self.engine.ask(by), params));
                self.said(Some(speaker), None, told);
            }
            _ => {
                let ask = self.engine.ask(by);
                let told = self.ask(Ok(KeepAlive { ask, params: KeepaliveParams::default() }));
                self.said(Some(speaker), None, told);
            }
        }
    }

    /// An attempt that runs waits for what it has made, until it ends or the server does.
    fn wait(&mut self, (task, fence): Speaker) {
        let lent = self.engine.lending.begin(task);
        for index in 0..self.workers.len() {
            let runs = &mut self.workers[index].runs;
            let Some(run) = runs.iter_mut().find(|run| super::recording::fence(run.grant.fence) == fence)
            else {
                continue;
            };
            run.lent = Some(lent);
            run.ends_at += SignedDuration::from_secs(6);
            self.record.add(Entry::Call(Call::Wait { task, waits: true }));
            // Its worker is told that there is one slot more, and asks for work.
            self.work(index);
            return self.work(index);
        }
    }

    pub fn said(&mut self, by: Option<Speaker>, attempt: Option<u32>, told: Told<Task>) {
        let told = map(told, |task: Task| task.metadata.id.expect("every object has an id"));
        self.record.add(Entry::Call(Call::Say { by, attempt, told }));
    }
}
