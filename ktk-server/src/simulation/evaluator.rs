//! The evaluator: takes tasks whose expressions are to be evaluated, and stores what they come to, at once or late.
//! What was being evaluated when the server died is lost.

use rand::RngExt;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    judge::facts::{Call, Entry, Told},
    world::{World, ready},
};
use crate::engine::{
    evaluate::{Job, LoadJobs},
    evaluator,
};

/// How many tasks it looks at together.
const AT_ONCE: usize = 8;

/// The evaluator of the present server.
#[derive(Debug, Default)]
pub struct Evaluator {
    jobs: Vec<(Uuid, Result<Job, String>)>,
    wakes: Option<watch::Receiver<u64>>,
    /// Whether it looks for more without being woken.
    looks: bool,
}

impl World {
    /// A server's evaluator begins: whatever another one had in its hands is lost.
    pub fn begin_evaluator(&mut self) {
        self.faults.lost_values += self.evaluator.jobs.len() as u64;
        self.evaluator =
            Evaluator { jobs: Vec::new(), wakes: Some(self.engine.hub.evaluations()), looks: true };
    }

    /// It takes what there is, or stores what one task's expressions come to; says whether there was anything to do.
    pub fn evaluate(&mut self) -> bool {
        let is_woken = self.evaluator.wakes.as_ref().is_some_and(|wakes| wakes.has_changed().unwrap_or(true));
        let has_room = self.evaluator.jobs.len() < AT_ONCE;
        if (is_woken || self.evaluator.looks) && has_room {
            self.load_jobs();
            return true;
        }
        if self.evaluator.jobs.is_empty() {
            return false;
        }
        let index = self.rng.random_range(0..self.evaluator.jobs.len());
        let (task, job) = self.evaluator.jobs.swap_remove(index);
        self.evaluator.looks = true;
        let take = ready(evaluator::judge(&self.engine, task, job)).expect("no worker can be missing here");
        let commits = self.record.len();
        let told: Told<()> = self.ask(Ok(take));
        // Its needs had come to something else, or it waits no more: nothing was stored.
        let is_late = told.done().is_some() && self.record.len() == commits;
        self.faults.late_values += u64::from(is_late);
        self.record.add(Entry::Call(Call::Verdict { task, told }));
        true
    }

    fn load_jobs(&mut self) {
        if let Some(wakes) = &mut self.evaluator.wakes {
            wakes.borrow_and_update();
        }
        self.evaluator.looks = false;
        let but = self.evaluator.jobs.iter().map(|(task, _)| *task).collect();
        let limit = AT_ONCE - self.evaluator.jobs.len();
        let load = LoadJobs { ask: self.engine.ask("ktk"), limit, but };
        let jobs = ready(self.engine.read(load)).expect("the store can be read");
        self.evaluator.jobs.extend(jobs);
    }
}
