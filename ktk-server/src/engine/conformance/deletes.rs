//! Deleting: what runs goes at its end, what is waited for stays, names begin anew.

use ktk_client::api::{ErrorReason, restart::RestartParams};

use super::{
    build::{job, pipeline, success},
    calls::restart,
    lab::Lab,
};
use crate::store::Store;

pub async fn an_ended_task<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    let answer = lab.delete("a").await.unwrap();
    assert!(answer.gone);
    assert_eq!(lab.state("a").await, "NotFound");
    assert!(lab.dump.tasks.is_empty() && lab.dump.attempts.is_empty() && lab.dump.results.is_empty());
    lab.make(job("b")).await;
    assert!(lab.delete("b").await.unwrap().gone, "a pending one goes at once");
    assert_eq!(lab.delete("b").await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn a_running_task_goes_at_its_end<S: Store>(store: S) {
    for is_lost in [false, true] {
        let mut lab = Lab::new(store.clone()).await;
        lab.make(job("a")).await;
        let grant = lab.running("a").await;
        assert!(!lab.delete("a").await.unwrap().gone);
        assert!(!lab.delete("a").await.unwrap().gone, "twice is as once");
        assert_eq!(lab.state("a").await, "Running/Stopping");
        assert!(lab.get("a").await.unwrap().metadata.deleted_at.is_some());
        if is_lost {
            lab.register().await;
        } else {
            assert!(lab.report(grant.clone(), success()).await);
        }
        assert_eq!(lab.state("a").await, "NotFound");
        assert!(!lab.report(grant, success()).await, "a result of what is gone");
    }
}

pub async fn refused_while_others_wait<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    let refused = lab.delete("a").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains('b'), "{}", refused.message);
    lab.fail("a").await;
    assert_eq!(lab.delete("a").await.unwrap_err().reason, ErrorReason::Conflict, "it waits behind a failure");
    lab.cancel("b").await.unwrap();
    assert!(lab.delete("a").await.unwrap().gone);
    assert_eq!(lab.state("b").await, "Cancelled/ByUser");
}

pub async fn a_pipeline_goes_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    assert_eq!(lab.delete("p.a").await.unwrap_err().reason, ErrorReason::Conflict, "never alone");
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    lab.fail("p.a").await;
    lab.make(job("outside")).await;
    assert!(lab.delete_pipeline("p", false).await.unwrap().gone);
    assert!(lab.dump.pipelines.is_empty());
    assert_eq!(lab.dump.tasks.len(), 1);
    assert!(lab.dump.needs.is_empty());
}

pub async fn a_running_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("z").needs(["a"]).always()])).await;
    let grant = lab.running("p.a").await;
    let force = RestartParams { force: true, ..restart("p.a") };
    lab.restart_with(force).await.unwrap();
    assert!(!lab.delete_pipeline("p", false).await.unwrap().gone);
    lab.report(grant, success()).await;
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping", "always steps still run");
    assert_eq!(lab.tree("p.a").await.len(), 1, "a wish is forgotten");
    lab.succeed("p.z").await;
    assert_eq!(lab.pipeline_state("p").await, "NotFound");
    lab.make_pipeline(pipeline("p", [job("a"), job("z").needs(["a"]).always()])).await;
    lab.running("p.a").await;
    lab.delete_pipeline("p", true).await.unwrap();
    assert_eq!(lab.state("p.z").await, "Cancelled/PipelineCancelled");
    lab.register().await;
    assert!(lab.dump.tasks.is_empty());
}

/// Who cancels what is about to go gets an answer, also when that was its end.
pub async fn cancelled_while_it_goes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["p", "q"] {
        let steps = [job("a"), job("z").needs(["a"]).always()];
        lab.make_pipeline(pipeline(name, steps)).await;
        lab.delete_pipeline(name, false).await.unwrap();
        assert_eq!(lab.pipeline_state(name).await, "Pending", "an always step is left");
    }
    assert!(lab.cancel_pipeline("p", true).await.unwrap().metadata.deleted_at.is_some());
    assert_eq!(lab.cancel("q.z").await.unwrap().metadata.name(), "q.z");
    assert!(lab.dump.tasks.is_empty() && lab.dump.pipelines.is_empty());
}

pub async fn older_incarnations<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    for parent in ["a@1", "a@1", "a@3"] {
        lab.restart(parent).await.unwrap();
        lab.fail("a").await;
    }
    assert_eq!(lab.delete("a@1").await.unwrap_err().reason, ErrorReason::Conflict, "others descend from it");
    assert_eq!(
        lab.delete("a@4").await.unwrap_err().reason,
        ErrorReason::Conflict,
        "the newest goes with all"
    );
    assert!(lab.delete("a@2").await.unwrap().gone);
    let left = ["a@1 <- - Failed/ExitCode", "a@3 <- a@1 Failed/ExitCode", "a@4 <- a@3 Failed/ExitCode"];
    assert_eq!(lab.tree("a").await, left);
    lab.restart("a").await.unwrap();
    assert_eq!(lab.tree("a").await[3], "a@5 <- a@4 Pending/Queued", "no number is used again");
    lab.succeed("a").await;
    assert!(lab.delete("a").await.unwrap().gone);
}

pub async fn names_begin_anew<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let first = lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    lab.delete("a").await.unwrap();
    let second = lab.create(job("a")).await.unwrap();
    let place = second.metadata.restart.unwrap();
    assert_eq!(place.incarnation, 1);
    assert_ne!(place.context_id, first);
    assert_eq!(Some(place.context_id), second.metadata.id);
    // A single incarnation is named by its id as well.
    let id = second.metadata.id.unwrap().to_string();
    assert!(lab.delete(&id).await.unwrap().gone);
}

pub async fn nothing_new_while_it_goes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.succeed("a").await;
    lab.succeed("b").await;
    lab.restart("a").await.unwrap();
    lab.running("a").await;
    lab.delete("a").await.unwrap();
    for name in ["a", "a@1", "b"] {
        assert_eq!(lab.restart(name).await.unwrap_err().reason, ErrorReason::Conflict, "{name}");
    }
    for name in ["a", "a@1"] {
        assert_eq!(
            lab.create(job("c").needs([name])).await.unwrap_err().reason,
            ErrorReason::Invalid,
            "{name}"
        );
    }
    assert_eq!(lab.create(job("a")).await.unwrap_err().reason, ErrorReason::AlreadyExists);
    lab.make_pipeline(pipeline("p", [job("x"), job("y")])).await;
    lab.fail("p.x").await;
    lab.running("p.y").await;
    lab.delete_pipeline("p", false).await.unwrap();
    assert_eq!(lab.restart("p.x").await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.restart_pipeline(restart("p")).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.create(job("d").needs(["p.x"])).await.unwrap_err().reason, ErrorReason::Invalid);
    lab.register().await;
    assert_eq!(lab.state("a").await, "NotFound");
    assert_eq!(lab.pipeline_state("p").await, "NotFound");
}
