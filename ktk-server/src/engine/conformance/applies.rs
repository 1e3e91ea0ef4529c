//! Applies: made, changed and left alone; what was applied is remembered, and what others have set stays.

use std::time::Duration;

use jiff::Timestamp;
use ktk_client::api::{
    ErrorReason, ListParams, Pipeline, Queue, Reason, Semaphore, Task, TaskType,
    apply::{AppliedObject, ApplyOutcome, ApplyParams, LastAppliedParams, Record},
    patch::{Patch, PatchParams},
    queue::QueueSpec,
    task::TaskSpec,
};
use rand::{RngExt as _, rngs::StdRng};
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::named,
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        amend_entity::AmendEntity, applied::LastApplied, apply_entity::ApplyEntity,
        apply_pipeline::ApplyPipeline, apply_task::ApplyTask, entity::Kind, read::ListTasks,
    },
    store::Store,
};
use ApplyOutcome::{Configured, Created, Unchanged};

/// A manifest of a task that may be there, of which something is said anew.
pub fn any(name: &str, rng: &mut StdRng, now: Timestamp) -> Task {
    let mut task = job(name).task();
    task.spec.hold = rng.random_bool(0.2);
    task.spec.priority = rng.random_bool(0.5).then(|| rng.random_range(-2..3));
    task.spec.queue = rng.random_bool(0.3).then(|| "q".to_owned());
    task.spec.run_after = rng.random_bool(0.3).then(|| now + Duration::from_secs(rng.random_range(0..20)));
    task.metadata.labels.insert("n".into(), rng.random_range(0..9).to_string());
    task
}

impl<S: Store> Lab<S> {
    pub async fn apply_with(&mut self, params: ApplyParams<Task>) -> Answer<AppliedObject<Task>> {
        let ask = self.engine.ask("somebody");
        let apply = ApplyTask::new(ask, params, self.engine.types(), Vec::new())?;
        self.write(apply).await
    }

    async fn apply_task(&mut self, task: Task) -> Answer<AppliedObject<Task>> {
        self.apply_with(ApplyParams::new(task)).await
    }

    async fn apply_pipeline(&mut self, object: Pipeline) -> Answer<AppliedObject<Pipeline>> {
        let ask = self.engine.ask("somebody");
        let apply = ApplyPipeline::new(ask, ApplyParams::new(object), &self.engine.types(), Vec::new())?;
        self.write(apply).await
    }

    async fn apply_entity<K: Kind>(&mut self, object: K, source: Option<&str>) -> Answer<AppliedObject<K>> {
        let params = ApplyParams { source: source.map(str::to_owned), ..ApplyParams::new(object) };
        let apply = ApplyEntity::new(self.engine.ask("somebody"), params)?;
        self.write(apply).await
    }

    async fn last_applied(&mut self, kind: &str, name: &str) -> Record {
        let params = LastAppliedParams { kind: kind.into(), reference: named(name) };
        self.read(LastApplied { ask: self.engine.ask("somebody"), params }).await.unwrap()
    }
}

/// The outcome, and whether it was there and not by an apply.
fn said<O>(applied: Answer<AppliedObject<O>>) -> (ApplyOutcome, bool) {
    let applied = applied.unwrap();
    (applied.outcome, applied.adopted)
}

fn queue(max_running: Option<u32>, labels: &[(&str, &str)]) -> Queue {
    let mut queue = Queue::new("q", QueueSpec { max_running, ..QueueSpec::default() });
    queue.metadata.labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    queue
}

pub async fn twice_is_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for expected in [Created, Unchanged, Unchanged] {
        let before = lab.dump.version;
        assert_eq!(said(lab.apply_task(job("a").label("x", "1").task()).await).0, expected);
        assert_eq!(said(lab.apply_pipeline(pipeline("p", [job("s")])).await).0, expected);
        assert_eq!(said(lab.apply_entity(queue(Some(2), &[("x", "1")]), None).await).0, expected);
        assert_eq!(said(lab.apply_entity(Semaphore::new("s", 2), None).await).0, expected);
        assert!(expected == Created || lab.dump.version == before, "nothing is written");
    }
    lab.succeed("a").await;
    assert_eq!(
        said(lab.apply_task(job("a").label("x", "1").task()).await).0,
        Unchanged,
        "whatever became of it"
    );
    lab.restart("a").await.unwrap();
    assert_eq!(said(lab.apply_task(job("a").label("x", "1").task()).await).0, Unchanged);
}

pub async fn what_is_said_no_longer_goes_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.apply_entity(queue(Some(2), &[("a", "1"), ("b", "1")]), None).await.unwrap();
    let patch =
        Patch::Merge(json!({"metadata": {"labels": {"theirs": "1", "b": "2"}}, "spec": {"paused": true}}));
    let ask = lab.engine.ask("somebody");
    lab.write(AmendEntity::<Queue>::new(ask, PatchParams::new(named("q"), patch))).await.unwrap();
    let applied = lab.apply_entity(queue(None, &[]), None).await.unwrap();
    assert_eq!((applied.outcome, applied.adopted), (Configured, false));
    assert_eq!(applied.object.spec, QueueSpec { paused: true, max_running: None });
    let labels: Vec<&str> = applied.object.metadata.labels.keys().map(String::as_str).collect();
    assert_eq!(labels, ["b", "theirs"], "what others have set or changed stays");
    assert_eq!(said(lab.apply_entity(queue(None, &[]), None).await), (Unchanged, false));
    assert_eq!(lab.last_applied("Queue", "q").await.manifest, Some(json!({"metadata": {}, "spec": {}})));
}

pub async fn made_by_others_it_is_adopted_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make_pipeline(pipeline("p", [job("s")])).await;
    lab.create_entity(queue(Some(2), &[])).await.unwrap();
    assert_eq!(lab.last_applied("Task", "a").await, Record::default());
    for expected in [(Configured, true), (Unchanged, false)] {
        assert_eq!(said(lab.apply_task(job("a").task()).await), expected);
        assert_eq!(said(lab.apply_pipeline(pipeline("p", [job("s")])).await), expected);
        assert_eq!(said(lab.apply_entity(queue(Some(2), &[]), None).await), expected);
    }
    let built_in = Queue::new("default", QueueSpec { max_running: Some(9), ..QueueSpec::default() });
    assert_eq!(said(lab.apply_entity(built_in.clone(), None).await), (Configured, false));
    assert_eq!(said(lab.apply_entity(built_in, None).await), (Unchanged, false));
}

pub async fn of_a_task_what_may_change<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let with = |change: fn(&mut TaskSpec)| {
        let mut task = job("a").task();
        change(&mut task.spec);
        task
    };
    lab.apply_task(with(|spec| (spec.priority, spec.hold) = (Some(5), true))).await.unwrap();
    let applied = lab.apply_task(with(|spec| spec.priority = Some(7))).await.unwrap();
    assert_eq!(
        (applied.outcome, applied.object.spec.priority, applied.object.spec.hold),
        (Configured, Some(7), false)
    );
    assert_eq!(applied.object.status.unwrap().reason, Some(Reason::Queued));
    let before = lab.dump.version;
    let error = lab
        .apply_task(with(|spec| (spec.timeout, spec.priority) = ("1m".parse().ok(), None)))
        .await
        .unwrap_err();
    assert_eq!((error.reason, lab.dump.version), (ErrorReason::Invalid, before));
    assert_eq!(error.causes.len(), 1);
    assert_eq!(error.causes[0].field, "spec.timeout");
    assert!(error.causes[0].message.contains("ktk restart a --set 'timeout=\"1m\"'"), "{error:?}");
    drop(lab.running("a").await);
    let error = lab.apply_task(with(|spec| spec.priority = Some(1))).await.unwrap_err();
    assert_eq!(error.causes[0].field, "spec.priority");
    assert_eq!(said(lab.apply_task(with(|spec| spec.priority = Some(7))).await), (Unchanged, false));
}

pub async fn of_a_pipeline_what_may_change<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.apply_pipeline(pipeline("p", [job("s")])).await.unwrap();
    let mut labelled = pipeline("p", [job("s")]);
    labelled.metadata.labels.insert("team".into(), "x".into());
    assert_eq!(said(lab.apply_pipeline(labelled.clone()).await), (Configured, false));
    let error = lab.apply_pipeline(pipeline("p", [job("s"), job("t")])).await.unwrap_err();
    assert_eq!((error.reason, &*error.causes[0].field), (ErrorReason::Invalid, "spec.steps"));
    assert!(error.causes[0].message.contains("ktk run -f"), "{error:?}");
    lab.succeed("p.s").await;
    assert_eq!(said(lab.apply_pipeline(labelled).await), (Unchanged, false));
}

pub async fn sets_have_a_name<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["a", "b"] {
        let source = (name == "a").then(|| "team".to_owned());
        lab.apply_with(ApplyParams { source, ..ApplyParams::new(job(name).task()) }).await.unwrap();
    }
    lab.apply_entity(Semaphore::new("s", 1), Some("team")).await.unwrap();
    assert_eq!(lab.last_applied("Semaphore", "s").await.source.as_deref(), Some("team"));
    // Without a word it stays where it is, and a set takes nothing from another.
    lab.apply_entity(Semaphore::new("s", 2), None).await.unwrap();
    assert_eq!(lab.last_applied("Semaphore", "s").await.source.as_deref(), Some("team"));
    let error = lab.apply_entity(Semaphore::new("s", 2), Some("other")).await.unwrap_err();
    assert_eq!(error.reason, ErrorReason::Conflict, "{error:?}");
    let other = ApplyParams { source: Some("other".into()), ..ApplyParams::new(job("a").task()) };
    assert_eq!(lab.apply_with(other).await.unwrap_err().reason, ErrorReason::Conflict);
    lab.succeed("a").await;
    lab.restart("a").await.unwrap();
    let params = ListParams { field_selector: Some("metadata.source=team".into()), ..ListParams::default() };
    let list = lab.read(ListTasks { ask: lab.engine.ask("somebody"), params }).await.unwrap();
    let found: Vec<_> = list.items.iter().map(Task::incarnation_name).collect();
    assert_eq!(found, ["a@2"], "all incarnations are of the set");
    assert_eq!(lab.last_applied("Task", "a").await.source.as_deref(), Some("team"));
}

pub async fn wrong_ones_change_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let before = lab.dump.version;
    let mut nameless = job("a").task();
    (nameless.metadata.name, nameless.metadata.generate_name) = (None, Some("g-".into()));
    let error = lab.apply_task(nameless).await.unwrap_err();
    assert_eq!(error.causes[0].field, "metadata.generateName");
    let error = lab.apply_entity(queue(Some(0), &[]), None).await.unwrap_err();
    assert_eq!(error.causes[0].field, "spec.maxRunning");
    lab.apply_entity(queue(None, &[]), Some("No Set")).await.unwrap_err();
    let mut lost = job("a").task();
    lost.spec.queue = Some("nosuch".into());
    assert_eq!(lab.apply_task(lost).await.unwrap_err().causes[0].field, "spec.queue");
    assert_eq!(lab.dump.version, before);
    // A version of a type is what it was made as.
    let of_type: TaskType = serde_json::from_value(json!({
        "apiVersion": "ktk/v1", "kind": "TaskType", "metadata": {"name": "t"}, "spec": {"external": {}},
    }))
    .unwrap();
    assert_eq!(said(lab.apply_entity(of_type, None).await), (Created, false));
}
