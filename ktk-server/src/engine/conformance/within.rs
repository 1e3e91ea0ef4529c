//! Restarts inside a pipeline, and what they do to it.

use ktk_client::api::{
    ErrorReason, Reason,
    event::ListParams,
    restart::{Cascade, RestartParams},
};

use super::{
    build::{because, job, pipeline, success},
    calls::restart,
    lab::Lab,
};
use crate::{engine::events::ListEvents, store::Store};

pub async fn restart_while_running<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]), job("long")])).await;
    lab.running("p.long").await;
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.succeed("p.a").await;
    lab.succeed("p.b").await;
    lab.succeed("p.long").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.get_pipeline("p").await.unwrap().status.unwrap().restarts, 1);
    lab.restart("p.b").await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running", "again");
    assert_eq!(lab.get_pipeline("p").await.unwrap().status.unwrap().finished_at, None);
    lab.fail("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

pub async fn restart_what_failed<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [
        job("a"),
        job("bad"),
        job("gone"),
        job("b").needs(["bad"]),
        job("late").needs(["long"]),
        job("long"),
    ];
    lab.make_pipeline(pipeline("p", steps)).await;
    lab.cancel("p.gone").await.unwrap();
    lab.succeed("p.a").await;
    lab.fail("p.bad").await;
    lab.running("p.long").await;
    let answer = lab.restart_pipeline(restart("p")).await.unwrap();
    assert!(answer.created);
    let mut made: Vec<&str> = answer.restarted.iter().map(|task| task.name.as_str()).collect();
    made.sort_unstable();
    assert_eq!(made, ["p.bad", "p.gone"]);
    for name in ["p.bad", "p.gone", "p.b", "p.long", "p.late"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.tree("p.b").await.len(), 1, "what never ran goes on by itself");
}

pub async fn nothing_to_restart<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a")])).await;
    let params = RestartParams { request_id: Some("r".into()), ..restart("p") };
    let answer = lab.restart_pipeline(params.clone()).await.unwrap();
    assert!(!answer.created && answer.restarted.is_empty());
    lab.fail("p.a").await;
    let again = lab.restart_pipeline(params).await.unwrap();
    assert!(!again.created, "a request is done once, also when there was nothing to do");
    assert_eq!(lab.tree("p.a").await.len(), 1);
    assert_eq!(lab.restart_pipeline(restart("q")).await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn from_a_step<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]), job("c").needs(["b"])])).await;
    let from = |step: &str| RestartParams { from_step: Some(step.into()), ..restart("p") };
    assert_eq!(lab.restart_pipeline(from("a")).await.unwrap_err().reason, ErrorReason::Conflict);
    lab.succeed("p.a").await;
    lab.fail("p.b").await;
    let answer = lab.restart_pipeline(from("b")).await.unwrap();
    assert_eq!(answer.restarted.len(), 1);
    assert_eq!(lab.state("p.c").await, "Pending/WaitingForUpstream");
    assert_eq!(lab.restart_pipeline(from("x")).await.unwrap_err().reason, ErrorReason::NotFound);
    lab.succeed("p.b").await;
    let all = RestartParams { cascade: Cascade::All, ..from("a") };
    assert_eq!(lab.restart_pipeline(all).await.unwrap().restarted.len(), 2);
    for name in ["p.a", "p.b", "p.c"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn force_and_if_newest<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    let from = |step: &str| RestartParams { from_step: Some(step.into()), ..restart("p") };
    let grant = lab.running("p.a").await;
    let refused = lab.restart_pipeline(RestartParams { force: true, ..restart("p") }).await.unwrap_err();
    assert_eq!((refused.reason, refused.causes[0].field.as_str()), (ErrorReason::Invalid, "force"));
    let newest = |wanted| RestartParams { force: true, if_newest: Some(wanted), ..from("a") };
    assert_eq!(lab.restart_pipeline(newest(2)).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.state("p.a").await, "Running");
    let params = RestartParams { request_id: Some("r".into()), ..newest(1) };
    let answer = lab.restart_pipeline(params.clone()).await.unwrap();
    assert!(!answer.created && answer.restarted.is_empty());
    assert_eq!(lab.state("p.a").await, "Running/Stopping");
    lab.report(grant, success()).await;
    assert_eq!(lab.tree("p.a").await, ["p.a@1 <- - Cancelled/ByUser", "p.a@2 <- p.a@1 Pending/Queued"]);
    // What only waits is restarted at once.
    let answer = lab.restart_pipeline(RestartParams { force: true, ..from("b") }).await.unwrap();
    assert!(answer.created);
    assert_eq!(answer.restarted[0].name, "p.b");
    let again = lab.restart_pipeline(params).await.unwrap();
    assert!(!again.created && !again.plan.is_empty(), "the first answer again");
    lab.succeed("p.a").await;
    lab.succeed("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn events_of_all_incarnations<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let id = lab.make_pipeline(pipeline("p", [job("a"), job("b")])).await.metadata.id;
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    lab.succeed("p.a").await;
    let params = ListParams { object: id, ..ListParams::default() };
    let events = lab.read(ListEvents { params }).await.unwrap().items;
    let started = |name: &str, incarnation: u32| {
        let is_it = |event: &&ktk_client::api::Event| {
            event.reason == "Started"
                && (event.object.name.as_str(), event.object.incarnation) == (name, incarnation)
        };
        events.iter().filter(is_it).count()
    };
    assert_eq!((started("p.a", 1), started("p.a", 2)), (1, 1), "{events:#?}");
    assert_eq!(started("p.b", 1), 1);
}

pub async fn restarted_after_a_cancel<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"])]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    lab.cancel_pipeline("p", false).await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
    lab.restart_pipeline(restart("p")).await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Pending", "it never started");
    lab.succeed("p.a").await;
    lab.fail("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed", "it was cancelled before, not now");
    lab.restart_pipeline(restart("p")).await.unwrap();
    lab.succeed("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

/// What fails on old outputs and is about to be restarted has not failed for good.
pub async fn fail_fast_knows_what_is_restarted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"]), job("c")]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    lab.succeed("p.a").await;
    lab.running("p.b").await;
    lab.restart_with(RestartParams { cascade: Cascade::All, ..restart("p.a") }).await.unwrap();
    lab.fail("p.b").await;
    assert_eq!(lab.tree("p.b").await[1], "p.b@2 <- p.b@1 Pending/WaitingForUpstream");
    for name in ["p.c", "p.a", "p.b"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

/// What follows by itself from a cancel takes nothing of it back.
pub async fn reruns_leave_a_cancel_alone<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b"), job("z").needs(["a"]).always()])).await;
    lab.fail("p.a").await;
    lab.succeed("p.z").await;
    lab.restart("p.a").await.unwrap();
    let (a, b) = (lab.running("p.a").await, lab.running("p.b").await);
    lab.cancel_pipeline("p", false).await.unwrap();
    lab.report(a, success()).await;
    assert_eq!(lab.tree("p.z").await[1], "p.z@2 <- p.z@1 Pending/Queued", "it saw a failure, now a cancel");
    lab.report(b, because(Reason::Signal)).await;
    lab.succeed("p.z").await;
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
}

/// A restart inside begins anew: the next failure is the first again.
pub async fn fail_fast_again_after_a_restart<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b"), job("c").needs(["b"])]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    for _ in 0..2 {
        let long = lab.running("p.b").await;
        lab.fail("p.a").await;
        assert_eq!(lab.state("p.b").await, "Running/Stopping");
        assert!(lab.report(long, success()).await);
        assert_eq!(lab.state("p.b").await, "Cancelled/PipelineCancelled");
        assert_eq!(lab.pipeline_state("p").await, "Failed");
        lab.restart_pipeline(restart("p")).await.unwrap();
    }
}
