//! `failure` and `always`: when they run, when they run again.

use ktk_client::api::{
    ErrorReason, Phase,
    restart::{Cascade, RestartParams},
};
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::{pipeline_params, plan_text, restart},
    lab::Lab,
};
use crate::store::Store;

pub async fn failure_steps<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    lab.make(job("f").needs(["a", "b"]).on_failure()).await;
    lab.fail("a").await;
    assert_eq!(lab.state("f").await, "Pending/WaitingForUpstream", "not all needs are settled");
    lab.succeed("b").await;
    assert_eq!(lab.state("f").await, "Pending/Queued");
    lab.succeed("f").await;
    let phases: Vec<Phase> =
        lab.get("f").await.unwrap().status.unwrap().resolved.iter().map(|taken| taken.phase).collect();
    assert_eq!(phases, [Phase::Failed, Phase::Succeeded]);
}

pub async fn always_steps<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("z").needs(["a", "b"]).always()).await;
    lab.fail("a").await;
    assert_eq!(lab.state("b").await, "Pending/UpstreamFailed");
    assert_eq!(lab.state("z").await, "Pending/Queued", "what waits behind a failure is settled");
    lab.succeed("z").await;
}

pub async fn skipped_is_good<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("f").needs(["a"]).on_failure()).await;
    lab.make(job("after").needs(["f"])).await;
    lab.succeed("a").await;
    assert_eq!(lab.state("f").await, "Skipped/NotNeeded");
    let resolved = lab.get("f").await.unwrap().status.unwrap().resolved;
    assert_eq!((resolved.len(), resolved[0].phase), (1, Phase::Succeeded), "what it saw is recorded");
    let grant = lab.running("after").await;
    assert_eq!(grant.needs["f"], json!(null));
}

/// What a need seems to have come to is not taken while the same transaction restarts it.
pub async fn skipped_once_and_for_all<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).on_failure()).await;
    lab.fail("a").await;
    lab.succeed("b").await;
    lab.make(job("f").needs(["a", "b"]).on_failure()).await;
    assert_eq!(lab.state("f").await, "Pending/Queued");
    let plan = lab.restart("a").await.unwrap().plan;
    assert_eq!(plan_text(&plan), ["a restart", "b decide", "f continue"]);
    lab.succeed("a").await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded", "b@2 <- b@1 Skipped/NotNeeded"]);
    assert_eq!(lab.tree("f").await, ["f@1 <- - Skipped/NotNeeded"]);
    let resolved = lab.get("f").await.unwrap().status.unwrap().resolved;
    assert!(resolved.iter().all(|taken| lab.dump.tasks[&taken.id].newest), "{resolved:?}");
}

pub async fn nothing_to_fail<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let refused = lab.create(job("f").on_failure()).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid, "it would never run");
    let steps = [job("a").on_failure(), job("b").needs(["a"])];
    let refused = lab.create_pipeline(pipeline_params(pipeline("p", steps))).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid);
}

pub async fn rerun_when_it_saw_something_else<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("f").needs(["a"]).on_failure()).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.fail("a").await;
    lab.succeed("f").await;
    lab.succeed("z").await;
    lab.restart("a").await.unwrap();
    assert_eq!(lab.state("z").await, "Succeeded", "nothing has settled yet");
    lab.succeed("a").await;
    assert_eq!(lab.tree("f").await, ["f@1 <- - Succeeded", "f@2 <- f@1 Skipped/NotNeeded"]);
    assert_eq!(lab.tree("z").await, ["z@1 <- - Succeeded", "z@2 <- z@1 Pending/Queued"]);
    let because = lab.get("z").await.unwrap().metadata.restart.unwrap();
    assert_eq!(because.reason.as_deref(), Some("UpstreamChanged: a"));
    lab.succeed("z").await;
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    assert_eq!(lab.state("f").await, "Pending/Queued", "a skipped one too");
}

pub async fn kept_when_it_saw_the_same<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.give("a", json!({"n": 1})).await;
    lab.succeed("z").await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 1})).await;
    assert_eq!(lab.tree("z").await.len(), 1, "the same phase, the same digest");
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("z").await.len(), 2);
}

pub async fn not_under_cascade_none<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("z").needs(["a", "b"]).always()).await;
    lab.fail("a").await;
    lab.succeed("z").await;
    let params = RestartParams { cascade: Cascade::None, ..restart("a") };
    lab.restart_with(params).await.unwrap();
    lab.succeed("a").await;
    lab.succeed("b").await;
    assert_eq!(lab.tree("z").await, ["z@1 <- - Succeeded"]);
}

pub async fn never_when_cancelled<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.fail("a").await;
    lab.cancel("z").await.unwrap();
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.tree("z").await, ["z@1 <- - Cancelled/ByUser"]);
}

pub async fn always_after_fail_fast<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b"), job("z").needs(["a", "b"]).always()]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    lab.fail("p.a").await;
    lab.end("p.b", super::build::because(ktk_client::api::Reason::Signal)).await;
    assert_eq!(lab.state("p.b").await, "Cancelled/PipelineCancelled");
    lab.succeed("p.z").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

pub async fn running_on_old_outputs_is_compared_at_its_end<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.give("a", json!({"n": 1})).await;
    lab.running("z").await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.state("z").await, "Running");
    lab.succeed("z").await;
    assert_eq!(lab.tree("z").await, ["z@1 <- - Succeeded", "z@2 <- z@1 Pending/Queued"]);
    assert_eq!(lab.running("z").await.needs["a"], json!({"n": 2}));
}

/// A rerun that cannot be made, as one of its needs is gone, stops nobody else.
pub async fn a_lost_need_stops_no_report<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("gone")).await;
    lab.make(job("z").needs(["a", "gone"]).always()).await;
    for name in ["a", "gone", "z"] {
        lab.succeed(name).await;
    }
    lab.delete("gone").await.unwrap();
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Failed/ExitCode");
    assert_eq!(lab.tree("z").await, ["z@1 <- - Succeeded"]);
}

/// Who wrote no outputs has no digest, and no digest is equal to nothing.
pub async fn no_outputs_are_equal_to_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.succeed("a").await;
    lab.succeed("z").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.tree("z").await.len(), 2, "nobody knows whether it came to the same");
    lab.succeed("z").await;
    for _ in 0..2 {
        lab.restart("a").await.unwrap();
        lab.give("a", json!({})).await;
        lab.claim(64).await;
    }
    lab.succeed("z").await;
    assert_eq!(lab.tree("z").await.len(), 3, "but {{}} is equal to {{}}");
}
