//! Restart contexts and pipelines, as they are after each commit.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Judge,
    facts::{FenceFact, TaskFact},
};

/// What a commit touched.
#[derive(Default)]
pub struct Touched {
    pub contexts: BTreeSet<Uuid>,
    pub pipelines: BTreeSet<Uuid>,
    /// Pipelines that were made.
    pub whole: BTreeSet<Uuid>,
    /// Tasks whose attempt was granted.
    pub granted: Vec<Uuid>,
    pub fences: BTreeSet<FenceFact>,
    pub deleted: BTreeSet<Uuid>,
    pub deleted_contexts: BTreeSet<Uuid>,
}

impl Judge {
    /// A new incarnation's place in its tree.
    pub(super) fn check_lineage(&mut self, task: &TaskFact) {
        let last = self.contexts.get(&task.context).and_then(|tree| tree.last_key_value()).map(|(n, _)| *n);
        let holds = match task.parent {
            None => task.context == task.id && task.incarnation == 1 && last.is_none(),
            Some(parent) => {
                let parent = self.tasks.get(&parent);
                parent.is_some_and(|parent| parent.context == task.context && parent.is_terminal())
                    && last.is_some_and(|last| task.incarnation == last + 1)
            }
        };
        self.rule("P32", holds, || format!("made after @{last:?}: {task:?}"));
    }

    pub(super) fn check_contexts(&mut self, touched: &Touched) {
        for context in &touched.contexts {
            let Some(tree) = self.contexts.get(context) else { continue };
            let tree: Vec<&TaskFact> = tree.values().filter_map(|id| self.tasks.get(id)).collect();
            let live = tree.iter().filter(|task| !task.is_terminal()).count();
            let newest: Vec<u32> =
                tree.iter().filter(|task| task.newest).map(|task| task.incarnation).collect();
            let last = tree.last().map(|task| task.incarnation);
            let name = tree[0].name.clone();
            let old_lives = tree.iter().rev().skip(1).any(|task| !task.is_terminal());
            self.rule("P30", live <= 1 && !old_lives, || format!("{live} incarnations of {name} live"));
            self.rule("P31", newest.as_slice() == last.as_slice(), || {
                format!("{name}: newest {newest:?}, the last is {last:?}")
            });
        }
    }

    pub(super) fn check_pipelines(&mut self, touched: &Touched) {
        for id in &touched.pipelines {
            let Some(row) = self.pipelines.get(id).cloned() else { continue };
            let steps: Vec<&TaskFact> = self
                .steps
                .get(id)
                .into_iter()
                .flatten()
                .filter_map(|context| self.newest(*context))
                .collect();
            let (count, running) = (steps.len(), steps.iter().filter(|step| step.phase == "Running").count());
            let bad = steps.iter().any(|step| step.is_bad());
            let moves = steps.iter().any(|step| !step.is_good() && !step.is_bad());
            let expected = match (moves, row.has_started) {
                (true, true) => "Running",
                (true, false) => "Pending",
                (false, _) if row.was_cancelled => "Cancelled",
                (false, _) if bad => "Failed",
                (false, _) => "Succeeded",
            };
            if touched.whole.contains(id) || count != row.total as usize {
                self.rule("P05", count == row.total as usize, || {
                    format!("{} has {count} of {} steps", row.name, row.total)
                });
            }
            self.rule("P09", row.phase == expected, || format!("not {expected}: {row:?}"));
            let is_within = row.max_parallel.is_none_or(|max| running <= max as usize);
            self.rule("P09", is_within, || format!("{running} run at once: {row:?}"));
        }
    }

    /// Nobody waits for what is gone, and what is gone was to go.
    pub(super) fn check_deleted(&mut self, touched: &Touched) {
        if touched.deleted.is_empty() {
            return;
        }
        let waiting = self.needs.iter().find(|(dependent, needs)| {
            needs
                .iter()
                .any(|need| touched.deleted_contexts.contains(need) && !self.contexts.contains_key(need))
                && self.newest(**dependent).is_some_and(|task| !task.is_terminal() && !task.is_going)
        });
        let waiting = waiting.map(|(dependent, _)| *dependent);
        self.rule("P53", waiting.is_none(), || format!("{waiting:?} waits for what is gone"));
        self.since.deleted.extend(&touched.deleted);
    }
}
