//! From created to ended, attempt by attempt.

use std::time::Duration;

use jiff::SignedDuration;
use ktk_client::api::ErrorReason;
use serde_json::json;

use super::{
    build::{job, outputs},
    lab::{Lab, start},
};
use crate::{limits, store::Store};

pub async fn created_queued_running_succeeded<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let task = lab.create(job("a")).await.unwrap();
    let id = task.metadata.id.unwrap();
    assert_eq!(task.metadata.execution_id, Some(id));
    let place = task.metadata.restart.unwrap();
    assert_eq!((place.context_id, place.parent_id, place.incarnation), (id, None, 1));
    assert_eq!(lab.state("a").await, "Pending/Queued");
    lab.advance(Duration::from_secs(5)).await;
    let grant = lab.running("a").await;
    assert_eq!((grant.task, grant.attempt, grant.context), (id, 1, id));
    assert_eq!(lab.state("a").await, "Running");
    lab.advance(Duration::from_secs(7)).await;
    lab.succeed("a").await;
    assert_eq!(lab.state("a").await, "Succeeded");
    let status = lab.get("a").await.unwrap().status.unwrap();
    let after = |seconds| Some(start() + SignedDuration::from_secs(seconds));
    assert_eq!((status.ready_at, status.started_at, status.finished_at), (after(0), after(5), after(12)));
    assert_eq!(status.attempts.len(), 1);
    assert_eq!(status.attempts[0].node, "lab.g1");
    assert!(lab.claim(64).await.is_empty());
}

pub async fn a_failure_is_final<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Failed/ExitCode");
    let status = lab.get("a").await.unwrap().status.unwrap();
    assert_eq!((status.exit_code, status.attempts[0].exit_code), (Some(1), Some(1)));
    assert!(lab.claim(64).await.is_empty());
}

pub async fn waits_for_its_needs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    lab.make(job("c").needs(["a", "b"])).await;
    assert_eq!(lab.state("c").await, "Pending/WaitingForUpstream");
    lab.succeed("a").await;
    assert_eq!(lab.state("c").await, "Pending/WaitingForUpstream");
    lab.succeed("b").await;
    assert_eq!(lab.state("c").await, "Pending/Queued");
    lab.succeed("c").await;
    let resolved = lab.get("c").await.unwrap().status.unwrap().resolved;
    let names: Vec<&str> = resolved.iter().map(|taken| taken.need.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

pub async fn waits_for_its_time<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let at = start() + SignedDuration::from_secs(60);
    lab.make(job("a").run_after(at)).await;
    assert_eq!(lab.state("a").await, "Pending/Scheduled");
    assert_eq!(lab.dump.next_due, Some(at));
    lab.advance(Duration::from_secs(59)).await;
    assert!(lab.claim(1).await.is_empty());
    lab.advance(Duration::from_secs(1)).await;
    assert_eq!(lab.state("a").await, "Pending/Queued");
    assert_eq!(lab.dump.next_due, None);
    // What is past when it is created waits for nothing.
    lab.make(job("b").run_after(at)).await;
    assert_eq!(lab.state("b").await, "Pending/Queued");
}

pub async fn its_time_and_its_needs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let at = start() + SignedDuration::from_secs(60);
    lab.make(job("early").needs(["a"]).run_after(at)).await;
    lab.make(job("late").needs(["a"]).run_after(start() + SignedDuration::from_secs(10))).await;
    lab.advance(Duration::from_secs(20)).await;
    assert_eq!(lab.state("late").await, "Pending/WaitingForUpstream");
    lab.succeed("a").await;
    assert_eq!(lab.state("late").await, "Pending/Queued");
    assert_eq!(lab.state("early").await, "Pending/Scheduled");
    lab.advance(Duration::from_secs(40)).await;
    assert_eq!(lab.state("early").await, "Pending/Queued");
}

pub async fn outputs_are_kept_and_handed_on<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("none")).await;
    lab.make(job("b").needs(["a", "none"]).input("k", json!([1]))).await;
    lab.give("a", json!({"z": 1, "y": {"b": 1, "a": 2}})).await;
    lab.succeed("none").await;
    let status = lab.get("a").await.unwrap().status.unwrap();
    assert_eq!(status.outputs, Some(json!({"z": 1, "y": {"a": 2, "b": 1}})));
    let digest = status.output_digest;
    assert!(digest.is_some());
    let grant = lab.running("b").await;
    assert_eq!(grant.needs["a"], json!({"z": 1, "y": {"a": 2, "b": 1}}));
    assert_eq!(grant.needs["none"], json!(null));
    assert_eq!(grant.inputs["k"], json!([1]));
    // No outputs have no digest, none at all have one.
    lab.make(job("empty")).await;
    lab.give("empty", json!({})).await;
    assert!(lab.get("empty").await.unwrap().status.unwrap().output_digest.is_some());
    assert!(lab.get("none").await.unwrap().status.unwrap().output_digest.is_none());
}

pub async fn too_large_outputs_are_a_failure<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(5)).await;
    let text = "x".repeat(limits::VALUES_BYTES);
    lab.end("a", outputs(json!({"text": text}))).await;
    assert_eq!(lab.state("a").await, "Failed/InvalidOutput");
    assert_eq!(lab.get("a").await.unwrap().status.unwrap().outputs, None);
}

pub async fn bad_input_fails_the_task_and_wakes_the_next<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut work = lab.engine.hub.work();
    lab.make(job("a").command(&["echo", "hello"]).priority(1)).await;
    lab.make(job("b")).await;
    lab.break_body("a").await;
    work.borrow_and_update();
    assert!(lab.claim(1).await.is_empty(), "one slot, and the first in line cannot be run");
    assert_eq!(lab.state("a").await, "Failed/InvalidInput");
    assert!(work.has_changed().unwrap(), "whoever waits for work has to look again");
    assert_eq!(lab.claim_names(1).await, ["b"]);
}

pub async fn unknown_types_and_queues_are_refused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut unknown = job("a");
    unknown.step.type_name = Some("nobody".into());
    assert_eq!(lab.create(unknown).await.unwrap_err().reason, ErrorReason::Invalid);
    let mut queue = job("a");
    queue.step.queue = Some("fast".into());
    assert_eq!(lab.create(queue).await.unwrap_err().reason, ErrorReason::Invalid);
    assert!(lab.dump.tasks.is_empty());
}

pub async fn names_are_taken_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    assert_eq!(lab.create(job("a")).await.unwrap_err().reason, ErrorReason::AlreadyExists);
    lab.succeed("a").await;
    assert_eq!(lab.create(job("a")).await.unwrap_err().reason, ErrorReason::AlreadyExists);
    let mut other = job("a").task();
    other.metadata.namespace = Some("other".into());
    let params = ktk_client::api::task::CreateParams {
        object: other,
        request_id: Some("r".into()),
        caller_env: None,
        dry_run: false,
    };
    let first = lab.create_task(params.clone()).await.unwrap();
    assert_eq!(lab.create_task(params.clone()).await.unwrap().metadata.id, first.metadata.id);
    let mut changed = params;
    changed.object.spec.priority = Some(3);
    assert_eq!(lab.create_task(changed).await.unwrap_err().reason, ErrorReason::Conflict);
    let mut generated = job("a").task();
    (generated.metadata.name, generated.metadata.generate_name) = (None, Some("a-".into()));
    let params = ktk_client::api::task::CreateParams {
        object: generated,
        request_id: None,
        caller_env: None,
        dry_run: false,
    };
    assert!(lab.create_task(params).await.unwrap().metadata.name().starts_with("a-"));
}
