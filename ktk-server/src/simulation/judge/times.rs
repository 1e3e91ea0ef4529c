//! What a clock ends: deadlines of tasks, and the time that external ones are given.

use super::{
    Judge,
    facts::{PipelineFact, TaskFact},
    manifest::{Spec, micros},
};

/// What a lost answer hid from the timer, one slow sweep finds.
const LATE: i64 = 65_000_000;

/// When a clock ends what a task does now.
fn end(task: &TaskFact, spec: &Spec) -> Option<i64> {
    if task.is_for_each() {
        return None;
    }
    let deadline = spec.deadline.filter(|_| task.stop.is_none() && !task.is_terminal());
    let deadline = deadline.map(|deadline| task.created_at.saturating_add(micros(deadline)));
    let timeout = spec.timeout.filter(|_| spec.is_external() && task.phase == "Running");
    let timeout = timeout.zip(task.started_at).map(|(timeout, from)| from.saturating_add(micros(timeout)));
    [deadline, timeout].into_iter().flatten().min()
}

impl Judge {
    /// When a clock ends a pipeline.
    fn end_of_whole(&self, row: &PipelineFact) -> Option<i64> {
        let (whole, (set_out, began)) = (self.wholes.get(&row.id)?, *self.began.get(&row.id)?);
        let deadline = whole.deadline.map(|deadline| set_out.saturating_add(micros(deadline)));
        let timeout = whole.timeout.zip(began).map(|(timeout, began)| began.saturating_add(micros(timeout)));
        [deadline, timeout].into_iter().flatten().min()
    }

    /// Everything that was due could be moved: nothing is still as it was.
    pub(super) fn check_times(&mut self, at: i64) {
        let late = self.tasks.values().find(|task| {
            let spec = self.specs.get(&task.id);
            spec.and_then(|spec| end(task, spec)).is_some_and(|end| at.saturating_sub(end) > LATE)
        });
        let late = late.cloned();
        self.rule("P22", late.is_none(), || format!("its time is over: {late:?}"));
        let late = self.pipelines.values().find(|row| {
            let is_over = |end: i64| at.saturating_sub(end) > LATE;
            row.stop.is_none() && !row.is_terminal() && self.end_of_whole(row).is_some_and(is_over)
        });
        let late = late.cloned();
        self.rule("P22", late.is_none(), || format!("its time is over: {late:?}"));
    }
}
