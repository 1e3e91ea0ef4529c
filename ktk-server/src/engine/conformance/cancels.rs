//! `cancel` of tasks and pipelines.

use ktk_client::api::ErrorReason;

use super::{
    build::{job, outputs, pipeline, success},
    calls::restart,
    lab::Lab,
};
use crate::store::Store;

pub async fn pending_and_running<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c")).await;
    let grant = lab.running("a").await;
    lab.cancel("c").await.unwrap();
    assert_eq!(lab.state("c").await, "Running/Stopping");
    lab.cancel("b").await.unwrap();
    assert_eq!(lab.state("b").await, "Cancelled/ByUser");
    lab.cancel("a").await.unwrap();
    lab.cancel("a").await.unwrap();
    assert_eq!(lab.state("a").await, "Running/Stopping");
    lab.report(grant, outputs(serde_json::json!({"n": 1}))).await;
    assert_eq!(lab.state("a").await, "Cancelled/ByUser", "whatever it came to meanwhile");
    assert_eq!(lab.get("a").await.unwrap().status.unwrap().outputs, None);
    lab.register().await;
    assert_eq!(lab.state("c").await, "Cancelled/ByUser", "it does not go back to the queue");
}

pub async fn ended_is_a_conflict<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a")])).await;
    lab.succeed("p.a").await;
    assert_eq!(lab.cancel("p.a").await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.cancel_pipeline("p", false).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.cancel("x").await.unwrap_err().reason, ErrorReason::NotFound);
}

fn steps() -> ktk_client::api::Pipeline {
    pipeline(
        "p",
        [
            job("a"),
            job("b").needs(["a"]),
            job("alarm").needs(["a"]).on_failure(),
            job("cleanup").needs(["b"]).always(),
            job("first").always(),
        ],
    )
}

pub async fn a_pipeline_but_for_always_steps<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(steps()).await;
    let grant = lab.running("p.a").await;
    lab.cancel_pipeline("p", false).await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping");
    for name in ["p.b", "p.alarm"] {
        assert_eq!(lab.state(name).await, "Cancelled/PipelineCancelled");
    }
    assert_eq!(lab.state("p.first").await, "Running");
    lab.succeed("p.first").await;
    lab.succeed("p.cleanup").await;
    lab.report(grant, success()).await;
    assert_eq!(lab.state("p.a").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
}

pub async fn a_pipeline_now<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(steps()).await;
    let grant = lab.running("p.first").await;
    lab.cancel_pipeline("p", false).await.unwrap();
    lab.cancel_pipeline("p", true).await.unwrap();
    assert_eq!(lab.state("p.cleanup").await, "Cancelled/PipelineCancelled");
    lab.report(grant, success()).await;
    assert_eq!(lab.state("p.first").await, "Cancelled/PipelineCancelled");
    lab.register().await;
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
}

/// After a cancel nothing starts but `always` steps, after `--now` nothing at all: neither a restart that was
/// wished for nor a step that saw something else.
pub async fn no_rerun_after_a_cancel<S: Store>(store: S) {
    for now in [false, true] {
        let mut lab = Lab::new(store.clone()).await;
        let object =
            pipeline("p", [job("a"), job("f").needs(["a"]).on_failure(), job("z").needs(["a"]).always()]);
        lab.make_pipeline(object).await;
        lab.succeed("p.a").await;
        lab.succeed("p.z").await;
        lab.restart("p.a").await.unwrap();
        let grant = lab.running("p.a").await;
        let force = ktk_client::api::restart::RestartParams { force: true, ..restart("p.a") };
        lab.restart_with(force).await.unwrap();
        lab.cancel_pipeline("p", now).await.unwrap();
        lab.cancel_pipeline("p", false).await.unwrap();
        lab.report(grant, success()).await;
        assert_eq!(lab.tree("p.a").await.len(), 2);
        assert_eq!(lab.tree("p.f").await.len(), 1);
        assert_eq!(lab.tree("p.z").await.len(), if now { 1 } else { 2 });
        if !now {
            lab.succeed("p.z").await;
        }
        assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
        // Asked for again, all of them are looked at again.
        lab.restart_pipeline(restart("p")).await.unwrap();
        lab.fail("p.a").await;
        assert_eq!(lab.state("p.f").await, "Pending/Queued");
        assert_eq!(lab.state("p.z").await, "Pending/Queued");
        lab.succeed("p.f").await;
        lab.succeed("p.z").await;
        lab.delete_pipeline("p", false).await.unwrap();
    }
}
