//! A pipeline's phase, derived from the counts of its steps.

use ktk_client::api::{Phase, Reason};

use super::{
    row::{PipelineRow, TaskRow},
    settle::{Class, counted},
};

/// The phase and reason that follow from a pipeline's counts.
pub fn phase(row: &PipelineRow) -> (Phase, Option<Reason>) {
    let can_move = row.done + row.failed < row.total;
    match (can_move, row.started_at.is_some()) {
        (true, true) => (Phase::Running, row.cancel.map(|_| Reason::Stopping)),
        (true, false) => (Phase::Pending, None),
        (false, _) => match row.cancel {
            Some(stop) => (Phase::Cancelled, Some(stop.reason)),
            None if row.failed > 0 => (Phase::Failed, None),
            None => (Phase::Succeeded, None),
        },
    }
}

/// Takes a step's state out of its pipeline's counts.
pub fn uncount(pipeline: &mut PipelineRow, task: &TaskRow) {
    let Some(class) = counted(task) else { return };
    match class {
        Class::Live => {}
        Class::Good => pipeline.done -= 1,
        Class::Bad => pipeline.failed -= 1,
    }
    pipeline.cancelled -= u32::from(task.phase == Phase::Cancelled);
}

/// Adds a step's state to its pipeline's counts.
pub fn count(pipeline: &mut PipelineRow, task: &TaskRow) {
    let Some(class) = counted(task) else { return };
    match class {
        Class::Live => {}
        Class::Good => pipeline.done += 1,
        Class::Bad => pipeline.failed += 1,
    }
    pipeline.cancelled += u32::from(task.phase == Phase::Cancelled);
}
