//! `task.adopt`: the way back from a restart that was a mistake.

use ktk_client::api::{ErrorReason, restart::AdoptParams};
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::{adopt, plan_text},
    lab::Lab,
};
use crate::store::Store;

/// `b` needs `a`; both ran twice, the second time on other values.
async fn changed_pair<S: Store>(lab: &mut Lab<S>) {
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    for n in [1, 2] {
        lab.give("a", json!({"n": n})).await;
        lab.give("b", json!({"m": n})).await;
        if n == 1 {
            lab.restart("a").await.unwrap();
        }
    }
    assert_eq!(lab.tree("b").await.len(), 2);
}

pub async fn outputs_are_taken_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    changed_pair(&mut lab).await;
    let params = AdoptParams { reason: Some("the new compiler was wrong".into()), ..adopt("a@1") };
    let answer = lab.adopt_with(params).await.unwrap();
    assert!(answer.created);
    assert_eq!(plan_text(&answer.plan), ["a adopt", "b decide"]);
    assert_eq!((answer.restarted[0].incarnation, answer.restarted[0].parent_incarnation), (3, 1));
    let status = answer.object.status.unwrap();
    let first = lab.get("a@1").await.unwrap().status.unwrap();
    assert_eq!((status.outputs, status.output_digest), (Some(json!({"n": 1})), first.output_digest));
    assert!(status.attempts.is_empty() && status.finished_at.is_some(), "it did not run");
    let place = answer.object.metadata.restart.unwrap();
    assert_eq!(place.reason.as_deref(), Some("the new compiler was wrong"));
    assert_eq!(lab.tree("a").await[2], "a@3 <- a@1 Succeeded/Reused");
    // Who took something else is restarted in the same transaction, and takes what was adopted.
    assert_eq!(lab.tree("b").await[2], "b@3 <- b@2 Pending/Queued");
    assert_eq!(lab.running("b").await.needs["a"], json!({"n": 1}));
}

pub async fn equal_outputs_keep<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.give("b", json!({"m": 1})).await;
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    assert!(lab.adopt("a@1").await.unwrap().created);
    assert_eq!(lab.tree("a").await[2], "a@3 <- a@1 Succeeded/Reused");
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded"], "it took just that");
}

pub async fn only_of_what_succeeded<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    assert_eq!(lab.adopt("a").await.unwrap_err().reason, ErrorReason::Conflict, "it has not ended");
    lab.give("a", json!({"n": 1})).await;
    assert!(!lab.adopt("a").await.unwrap().created, "its outputs hold already");
    lab.restart("a").await.unwrap();
    let refused = lab.adopt("a@1").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains("a@2 lives"), "{refused:?}");
    lab.fail("a").await;
    assert_eq!(lab.adopt("a@2").await.unwrap_err().reason, ErrorReason::Conflict, "it failed");
    assert_eq!(lab.adopt("nobody").await.unwrap_err().reason, ErrorReason::NotFound);
    let other = AdoptParams { if_newest: Some(1), ..adopt("a@1") };
    assert_eq!(lab.adopt_with(other).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.tree("a").await.len(), 2);
    lab.delete("a").await.unwrap();
    assert_eq!(lab.adopt("a@1").await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn done_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    changed_pair(&mut lab).await;
    let params = AdoptParams { request_id: Some("r".into()), ..adopt("a@1") };
    let first = lab.adopt_with(params.clone()).await.unwrap();
    let again = lab.adopt("a@1").await.unwrap();
    assert_eq!((again.created, again.object.metadata.id), (false, first.object.metadata.id));
    let again = lab.adopt_with(params).await.unwrap();
    assert_eq!((again.created, again.plan), (true, first.plan), "the first answer again");
    assert_eq!(lab.tree("a").await.len(), 3);
    // What was adopted can be adopted, and restarted.
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    assert!(lab.adopt("a@3").await.unwrap().created);
    assert_eq!(lab.tree("a").await[4], "a@5 <- a@3 Succeeded/Reused");
}

pub async fn a_plan_changes_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    changed_pair(&mut lab).await;
    let before = lab.dump.clone();
    let dry = lab.adopt_with(AdoptParams { dry_run: true, ..adopt("a@1") }).await.unwrap();
    assert!(!dry.created && dry.restarted.is_empty());
    assert_eq!(lab.dump, before);
    assert_eq!(lab.adopt("a@1").await.unwrap().plan, dry.plan);
}

/// What waited behind a failure goes on, and a pipeline that needs nothing else is done.
pub async fn inside_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [job("a"), job("b").needs(["a"]), job("c").needs(["b"])];
    lab.make_pipeline(pipeline("p", steps)).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.give("p.b", json!({"n": 1})).await;
    lab.succeed("p.c").await;
    lab.restart("p.b").await.unwrap();
    lab.fail("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
    lab.adopt("p.b@1").await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    lab.restart("p.a").await.unwrap();
    lab.fail("p.a").await;
    lab.make(job("late").needs(["p.a"])).await;
    assert_eq!(lab.state("late").await, "Pending/UpstreamFailed");
    let plan = lab.adopt("p.a@1").await.unwrap().plan;
    assert_eq!(plan_text(&plan)[..2], ["p.a adopt", "late continue"]);
    assert_eq!(lab.state("late").await, "Pending/Queued");
    assert_eq!(lab.tree("p.b").await.len(), 3, "it took the same");
}
