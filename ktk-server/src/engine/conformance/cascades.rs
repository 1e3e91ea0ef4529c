//! What a restart does to those that depend on the restarted task.

use ktk_client::api::{
    restart::{Cascade, RestartParams},
    unique::UniqueSpec,
};
use serde_json::json;

use super::{
    build::{exit, job, pipeline, success},
    calls::{plan_text, restart},
    lab::Lab,
};
use crate::store::Store;

fn cascade(name: &str, cascade: Cascade) -> RestartParams {
    RestartParams { cascade, ..restart(name) }
}

pub async fn all_restarts_what_has_finished<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    lab.make(job("gone").needs(["b"])).await;
    lab.cancel("gone").await.unwrap();
    for name in ["a", "b", "c"] {
        lab.give(name, json!({})).await;
    }
    let answer = lab.restart_with(cascade("a", Cascade::All)).await.unwrap();
    let made: Vec<(&str, u32)> =
        answer.restarted.iter().map(|task| (task.name.as_str(), task.incarnation)).collect();
    assert_eq!(made, [("a", 2), ("b", 2), ("c", 2)]);
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    assert_eq!(lab.state("gone").await, "Cancelled/ByUser", "a cascade restarts no cancelled task");
    for name in ["a", "b", "c"] {
        lab.give(name, json!({})).await;
    }
    assert_eq!(lab.tree("c").await, ["c@1 <- - Succeeded", "c@2 <- c@1 Succeeded"]);
}

pub async fn all_restarts_what_runs_at_its_end<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    lab.give("a", json!({"n": 1})).await;
    let grant = lab.running("b").await;
    let answer = lab.restart_with(cascade("a", Cascade::All)).await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b restart", "c continue"]);
    assert_eq!(answer.restarted.len(), 1);
    assert_eq!(lab.state("b").await, "Running");
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded", "b@2 <- b@1 Pending/WaitingForUpstream"]);
    assert_eq!(lab.state("c").await, "Pending/WaitingForUpstream");
    for name in ["a", "b", "c"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.tree("c").await, ["c@1 <- - Succeeded"]);
}

/// What is lost runs again by itself, on the new outputs: that is the restart it was to have.
pub async fn a_lost_attempt_is_not_restarted_twice<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.running("b").await;
    lab.restart_with(cascade("a", Cascade::All)).await.unwrap();
    lab.register().await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.running("b").await.needs["a"], json!({"n": 2}));
    lab.succeed("b").await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded"]);
}

/// Who was to follow and was cancelled meanwhile stays cancelled.
pub async fn a_follower_that_is_cancelled_stays<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    let grant = lab.running("b").await;
    let answer = lab.restart_with(cascade("a", Cascade::All)).await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b restart"]);
    lab.cancel("b").await.unwrap();
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.tree("b").await, ["b@1 <- - Cancelled/ByUser"]);
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Cancelled/ByUser"], "nor by what its need comes to");
    // Nor one that `failFast` stops meanwhile.
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"]), job("x")]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    let x = lab.running("p.x").await;
    lab.give("p.a", json!({"n": 1})).await;
    let grant = lab.running("p.b").await;
    lab.restart_with(cascade("p.a", Cascade::All)).await.unwrap();
    assert!(lab.report(x, exit(1)).await);
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Cancelled/PipelineCancelled"]);
}

pub async fn none_restarts_none<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.make(job("b").needs(["a"])).await;
    lab.fail("a").await;
    lab.succeed("z").await;
    let answer = lab.restart_with(cascade("a", Cascade::None)).await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b continue", "z keep"]);
    lab.succeed("a").await;
    assert_eq!(lab.state("b").await, "Pending/Queued", "what was waiting goes on");
    assert_eq!(lab.state("z").await, "Succeeded");
    // A later restart without it is compared again.
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.state("z").await, "Pending/Queued");
}

/// What a need came to under `--cascade=none` lets nothing be compared, not even with other needs that had changed.
pub async fn none_compares_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["a", "b"] {
        lab.make(job(name)).await;
        lab.succeed(name).await;
    }
    let mut keyed = job("d").needs(["a", "b"]);
    keyed.step.unique = Some(UniqueSpec { key: "k".into(), ..UniqueSpec::default() });
    lab.make(keyed.clone()).await;
    lab.succeed("d").await;
    keyed.step.name = "e".into();
    lab.make(keyed).await;
    lab.restart("b").await.unwrap();
    lab.give("b", json!({"n": 2})).await;
    assert_eq!(lab.tree("d").await, ["d@1 <- - Succeeded"], "another has its key");
    lab.cancel("e").await.unwrap();
    lab.restart_with(cascade("a", Cascade::None)).await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.tree("d").await, ["d@1 <- - Succeeded"]);
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.tree("d").await, ["d@1 <- - Succeeded", "d@2 <- d@1 Pending/Queued"]);
}

pub async fn none_is_handed_on<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    lab.make(job("z").needs(["c"]).always()).await;
    lab.fail("a").await;
    lab.succeed("z").await;
    lab.restart_with(cascade("a", Cascade::None)).await.unwrap();
    for name in ["a", "b", "c"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.tree("z").await, ["z@1 <- - Succeeded"]);
}
