//! Patches: what may change of an object that exists, what that does, and what is refused whole.

use std::time::Duration;

use jiff::Timestamp;
use ktk_client::api::{
    ErrorReason, ListParams, ObjectRef, Phase, Queue, Reason, Semaphore, Task,
    patch::{Patch, PatchParams, Patched},
    queue::QueueSpec,
};
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    build::{job, pipeline},
    calls::named,
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        amend_entity::AmendEntity, amend_pipeline::AmendPipeline, amend_task::AmendTask, read::ListTasks,
    },
    store::Store,
};

/// A change of where and when a task starts, or of its labels.
pub fn any(rng: &mut StdRng, now: Timestamp) -> Value {
    let later = now + Duration::from_secs(rng.random_range(0..20));
    match rng.random_range(0..5) {
        0 => json!({"spec": {"priority": rng.random_range(-2..3)}}),
        1 => json!({"spec": {"queue": "q", "hold": rng.random_bool(0.3)}}),
        2 => json!({"spec": {"queue": null, "hold": null}}),
        3 => json!({"spec": {"runAfter": later.to_string()}}),
        _ => {
            json!({"metadata": {"labels": {"n": rng.random_range(0..9).to_string()}}, "spec": {"runAfter": null}})
        }
    }
}

impl<S: Store> Lab<S> {
    async fn amend_with(&mut self, params: PatchParams) -> Answer<Patched<Task>> {
        let ask = self.engine.ask("somebody");
        self.write(AmendTask { ask, params }).await
    }

    pub async fn amend(&mut self, name: &str, members: Value) -> Answer<Patched<Task>> {
        self.amend_with(PatchParams::new(named(name), Patch::Merge(members))).await
    }

    /// The fields that a patch is refused for; it changes nothing.
    async fn refused_fields(&mut self, name: &str, members: Value) -> Vec<String> {
        let version = self.dump.version;
        let error = self.amend(name, members).await.unwrap_err();
        assert_eq!((error.reason, self.dump.version), (ErrorReason::Invalid, version), "{error:?}");
        error.causes.into_iter().map(|cause| cause.field).collect()
    }
}

pub async fn labels_and_annotations_at_any_time<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").label("team", "x").label("old", "1")).await;
    let change =
        json!({"metadata": {"labels": {"team": "y", "old": null}, "annotations": {"note": "any\ntext"}}});
    for phase in [Phase::Pending, Phase::Running, Phase::Succeeded] {
        match phase {
            Phase::Pending => {}
            Phase::Running => drop(lab.running("a").await),
            _ => lab.succeed("a").await,
        }
        let Patched { object, changed } = lab.amend("a", change.clone()).await.unwrap();
        assert_eq!(changed, phase == Phase::Pending, "done twice, it is done once");
        assert_eq!(object.status.as_ref().unwrap().phase, phase);
        assert_eq!(object.metadata.labels, [("team".to_owned(), "y".to_owned())].into());
        assert_eq!(object.metadata.annotations["note"], "any\ntext");
    }
    let labels =
        |selector: &str| ListParams { label_selector: Some(selector.into()), ..ListParams::default() };
    for (selector, found) in [("team=y", 1), ("team=x", 0), ("old", 0)] {
        let list = ListTasks { ask: lab.engine.ask("somebody"), params: labels(selector) };
        assert_eq!(lab.read(list).await.unwrap().items.len(), found, "{selector}");
    }
    // What it became is what a restart begins with.
    lab.restart("a").await.unwrap();
    let again = lab.amend("a", json!({})).await.unwrap();
    assert!(!again.changed);
    assert_eq!(again.object.metadata.labels["team"], "y");
}

pub async fn priority_and_queue_of_what_waits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(Queue::new("slow", QueueSpec { paused: true, ..QueueSpec::default() })).await.unwrap();
    for name in ["a", "b", "c"] {
        lab.line_up(job(name)).await;
    }
    lab.amend("b", json!({"spec": {"priority": 5}})).await.unwrap();
    let moved = lab.amend("a", json!({"spec": {"queue": "slow"}})).await.unwrap().object;
    assert_eq!(moved.status.unwrap().reason, Some(Reason::QueuePaused));
    assert_eq!(lab.claim_names(5).await, ["b", "c"]);
    let back = lab.amend("a", json!({"spec": {"queue": null}})).await.unwrap().object;
    assert_eq!((back.spec.queue, back.status.unwrap().reason), (None, Some(Reason::Queued)));
    assert_eq!(lab.claim_names(5).await, ["a"]);
    assert_eq!(lab.refused_fields("a", json!({"spec": {"priority": 1, "queue": "slow"}})).await.len(), 2);
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    assert_eq!(lab.refused_fields("a", json!({"spec": {"queue": "nosuch"}})).await, ["spec.queue"]);
}

pub async fn holds_and_times<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let reason = |patched: Patched<Task>| patched.object.status.unwrap().reason;
    assert_eq!(reason(lab.amend("a", json!({"spec": {"hold": true}})).await.unwrap()), Some(Reason::Held));
    assert!(lab.claim(1).await.is_empty());
    assert_eq!(reason(lab.amend("a", json!({"spec": {"hold": null}})).await.unwrap()), Some(Reason::Queued));
    let later = |by: u64| json!({"spec": {"runAfter": (lab.now() + Duration::from_secs(by)).to_string()}});
    let (soon, late) = (later(60), later(600));
    assert_eq!(reason(lab.amend("a", late).await.unwrap()), Some(Reason::Scheduled));
    assert_eq!(reason(lab.amend("a", soon).await.unwrap()), Some(Reason::Scheduled));
    lab.advance(Duration::from_secs(59)).await;
    assert!(lab.claim(1).await.is_empty());
    lab.advance(Duration::from_secs(2)).await;
    assert_eq!(lab.claim_names(1).await, ["a"]);
    lab.make(job("b")).await;
    let late = json!({"spec": {"runAfter": (lab.now() + Duration::from_secs(600)).to_string()}});
    lab.amend("b", late).await.unwrap();
    lab.amend("b", json!({"spec": {"runAfter": null}})).await.unwrap();
    assert_eq!(lab.claim_names(1).await, ["b"]);
}

pub async fn what_cannot_change_is_named<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let fields = lab
        .refused_fields(
            "a",
            json!({
                "kind": "Cow", "status": {"phase": "Succeeded"},
                "metadata": {"name": "b", "id": null, "labels": {"a b": "c"}},
                "spec": {"run": {"command": ["false"]}, "timeout": "5s", "priority": 7},
            }),
        )
        .await;
    for field in ["kind", "status", "metadata.name", "metadata.id", "spec.run.command", "spec.timeout"] {
        assert!(fields.iter().any(|named| named == field), "{field}: {fields:?}");
    }
    assert!(fields.iter().any(|field| field.starts_with("metadata.labels")), "{fields:?}");
    assert!(!fields.iter().any(|field| field == "spec.priority"), "{fields:?}");
    assert_eq!(lab.refused_fields("a", json!({"spec": {"priorty": 7}})).await, ["spec.priorty"]);
    assert_eq!(lab.refused_fields("a", json!({"spec": {"priority": "high"}})).await, ["spec.priority"]);
    assert_eq!(lab.refused_fields("a", json!({"spec": null})).await.len(), 1);
    let operations = vec![json!({"op": "test", "path": "/spec/priority", "value": 3})];
    let params = PatchParams::new(named("a"), Patch::Json(operations));
    assert_eq!(lab.amend_with(params).await.unwrap_err().causes[0].field, "patch.json[0]");
}

pub async fn only_for_a_version<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let read = lab.amend("a", json!({})).await.unwrap().object.metadata.version;
    lab.amend("a", json!({"metadata": {"labels": {"x": "1"}}})).await.unwrap();
    let patch = Patch::Merge(json!({"metadata": {"labels": {"x": "2"}}}));
    let late = PatchParams { version: read, ..PatchParams::new(named("a"), patch.clone()) };
    assert_eq!(lab.amend_with(late).await.unwrap_err().reason, ErrorReason::Conflict);
    let read = lab.amend("a", json!({})).await.unwrap().object.metadata.version;
    let timely = PatchParams { version: read, ..PatchParams::new(named("a"), patch) };
    assert_eq!(lab.amend_with(timely).await.unwrap().object.metadata.labels["x"], "2");
}

pub async fn pipelines_queues_and_semaphores<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("s")])).await;
    let params =
        |name: &str, members: Value| PatchParams::new(ObjectRef::new("default", name), Patch::Merge(members));
    let ask = lab.engine.ask("somebody");
    let labels = json!({"metadata": {"labels": {"team": "x"}, "annotations": {"a": "b"}}});
    let amend = AmendPipeline { ask: ask.clone(), params: params("p", labels.clone()) };
    let patched = lab.write(amend).await.unwrap();
    assert_eq!((patched.object.metadata.labels["team"].as_str(), patched.changed), ("x", true));
    assert_eq!(patched.object.metadata.annotations["a"], "b");
    let amend = AmendPipeline { ask: ask.clone(), params: params("p", json!({"spec": {"maxParallel": 1}})) };
    assert_eq!(lab.write(amend).await.unwrap_err().causes[0].field, "spec");
    lab.succeed("p.s").await;

    lab.create_entity(Semaphore::new("gpu", 1)).await.unwrap();
    for name in ["a", "b"] {
        lab.line_up(job(name).permits("gpu", 1)).await;
    }
    assert_eq!(lab.claim_names(5).await, ["a"]);
    let wider = params("gpu", json!({"spec": {"permits": 2}, "metadata": {"labels": {"room": "b"}}}));
    let patched = lab.write(AmendEntity::<Semaphore>::new(ask.clone(), wider)).await.unwrap();
    assert_eq!((patched.object.spec.permits, patched.object.metadata.labels["room"].as_str()), (2, "b"));
    assert_eq!(lab.claim_names(5).await, ["b"]);
    let wrong = params("gpu", json!({"spec": {"permits": 0, "size": 1}}));
    let error = lab.write(AmendEntity::<Semaphore>::new(ask.clone(), wrong)).await.unwrap_err();
    assert_eq!(error.reason, ErrorReason::Invalid);
    // What nobody made can be changed as well.
    let capped = params("default", json!({"spec": {"maxRunning": 1}}));
    let patched = lab.write(AmendEntity::<Queue>::new(ask, capped)).await.unwrap();
    assert_eq!(patched.object.spec.max_running, Some(1));
    for name in ["c", "d"] {
        lab.make(job(name)).await;
    }
    assert!(lab.claim_names(5).await.is_empty(), "two run in it already");
}
