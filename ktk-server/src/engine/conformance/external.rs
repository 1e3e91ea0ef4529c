//! External tasks: nothing runs here, and somebody says how they end.

use std::time::Duration;

use ktk_client::api::{
    ErrorReason, Semaphore,
    attempt::{CompleteParams, FailParams},
    restart::RestartParams,
};
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::{named, restart},
    lab::Lab,
};
use crate::store::Store;

fn complete(name: &str, outputs: serde_json::Value) -> CompleteParams {
    let outputs = serde_json::from_value(outputs).unwrap();
    CompleteParams { reference: named(name), outputs, ..CompleteParams::default() }
}

fn fail(name: &str) -> FailParams {
    FailParams { reference: named(name), message: Some("no".into()), ..FailParams::default() }
}

pub async fn running_without_a_node_until_somebody_says<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("x").external().needs(["a"])).await;
    lab.make(job("b").needs(["x"])).await;
    assert_eq!(lab.state("x").await, "Pending/WaitingForUpstream");
    lab.succeed("a").await;
    assert_eq!(lab.state("x").await, "Running");
    assert!(lab.claim(64).await.is_empty(), "no worker gets it");
    lab.register().await;
    lab.lose_node().await;
    lab.register().await;
    assert_eq!(lab.state("x").await, "Running", "no worker loses it");
    let task = lab.get("x").await.unwrap();
    assert!(task.spec.external.is_some() && task.spec.type_name.is_none());
    let status = task.status.unwrap();
    assert_eq!((status.attempt, status.node, status.resolved.len()), (1, None, 1));
    let done = lab.complete(complete("x", json!({"approved": true}))).await.unwrap();
    assert_eq!(done.status.unwrap().outputs, Some(json!({"approved": true})));
    let grant = lab.running("b").await;
    assert_eq!(grant.needs["x"], json!({"approved": true}));
    assert_eq!(lab.complete(complete("x", json!(null))).await.unwrap_err().reason, ErrorReason::Conflict);
}

pub async fn only_what_is_external_and_runs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("x").external().needs(["a"])).await;
    lab.claim(1).await;
    for name in ["a", "x"] {
        let before = lab.dump.clone();
        assert_eq!(
            lab.complete(complete(name, json!(null))).await.unwrap_err().reason,
            ErrorReason::Conflict
        );
        assert_eq!(lab.fail_external(fail(name)).await.unwrap_err().reason, ErrorReason::Conflict);
        assert_eq!(lab.dump, before);
    }
    assert_eq!(lab.complete(complete("y", json!(null))).await.unwrap_err().reason, ErrorReason::NotFound);
    lab.succeed("a").await;
    let large = json!({"text": "x".repeat(crate::limits::VALUES_BYTES)});
    assert_eq!(lab.complete(complete("x", large)).await.unwrap_err().reason, ErrorReason::TooLarge);
    assert_eq!(lab.state("x").await, "Running", "whoever said too much may say it shorter");
}

pub async fn failed_for_good_or_to_be_tried_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["x", "y"] {
        lab.make(job(name).external().limit(1).backoff(10)).await;
    }
    lab.fail_external(fail("x")).await.unwrap();
    assert_eq!(lab.state("x").await, "Failed/Reported");
    assert_eq!(lab.get("x").await.unwrap().status.unwrap().message.as_deref(), Some("no"));
    let again = FailParams { retry: true, ..fail("y") };
    lab.fail_external(again.clone()).await.unwrap();
    assert_eq!(lab.state("y").await, "Pending/Backoff");
    lab.advance(Duration::from_secs(10)).await;
    assert_eq!(lab.state("y").await, "Running");
    let stale = CompleteParams { attempt: Some(1), ..complete("y", json!(null)) };
    assert_eq!(lab.complete(stale).await.unwrap_err().reason, ErrorReason::Fenced);
    lab.fail_external(FailParams { attempt: Some(2), ..again }).await.unwrap();
    assert_eq!(lab.state("y").await, "Failed/Reported", "its retries are used up");
}

pub async fn its_time_is_over<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("x").external().timeout(60).keepalive(30).limit(1).backoff(10)).await;
    lab.make(job("silent").external().keepalive(30)).await;
    lab.make(job("late").external().deadline(90)).await;
    lab.advance(Duration::from_secs(29)).await;
    lab.keepalive("x").await.unwrap();
    lab.advance(Duration::from_secs(30)).await;
    assert_eq!(lab.state("silent").await, "Failed/KeepaliveLost");
    assert_eq!(lab.state("x").await, "Pending/Backoff");
    lab.advance(Duration::from_secs(10)).await;
    for _ in 0..2 {
        lab.advance(Duration::from_secs(29)).await;
        lab.keepalive("x").await.unwrap();
    }
    assert_eq!(lab.state("late").await, "Failed/DeadlineExceeded");
    lab.advance(Duration::from_secs(2)).await;
    assert_eq!(lab.state("x").await, "Failed/Timeout", "whatever it said of itself");
}

pub async fn cancelled_restarted_and_deleted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("x").external()).await;
    lab.cancel("x").await.unwrap();
    assert_eq!(lab.state("x").await, "Cancelled/ByUser", "nothing has to end first");
    lab.restart("x").await.unwrap();
    assert_eq!(lab.state("x").await, "Running");
    lab.restart_with(RestartParams { force: true, ..restart("x") }).await.unwrap();
    assert_eq!(lab.tree("x").await.len(), 3);
    assert_eq!(lab.state("x").await, "Running");
    assert!(lab.delete("x").await.unwrap().gone);
    assert_eq!(lab.state("x").await, "NotFound");
}

pub async fn a_step_that_takes_no_place<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline(
        "p",
        [job("x").external(), job("y").external(), job("a"), job("b"), job("c").needs(["x", "y", "a", "b"])],
    );
    object.spec.max_parallel = Some(1);
    lab.make_pipeline(object).await;
    for name in ["p.x", "p.y"] {
        assert_eq!(lab.state(name).await, "Running");
    }
    assert_eq!(lab.claim_names(64).await, ["p.a"]);
    lab.succeed("p.a").await;
    lab.succeed("p.b").await;
    lab.complete(complete("p.x", json!(null))).await.unwrap();
    lab.complete(complete("p.y", json!(null))).await.unwrap();
    lab.succeed("p.c").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    // `failFast` and a cancel end it at once.
    lab.make_pipeline(pipeline("q", [job("x").external(), job("a")])).await;
    lab.claim(1).await;
    lab.cancel_pipeline("q", false).await.unwrap();
    assert_eq!(lab.state("q.x").await, "Cancelled/PipelineCancelled");
}

pub async fn said_twice_with_one_request_id<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("x").external()).await;
    let params = CompleteParams { request_id: Some("r".into()), ..complete("x", json!({"n": 1})) };
    lab.complete(params.clone()).await.unwrap();
    let again = lab.complete(params.clone()).await.unwrap();
    assert_eq!(again.status.unwrap().outputs, Some(json!({"n": 1})));
    let other = CompleteParams { outputs: None, ..params };
    assert_eq!(lab.complete(other).await.unwrap_err().reason, ErrorReason::Conflict);
}

pub async fn permits_are_waited_for_and_held<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(Semaphore::new("gpu", 1)).await.unwrap();
    lab.make(job("works").permits("gpu", 1)).await;
    lab.running("works").await;
    lab.line_up(job("first").external().permits("gpu", 1)).await;
    lab.line_up(job("second").external().permits("gpu", 1)).await;
    assert_eq!(lab.state("first").await, "Pending/WaitingForPermit", "a running attempt has it");
    lab.succeed("works").await;
    assert_eq!(
        (lab.state("first").await, lab.state("second").await),
        ("Running".into(), "Pending/WaitingForPermit".into())
    );
    lab.make(job("late").permits("gpu", 1)).await;
    assert!(lab.claim(8).await.is_empty(), "an external task holds it");
    lab.complete_externals().await;
    assert_eq!(lab.state("second").await, "Running", "the next in the line, wherever it runs");
    lab.complete_externals().await;
    lab.succeed("late").await;
}
