//! Early cutoff: a finished dependent runs again only if what it took has changed.

use ktk_client::api::restart::Action;
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::plan_text,
    lab::Lab,
};
use crate::{engine::events::ListEvents, store::Store};

/// `b` needs `a`, and both have succeeded: `a` with `n`.
async fn pair<S: Store>(lab: &mut Lab<S>) {
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.give("b", json!({"m": 1})).await;
}

async fn events_of<S: Store>(lab: &Lab<S>, name: &str) -> Vec<String> {
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    events.into_iter().filter(|event| event.object.name == name).map(|event| event.reason).collect()
}

pub async fn equal_outputs_keep<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    pair(&mut lab).await;
    let answer = lab.restart("a").await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b decide"]);
    lab.give("a", json!({"n": 1})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded"]);
    assert!(events_of(&lab, "b").await.contains(&"Kept".to_owned()), "it says which way it went");
}

pub async fn different_outputs_restart<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    pair(&mut lab).await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded", "b@2 <- b@1 Pending/Queued"]);
    let because = lab.get("b").await.unwrap().metadata.restart.unwrap();
    assert_eq!(because.reason.as_deref(), Some("UpstreamChanged: a"));
    assert_eq!(lab.running("b").await.needs["a"], json!({"n": 2}));
}

pub async fn no_outputs_equal_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.succeed("a").await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.tree("b").await.len(), 2, "nobody knows what it did");
}

pub async fn an_explicit_empty_object_is_equal<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({})).await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({})).await;
    assert_eq!(lab.tree("b").await.len(), 1);
}

pub async fn a_failure_restarts_nobody<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    pair(&mut lab).await;
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded"]);
    // The next success is compared with what was taken, not with the failure.
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 1})).await;
    assert_eq!(lab.tree("b").await.len(), 1);
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 3})).await;
    assert_eq!(lab.tree("b").await.len(), 2);
}

pub async fn what_runs_finishes_first<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.running("b").await;
    let answer = lab.restart("a").await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b decide", "c decide"]);
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.state("b").await, "Running");
    lab.give("b", json!({"m": 1})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded", "b@2 <- b@1 Pending/Queued"]);
    assert_eq!(
        lab.state("c").await,
        "Pending/WaitingForUpstream",
        "what ran on old outputs hands nothing on"
    );
}

pub async fn a_failed_dependent_is_restarted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.fail("b").await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 1})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Failed/ExitCode"]);
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Failed/ExitCode", "b@2 <- b@1 Pending/Queued"]);
}

pub async fn chains_stop_where_outputs_are_equal<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    pair(&mut lab).await;
    lab.make(job("c").needs(["b"])).await;
    lab.give("c", json!({})).await;
    let answer = lab.restart("a").await.unwrap();
    assert_eq!(plan_text(&answer.plan), ["a restart", "b decide", "c decide"]);
    lab.give("a", json!({"n": 2})).await;
    lab.give("b", json!({"m": 1})).await;
    assert_eq!(lab.tree("c").await, ["c@1 <- - Succeeded"], "b came to the same");
}

pub async fn each_need_is_compared<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("silent")).await;
    lab.make(job("b").needs(["silent", "a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.succeed("silent").await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 1})).await;
    assert_eq!(lab.tree("b").await.len(), 1, "the other need is the very same incarnation");
}

pub async fn a_need_that_still_runs_is_compared_later<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["x", "y"] {
        lab.make(job(name)).await;
        lab.give(name, json!({"n": 1})).await;
    }
    lab.make(job("b").needs(["x", "y"])).await;
    lab.succeed("b").await;
    lab.restart("x").await.unwrap();
    lab.restart("y").await.unwrap();
    lab.give("x", json!({"n": 1})).await;
    assert_eq!(lab.tree("b").await.len(), 1);
    lab.give("y", json!({"n": 2})).await;
    assert_eq!(lab.tree("b").await.len(), 2);
}

pub async fn no_moment_shows_it_finished<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.succeed("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.give("p.a", json!({"n": 2})).await;
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.succeed("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

/// What fails on old outputs and is restarted at once has not failed for good.
pub async fn fail_fast_waits_for_the_comparison<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"]), job("apart")]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.running("p.b").await;
    lab.restart("p.a").await.unwrap();
    lab.give("p.a", json!({"n": 2})).await;
    lab.fail("p.b").await;
    assert_eq!(lab.state("p.b").await, "Pending/Queued");
    assert_eq!(lab.state("p.apart").await, "Running", "nobody is cancelled");
    lab.fail("p.b").await;
    assert_eq!(lab.state("p.apart").await, "Running/Stopping");
}

pub async fn a_diamond_is_restarted_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("l").needs(["a"])).await;
    lab.make(job("r").needs(["a"])).await;
    lab.make(job("end").needs(["l", "r"])).await;
    for name in ["a", "l", "r", "end"] {
        lab.give(name, json!({"n": 1})).await;
    }
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("end").await.len(), 1, "neither side has come to anything yet");
    lab.give("l", json!({"n": 2})).await;
    assert_eq!(lab.tree("end").await, ["end@1 <- - Succeeded", "end@2 <- end@1 Pending/WaitingForUpstream"]);
    lab.give("r", json!({"n": 2})).await;
    assert_eq!(lab.tree("end").await.len(), 2);
}

/// Which way a plan's `decide` went is told by the task itself, however long ago it was.
pub async fn what_was_decided_is_kept<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    pair(&mut lab).await;
    for (n, action, why) in [
        (1, Action::Keep, "a came to the same as before: nothing to run again"),
        (2, Action::Restart, "a came to something else"),
    ] {
        lab.restart("a").await.unwrap();
        lab.give("a", json!({"n": n})).await;
        let decision = lab.get("b@1").await.unwrap().status.unwrap().decision.unwrap();
        assert_eq!((decision.action, decision.why.as_str(), decision.at), (action, why, lab.now()));
    }
    assert_eq!(lab.get("b").await.unwrap().status.unwrap().decision, None, "the new one has not finished");
}
