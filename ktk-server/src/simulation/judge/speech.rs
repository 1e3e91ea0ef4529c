//! What is said of attempts: by their own tokens, and by whoever ends an external task. It counts only while the
//! attempt runs of which it is said.

use uuid::Uuid;

use super::{
    Judge,
    facts::{Speaker, Told},
};

impl Judge {
    fn runs_as(&self, (task, fence): Speaker) -> bool {
        self.tasks.get(&task).is_some_and(|task| task.phase == "Running" && task.fence == Some(fence))
    }

    /// A token opens while its attempt runs, and not a moment longer.
    pub(super) fn identified(&mut self, by: Speaker, told: &Told<()>) {
        let runs = self.runs_as(by);
        let holds = told.done().is_some() == runs;
        self.rule("P16", holds, || format!("a token of {by:?}, which runs: {runs}, came to {told:?}"));
    }

    /// Nothing is written for an attempt that does not run.
    pub(super) fn spoke(&mut self, by: Option<Speaker>) {
        let Some(by) = by.filter(|_| self.since.commits > 0) else { return };
        let runs = self.runs_as(by);
        self.rule("P16", runs, || format!("{by:?} speaks and does not run"));
    }

    /// What an attempt makes is marked as its own.
    pub(super) fn check_maker(&mut self, by: Option<Speaker>) {
        let made: Vec<_> = self.since.roots.iter().filter_map(|id| self.tasks.get(id)).cloned().collect();
        for task in made.into_iter().filter(|task| task.pipeline.is_none()) {
            let maker =
                by.and_then(|(maker, _)| self.tasks.get(&maker)).map(|maker| (maker.id, maker.execution));
            let holds = match by {
                None => task.spawned_by.is_none() && task.execution == task.id,
                Some(_) => maker == task.spawned_by.map(|maker| (maker, task.execution)),
            };
            self.rule("P02", holds, || format!("made by {maker:?}: {task:?}"));
        }
    }

    /// Somebody said how an external task ended: the attempt that was meant, and no other, and once.
    pub(super) fn said_end(&mut self, attempt: Option<u32>, asks_for_retry: bool, told: &Told<Uuid>) {
        // Others may have been cancelled by what followed.
        let is_cancelled = |task: &Uuid| self.tasks.get(task).is_some_and(|task| task.phase == "Cancelled");
        let ended = self.since.ended.iter().filter(|(task, _)| !is_cancelled(task));
        let ended: Vec<(Uuid, u32)> = ended.copied().collect();
        if asks_for_retry {
            self.asked_again.extend(&ended);
        }
        let is_one = ended.len() == usize::from(self.since.commits > 0);
        self.rule("P16", is_one, || format!("one end was told: {ended:?}"));
        for (task, number) in ended {
            let is_external = self.specs.get(&task).is_none_or(|spec| spec.is_external());
            let is_meant = attempt.is_none_or(|attempt| attempt == number);
            let is_answer = told.done().is_none_or(|id| *id == task);
            self.rule("P16", is_external && is_meant && is_answer, || {
                format!("attempt {number} of {task} ended, {attempt:?} was meant: {told:?}")
            });
        }
    }
}
