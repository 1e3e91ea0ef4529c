//! What each fact does to what is known, and the steps that are legal.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Judge, Node,
    contexts::Touched,
    facts::{Fact, PipelineFact, TaskFact},
    manifest::{Spec, Whole},
};

impl Judge {
    pub(super) fn apply(&mut self, fact: &Fact, touched: &mut Touched, versions: &mut BTreeSet<u64>) {
        match fact {
            Fact::NewTask(task, body) => {
                self.made(task, body, touched);
                self.note_version(task.id, task.version, false, versions);
            }
            Fact::Task(task) => {
                self.changed(task, touched);
                self.note_version(task.id, task.version, false, versions);
            }
            Fact::GoneTask(id) => {
                if let Some(task) = self.tasks.remove(id) {
                    // A step behind a failure goes with its pipeline.
                    let has_ended = task.is_terminal() || (task.is_bad() && task.pipeline.is_some());
                    self.rule("P53", has_ended, || format!("deleted while it lived: {task:?}"));
                    touched.contexts.insert(task.context);
                    touched.deleted.insert(*id);
                    self.keyed.remove(id);
                    self.note_removed(&task);
                    touched.deleted_contexts.insert(task.context);
                    touched.pipelines.extend(task.pipeline);
                    if let Some(tree) = self.contexts.get_mut(&task.context) {
                        tree.remove(&task.incarnation);
                        if tree.is_empty() {
                            self.contexts.remove(&task.context);
                        }
                    }
                    self.forget(*id);
                }
            }
            Fact::Result { task, outputs, resolved } => {
                self.since.results.insert(*task);
                if let Some(outputs) = outputs {
                    self.outputs.insert(*task, outputs.clone());
                }
                if let Some(resolved) = resolved {
                    self.resolved.insert(*task, resolved.clone());
                }
            }
            Fact::Attempt(attempt) => self.ended(attempt, touched),
            Fact::Need { need, dependent } => {
                self.needs.entry(*dependent).or_default().insert(*need);
                touched.needs.push((*need, *dependent));
                let has_cycle = self.reaches(*need, *dependent);
                self.rule("P28", !has_cycle, || format!("{dependent} needs {need}, which needs it"));
            }
            Fact::GoneNeeds(dependent) => drop(self.needs.remove(dependent)),
            Fact::NewPipeline(row, body) => {
                self.since.pipelines.insert(row.id);
                self.wholes.insert(row.id, Whole::of(body).unwrap_or_default());
                touched.whole.insert(row.id);
                self.put_pipeline(row, touched);
                self.note_version(row.id, row.version, false, versions);
            }
            Fact::Pipeline(row) => {
                self.put_pipeline(row, touched);
                self.note_version(row.id, row.version, false, versions);
            }
            Fact::GonePipeline(id) => {
                if let Some(row) = self.pipelines.remove(id) {
                    self.note_removed_whole(&row);
                }
                self.steps.remove(id);
                self.began.remove(id);
                self.wholes.remove(id);
                touched.deleted.insert(*id);
                self.forget(*id);
            }
            Fact::Deleted { id, version } => self.note_version(*id, *version, true, versions),
            Fact::Node { id, generation, phase, slots, labels } => {
                let labels = serde_json::from_str(labels).unwrap_or_default();
                let node = Node { generation: *generation, phase, slots: *slots, labels };
                let before = self.nodes.insert(*id, node).map_or(0, |before| before.generation);
                self.rule("P14", *generation >= before, || format!("node {id} went back to {generation}"));
            }
            Fact::Entity(row) => {
                self.limits.put(row);
                self.note_version(row.id, row.version, false, versions);
            }
            Fact::GoneEntity { kind, name } => self.limits.remove(kind, name),
            Fact::Hook(hook) => touched.hooks.push(hook.clone()),
            Fact::GoneHook(id) => touched.gone_hooks.push(*id),
            Fact::Request(key) => drop(self.since.requests.insert(key.clone())),
        }
    }

    fn note_version(&mut self, id: Uuid, version: u64, is_gone: bool, versions: &mut BTreeSet<u64>) {
        // A row may be written twice in a transaction: its last version counts.
        if let Some(old) = self.versions.insert(id, version) {
            self.current.remove(&old);
        }
        let is_free = versions.insert(version) && self.current.insert(version, (id, is_gone)).is_none();
        self.rule("P07", is_free, || format!("version {version} was given twice"));
    }

    fn forget(&mut self, id: Uuid) {
        self.gone.insert(id);
        self.outputs.remove(&id);
        self.resolved.remove(&id);
        self.attempts.remove(&id);
        self.specs.remove(&id);
        self.limits.forget(id);
    }

    fn put_pipeline(&mut self, row: &PipelineFact, touched: &mut Touched) {
        touched.pipelines.insert(row.id);
        self.follow_whole(row, touched);
        if row.stop.is_some() {
            self.ever_cancelled.insert(row.id);
        }
        self.pipelines.insert(row.id, row.clone());
    }

    fn made(&mut self, task: &TaskFact, body: &str, touched: &mut Touched) {
        touched.made.insert(task.id);
        let is_new = !self.tasks.contains_key(&task.id) && !self.gone.contains(&task.id);
        self.rule("P53", is_new, || format!("{} comes back: {task:?}", task.name));
        self.specs.insert(task.id, Spec::of(body).unwrap_or_default());
        if let Some(given) = task.parent.and_then(|parent| self.given.get(&parent)).cloned() {
            self.given.insert(task.id, given);
        }
        if task.phase == "Running" && self.is_external(task.id) {
            // Nobody has to claim it.
            let (phase, reason) = ("Pending", Some("Queued"));
            let before = TaskFact { phase, reason, attempt: 0, fence: None, ..task.clone() };
            self.check_fence(&before, task, touched);
        } else {
            let holds = task.attempt == 0 && task.fence.is_none();
            self.rule("P09", holds, || format!("made running: {task:?}"));
        }
        if task.is_terminal() {
            self.finished(task, touched);
        }
        self.check_lineage(task);
        if task.parent.is_none() {
            self.since.roots.insert(task.id);
        } else {
            self.since.incarnations.insert(task.id);
        }
        self.put(task, touched);
    }

    fn put(&mut self, task: &TaskFact, touched: &mut Touched) {
        touched.contexts.insert(task.context);
        touched.pipelines.extend(task.pipeline);
        touched.note_step(task);
        if let Some(pipeline) = task.pipeline {
            self.steps.entry(pipeline).or_default().insert(task.context);
        }
        self.contexts.entry(task.context).or_default().insert(task.incarnation, task.id);
        let has_settled = |task: &TaskFact| task.is_good() || task.is_bad();
        if has_settled(task) && !self.tasks.get(&task.id).is_some_and(has_settled) {
            self.settled_under.insert(task.id, task.cascade);
        }
        self.note_key(task, touched);
        self.limits.note(task);
        self.tasks.insert(task.id, task.clone());
    }

    fn finished(&mut self, task: &TaskFact, touched: &mut Touched) {
        touched.ended.push(task.clone());
        self.expect_of_end(task, touched);
    }

    fn changed(&mut self, task: &TaskFact, touched: &mut Touched) {
        let Some(before) = self.tasks.get(&task.id).cloned() else {
            return self.rule("P53", false, || format!("changed, but it is not there: {task:?}"));
        };
        let is_same = (before.context, before.parent, before.incarnation, &before.name)
            == (task.context, task.parent, task.incarnation, &task.name);
        self.rule("P32", is_same, || format!("another identity: {before:?} became {task:?}"));
        let has_run = task.attempt > 0;
        let is_legal = match (before.phase, task.phase) {
            (old, new) if old == new => true,
            ("Pending", "Running" | "Failed" | "Cancelled" | "Skipped") => true,
            ("Running", "Pending" | "Succeeded" | "Failed" | "Cancelled") => true,
            // A retry that is no longer needed, within one transaction.
            ("Running", "Skipped") => has_run,
            // Items that are as they were are collected at once.
            ("Pending", "Succeeded") => task.is_for_each(),
            _ => false,
        };
        self.rule("P09", is_legal, || format!("{} is {} after {}", task.name, task.phase, before.phase));
        // Of a stub only its place in the tree is left.
        if task.is_expanded == Some(true) && before.is_expanded == Some(false) {
            touched.expanded.insert(task.id);
        }
        if before.is_terminal() && !task.is_stub {
            let same_end =
                (before.reason, &before.digest, before.attempt) == (task.reason, &task.digest, task.attempt);
            self.rule("P09", same_end, || format!("changed after its end: {before:?} became {task:?}"));
        }
        if task.is_terminal() && !before.is_terminal() {
            self.finished(task, touched);
        }
        self.check_stop(&before, task);
        self.check_fence(&before, task, touched);
        self.put(task, touched);
    }

    /// What is being stopped for good ends as cancelled, and starts nothing more.
    fn check_stop(&mut self, before: &TaskFact, now: &TaskFact) {
        if before.stops_for_good() {
            let goes_on = now.stops_for_good() && now.fence == before.fence;
            let holds = goes_on || now.phase == "Cancelled";
            self.rule("P20", holds, || format!("stopped, and then {now:?}"));
        } else if before.stops_for_now() {
            self.rule("P20", now.phase != "Succeeded", || format!("stopped, and then {now:?}"));
        }
    }
}
