//! Operations that wait for work: each is run in the transaction of the first other operation that makes some, so
//! that the work and who takes it are one commit.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::job::Job;

/// Those that stand, the first to come in front.
#[derive(Clone, Default)]
pub(super) struct Standing(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    last: u64,
    jobs: VecDeque<(u64, Box<dyn Job>)>,
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Standing").field(&self.line().jobs.len()).finish()
    }
}

impl Standing {
    /// Stands at the end, as long as the place is kept.
    pub(super) fn stand(&self, job: Box<dyn Job>) -> Place {
        let mut line = self.line();
        line.last += 1;
        let number = line.last;
        line.jobs.push_back((number, job));
        Place { line: self.clone(), number }
    }

    /// Takes the first.
    pub(super) fn take(&self) -> Option<Box<dyn Job>> {
        self.line().jobs.pop_front().map(|(_, job)| job)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a job stands. It goes with this.
pub(super) struct Place {
    line: Standing,
    number: u64,
}

impl Place {
    /// Gives the place up; whether nobody has taken the job.
    pub(super) fn leave(&self) -> bool {
        let mut line = self.line.line();
        let before = line.jobs.len();
        line.jobs.retain(|(number, _)| *number != self.number);
        line.jobs.len() < before
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
