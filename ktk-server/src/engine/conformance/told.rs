//! Nothing that a change makes possible waits for the slow sweep: whoever waits for it is told with the commit.

use std::sync::Arc;

use super::dump::Dump;
use crate::{engine::Engine, store::Store};

/// What had been told before an operation.
pub struct Told {
    work: u64,
    stops: u64,
    evaluations: u64,
}

impl Told {
    pub fn so_far<S>(engine: &Arc<Engine<S>>) -> Self {
        Self {
            work: *engine.hub.work().borrow(),
            stops: *engine.hub.stops().borrow(),
            evaluations: *engine.hub.evaluations().borrow(),
        }
    }

    /// Panics where something changed of which nobody was told.
    pub fn check<S: Store>(&self, engine: &Arc<Engine<S>>, before: &Dump, now: &Dump) {
        let Self { work, stops, evaluations } = Self::so_far(engine);
        let newest = *engine.hub.versions().borrow();
        for (id, row) in &now.tasks {
            let old = before.tasks.get(id);
            let is_new_work = row.is_claimable() && !old.is_some_and(|old| old.is_claimable());
            assert!(!is_new_work || work > self.work, "no claimer is told: {row:#?}");
            let is_new_stop = row.stop.is_some() && old.is_none_or(|old| old.stop != row.stop);
            assert!(!is_new_stop || stops > self.stops, "no worker is told to stop: {row:#?}");
            let is_new_job = row.is_evaluating() && !old.is_some_and(|old| old.is_evaluating());
            assert!(!is_new_job || evaluations > self.evaluations, "no evaluator is told: {row:#?}");
            assert!(row.version <= newest.max(before.version), "no watch is told: {row:#?}");
        }
        for row in now.pipelines.values() {
            assert!(row.version <= newest.max(before.version), "no watch is told: {row:#?}");
        }
        let due = *engine.hub.due().borrow();
        let next = now.tasks.values().filter_map(|row| row.due_at).min();
        let is_armed =
            next.is_none_or(|next| due.is_some_and(|due| due.as_microsecond() <= next.as_microsecond()));
        assert!(is_armed, "the timer is armed for {due:?}, and {next:?} is next");
    }
}
