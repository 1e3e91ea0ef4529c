//! What each fact does to what is known, and the steps that are legal.

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use super::{
    Judge,
    contexts::Touched,
    facts::{Fact, PipelineFact, TaskFact},
};

/// What a manifest says of retries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    pub limit: Option<u32>,
    pub backoff: Option<ktk_client::api::Duration>,
    pub factor: Option<f64>,
    pub max_backoff: Option<ktk_client::api::Duration>,
    pub on_exit_codes: Option<Vec<i32>>,
}

#[derive(Deserialize)]
struct Body {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    retry: Option<Retry>,
}

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
            Fact::Attempt(attempt) => self.ended(attempt),
            Fact::Need { need, dependent } => {
                self.needs.entry(*dependent).or_default().insert(*need);
                let has_cycle = self.reaches(*need, *dependent);
                self.rule("P28", !has_cycle, || format!("{dependent} needs {need}, which needs it"));
            }
            Fact::GoneNeeds(dependent) => drop(self.needs.remove(dependent)),
            Fact::NewPipeline(row) => {
                self.since.pipelines.insert(row.id);
                touched.whole.insert(row.id);
                self.put_pipeline(row, touched);
                self.note_version(row.id, row.version, false, versions);
            }
            Fact::Pipeline(row) => {
                self.put_pipeline(row, touched);
                self.note_version(row.id, row.version, false, versions);
            }
            Fact::GonePipeline(id) => {
                self.pipelines.remove(id);
                self.steps.remove(id);
                touched.deleted.insert(*id);
                self.forget(*id);
            }
            Fact::Deleted { id, version } => self.note_version(*id, *version, true, versions),
            Fact::Node { id, generation, phase } => {
                let before = self.nodes.insert(*id, (*generation, phase)).map_or(0, |(before, _)| before);
                self.rule("P14", *generation >= before, || format!("node {id} went back to {generation}"));
            }
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
        self.retries.remove(&id);
    }

    fn put_pipeline(&mut self, row: &PipelineFact, touched: &mut Touched) {
        touched.pipelines.insert(row.id);
        if row.was_cancelled {
            self.ever_cancelled.insert(row.id);
        }
        self.pipelines.insert(row.id, row.clone());
    }

    fn made(&mut self, task: &TaskFact, body: &str, touched: &mut Touched) {
        let is_new = !self.tasks.contains_key(&task.id) && !self.gone.contains(&task.id);
        self.rule("P53", is_new, || format!("{} comes back: {task:?}", task.name));
        self.rule("P09", task.attempt == 0 && task.fence.is_none(), || format!("made running: {task:?}"));
        self.check_lineage(task);
        if task.parent.is_none() {
            self.since.roots.insert(task.id);
        } else {
            self.since.incarnations.insert(task.id);
        }
        let retry = serde_json::from_str::<Body>(body).ok().and_then(|body| body.spec.retry);
        self.retries.insert(task.id, retry.unwrap_or_default());
        self.put(task, touched);
    }

    fn put(&mut self, task: &TaskFact, touched: &mut Touched) {
        touched.contexts.insert(task.context);
        touched.pipelines.extend(task.pipeline);
        if let Some(pipeline) = task.pipeline {
            self.steps.entry(pipeline).or_default().insert(task.context);
        }
        self.contexts.entry(task.context).or_default().insert(task.incarnation, task.id);
        self.tasks.insert(task.id, task.clone());
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
            _ => false,
        };
        self.rule("P09", is_legal, || format!("{} is {} after {}", task.name, task.phase, before.phase));
        // Of a stub only its place in the tree is left.
        if before.is_terminal() && !task.is_stub {
            let same_end =
                (before.reason, &before.digest, before.attempt) == (task.reason, &task.digest, task.attempt);
            self.rule("P09", same_end, || format!("changed after its end: {before:?} became {task:?}"));
        }
        self.check_stop(&before, task);
        self.check_fence(&before, task, touched);
        self.put(task, touched);
    }

    /// What is being stopped ends as cancelled, and starts nothing more.
    fn check_stop(&mut self, before: &TaskFact, now: &TaskFact) {
        if before.reason == Some("Stopping") {
            let goes_on =
                now.phase == "Running" && now.reason == Some("Stopping") && now.fence == before.fence;
            let holds = goes_on || now.phase == "Cancelled";
            self.rule("P20", holds, || format!("stopped, and then {now:?}"));
        }
    }
}
