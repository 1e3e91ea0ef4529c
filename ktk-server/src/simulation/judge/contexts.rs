//! Restart contexts and pipelines, as they are after each commit.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Judge,
    facts::{FenceFact, HookFact, PipelineFact, TaskFact},
    hooks::Expected,
    line::Rank,
};

/// What a commit touched.
#[derive(Default)]
pub struct Touched {
    /// Tasks that were made.
    pub made: BTreeSet<Uuid>,
    /// Pipelines that took their permits, and from which place in the line.
    pub passed: Vec<(Uuid, Rank)>,
    /// Keys of tasks that were written.
    pub keys: BTreeSet<String>,
    /// Steps with `forEach` that were expanded.
    pub expanded: BTreeSet<Uuid>,
    /// Those whose state changed, by any of their items.
    pub steps: BTreeSet<Uuid>,
    pub contexts: BTreeSet<Uuid>,
    pub pipelines: BTreeSet<Uuid>,
    /// Pipelines that were made.
    pub whole: BTreeSet<Uuid>,
    /// Tasks whose attempt was granted.
    pub granted: Vec<Uuid>,
    pub fences: BTreeSet<FenceFact>,
    /// Tasks that came to their end, as they then were.
    pub ended: Vec<TaskFact>,
    /// Needs that were stored: need and dependent.
    pub needs: Vec<(Uuid, Uuid)>,
    pub hooks: Vec<HookFact>,
    pub gone_hooks: Vec<Uuid>,
    pub expected_hooks: Vec<Expected>,
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
            self.check_lineage_of(&row);
            let contexts = self.steps.get(id).into_iter().flatten();
            let steps: Vec<&TaskFact> =
                contexts.filter_map(|context| self.newest_within(*id, *context)).collect();
            let count = steps.iter().filter(|step| step.item.is_none()).count();
            // What runs elsewhere takes no place, and the items of a step run in its.
            let runs_here = |step: &&&TaskFact| {
                step.phase == "Running" && !step.is_for_each() && !self.is_external(step.id)
            };
            let running = steps.iter().filter(runs_here).count();
            let bad = steps.iter().any(|step| step.is_bad());
            let moves = steps.iter().any(|step| !step.is_good() && !step.is_bad());
            let expected = match (moves, row.has_started) {
                (true, true) => "Running",
                (true, false) => "Pending",
                (false, _) if row.is_over() => "Failed",
                (false, _) if row.stop.is_some() => "Cancelled",
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

    /// A pipeline's incarnations are a tree too, of which one lives: the newest.
    fn check_lineage_of(&mut self, row: &PipelineFact) {
        let others = self.pipelines.values().filter(|other| other.context == row.context);
        let others: Vec<PipelineFact> = others.cloned().collect();
        let last = others.iter().map(|other| other.incarnation).max();
        let is_newest = Some(row.incarnation) == last;
        let live = others.iter().filter(|other| !other.is_terminal()).count();
        let lives = !row.is_terminal();
        self.rule("P30", live <= 1 && (is_newest || !lives), || {
            format!("{live} incarnations live: {others:?}")
        });
        self.rule("P31", row.newest == is_newest, || format!("the last is {last:?}: {row:?}"));
        let parent = row.parent.map(|parent| others.iter().any(|other| other.id == parent));
        let holds = match parent {
            None => row.id == row.context && row.incarnation == 1,
            Some(is_there) => is_there && row.incarnation > 1,
        };
        self.rule("P32", holds, || format!("its place in the tree: {row:?}"));
    }

    /// The newest of a context's incarnations that belong to a pipeline.
    pub(super) fn newest_within(&self, pipeline: Uuid, context: Uuid) -> Option<&TaskFact> {
        let tree = self.contexts.get(&context)?;
        let mut own = tree.values().rev().filter_map(|id| self.tasks.get(id));
        own.find(|task| task.pipeline == Some(pipeline))
    }

    /// A restart that was stored with a stop is made in the commit that ends the task, or not at all.
    pub(super) fn check_wishes(&mut self, touched: &Touched) {
        for task in touched.ended.iter().filter(|task| task.has_wish) {
            let kept = self.tasks.get(&task.id).is_some_and(|task| task.has_wish);
            self.rule("P31", !kept, || format!("it has ended and is still to be restarted: {task:?}"));
        }
    }

    /// What is being deleted takes no new need.
    pub(super) fn check_new_needs(&mut self, touched: &Touched) {
        for (need, dependent) in &touched.needs {
            let going = self.newest(*need).is_none_or(|task| task.is_going);
            self.rule("P53", !going, || format!("{dependent} was made to wait for {need}, which goes"));
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
