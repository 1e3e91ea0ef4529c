//! `restart --all`: a new incarnation of a pipeline, whose tasks all run again and reuse nothing.

use ktk_client::api::{ErrorReason, ListParams, Pipeline, Semaphore, restart::RestartParams};
use serde_json::json;

use super::{
    build::{job, pipeline, success},
    calls::{adopt, plan_text, restart},
    lab::Lab,
};
use crate::{engine::read::ListPipelines, store::Store};

fn all(name: &str) -> RestartParams {
    RestartParams { all: true, ..restart(name) }
}

fn steps() -> Pipeline {
    pipeline("p", [job("a"), job("b").needs(["a"]), job("c").needs(["b"])])
}

/// A pipeline whose second step failed.
async fn failed<S: Store>(lab: &mut Lab<S>) {
    lab.make_pipeline(steps()).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.fail("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

pub async fn everything_runs_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let first = lab.make_pipeline(steps()).await.metadata;
    for name in ["p.a", "p.b", "p.c"] {
        lab.give(name, json!({"n": 1})).await;
    }
    let params = RestartParams { reason: Some("new data".into()), ..all("p") };
    let dry = lab.restart_pipeline(RestartParams { dry_run: true, ..params.clone() }).await.unwrap();
    assert_eq!(plan_text(&dry.plan), ["p.a restart", "p.b restart", "p.c restart"]);
    assert_eq!(lab.dump.pipelines.len(), 1, "a plan changes nothing");
    let answer = lab.restart_pipeline(params).await.unwrap();
    assert_eq!((answer.created, answer.plan), (true, dry.plan));
    let metadata = answer.object.metadata;
    let place = metadata.restart.as_ref().unwrap();
    assert_eq!((Some(place.context_id), place.parent_id, place.incarnation), (first.id, first.id, 2));
    assert_eq!((place.reason.as_deref(), place.by.as_deref()), (Some("new data"), Some("tester")));
    assert_eq!(metadata.execution_id, first.id, "it all began with the first");
    assert_eq!(lab.pipeline_state("p").await, "Pending");
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Succeeded", "p.b@2 <- p.b@1 Pending/WaitingForUpstream"]);
    for name in ["p.a", "p.b", "p.c"] {
        // Outputs that are equal change nothing about it.
        lab.give(name, json!({"n": 1})).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.tree("p.c").await.len(), 2);
    let directory = |pipeline: Pipeline| pipeline.status.unwrap().directory;
    let (old, new) = (lab.get_pipeline("p@1").await.unwrap(), lab.get_pipeline("p").await.unwrap());
    assert_ne!(directory(old), directory(new), "each incarnation has one of its own");
}

pub async fn parameters_change<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a").command(&["echo", "{{ params.date }}", "{{ params.deep.n }}"])]);
    object.spec.params = [("date".to_owned(), json!("today")), ("deep".to_owned(), json!({"n": 1}))].into();
    lab.make_pipeline(object).await;
    lab.succeed("p.a").await;
    let with = |changes: serde_json::Value| RestartParams {
        changes: serde_json::from_value(changes).unwrap(),
        ..all("p")
    };
    let wrong = json!({"params.date": 1, "params.nosuch": 1, "maxParallel": 2});
    let refused = lab.restart_pipeline(with(wrong)).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!((refused.reason, fields), (ErrorReason::Invalid, vec!["maxParallel", "params.nosuch"]));
    let refused = lab.restart_pipeline(with(json!({"params.deep": 1}))).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid, "a step asks for a member of it");
    assert_eq!(lab.dump.pipelines.len(), 1);
    let changes = json!({"params.date": "tomorrow", "params.deep.n": 2});
    let answer = lab.restart_pipeline(with(changes.clone())).await.unwrap();
    let metadata = answer.object.metadata;
    assert_eq!(json!(metadata.restart.unwrap().changes), changes);
    assert_eq!(answer.object.spec.params["deep"], json!({"n": 2}));
    assert_eq!(lab.running("p.a").await.run.unwrap().command, ["echo", "tomorrow", "2"]);
    lab.succeed("p.a").await;
    // The next restart has what this one had.
    lab.restart_pipeline(all("p")).await.unwrap();
    assert_eq!(lab.running("p.a").await.run.unwrap().command[1], "tomorrow");
}

pub async fn what_waited_is_replaced<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    assert_eq!(lab.state("p.c").await, "Pending/UpstreamFailed");
    lab.restart_pipeline(all("p")).await.unwrap();
    let expected = ["p.c@1 <- - Cancelled/Replaced", "p.c@2 <- p.c@1 Pending/WaitingForUpstream"];
    assert_eq!(lab.tree("p.c").await, expected);
    assert_eq!(
        (lab.pipeline_state("p@1").await, lab.pipeline_state("p").await),
        ("Failed".into(), "Pending".into())
    );
}

pub async fn of_one_that_runs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]), job("z").needs(["b"]).always()])).await;
    let grant = lab.running("p.a").await;
    let refused = lab.restart_pipeline(all("p")).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.hint.unwrap().contains("--force"));
    let force = RestartParams { force: true, ..all("p") };
    let answer = lab.restart_pipeline(force.clone()).await.unwrap();
    assert!(!answer.created, "something runs");
    assert_eq!(lab.state("p.a").await, "Running/Stopping");
    assert_eq!(lab.state("p.z").await, "Cancelled/Replaced", "always steps run in the next incarnation");
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.pipeline_state("p@1").await, "Cancelled/Replaced");
    assert_eq!(lab.tree("p.a").await, ["p.a@1 <- - Cancelled/Replaced", "p.a@2 <- p.a@1 Pending/Queued"]);
    // What only waits is replaced at once.
    assert!(lab.restart_pipeline(force).await.unwrap().created);
    assert_eq!(lab.tree("p.a").await[2], "p.a@3 <- p.a@2 Pending/Queued");
    for name in ["p.a", "p.b", "p.z"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn older_ones_are_kept<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    lab.restart_pipeline(all("p")).await.unwrap();
    lab.fail("p.a").await;
    for refused in [
        lab.restart_pipeline(restart("p@1")).await.unwrap_err(),
        lab.restart("p.b@1").await.unwrap_err(),
        lab.adopt_with(adopt("p.a@1")).await.unwrap_err(),
    ] {
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.hint.unwrap().contains("--all"), "{}", refused.message);
    }
    assert_eq!(lab.get("p.a@1").await.unwrap().status.unwrap().outputs, Some(json!({"n": 1})));
    let missing = lab.get_pipeline("p@7").await.unwrap_err();
    assert_eq!(
        (missing.reason, missing.hint.unwrap().as_str()),
        (ErrorReason::NotFound, "the newest incarnation is @2")
    );
    for (all_incarnations, count) in [(false, 1), (true, 2)] {
        let params = ListParams { all_incarnations, ..ListParams::default() };
        let list = lab.read(ListPipelines { ask: lab.engine.ask("tester"), params }).await.unwrap();
        assert_eq!(list.items.len(), count);
    }
    // Inside the newest all is as ever.
    lab.restart_pipeline(restart("p")).await.unwrap();
    for name in ["p.a", "p.b", "p.c"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn from_an_older_one<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    lab.restart_pipeline(all("p")).await.unwrap();
    lab.fail("p.a").await;
    let answer = lab.restart_pipeline(all("p@1")).await.unwrap();
    let place = answer.object.metadata.restart.unwrap();
    assert_eq!((place.parent_id, place.incarnation), (lab.get_pipeline("p@1").await.unwrap().metadata.id, 3));
    assert_eq!(lab.tree("p.a").await[2], "p.a@3 <- p.a@1 Pending/Queued");
}

pub async fn who_needs_it_from_outside<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(steps()).await;
    lab.make(job("waits").needs(["p.c"])).await;
    lab.make(job("done").needs(["p.a"])).await;
    lab.give("p.a", json!({"n": 1})).await;
    lab.succeed("done").await;
    lab.fail("p.b").await;
    assert_eq!(lab.state("waits").await, "Pending/UpstreamFailed");
    let plan = lab.restart_pipeline(all("p")).await.unwrap().plan;
    assert!(plan_text(&plan).contains(&"done decide".to_owned()), "{plan:?}");
    assert_eq!(lab.state("waits").await, "Pending/WaitingForUpstream");
    lab.give("p.a", json!({"n": 2})).await;
    assert_eq!(lab.tree("done").await.len(), 2, "it took something else");
    for name in ["p.b", "p.c", "waits", "done"] {
        lab.succeed(name).await;
    }
}

pub async fn done_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    let params = RestartParams { request_id: Some("r".into()), ..all("p") };
    let first = lab.restart_pipeline(params.clone()).await.unwrap();
    let again = lab.restart_pipeline(all("p")).await.unwrap();
    assert_eq!((again.created, again.object.metadata.id), (false, first.object.metadata.id), "it lives");
    assert!(!lab.restart_pipeline(all("p@1")).await.unwrap().created);
    assert_eq!(lab.restart_pipeline(all("p@2")).await.unwrap_err().reason, ErrorReason::Conflict);
    let newest = RestartParams { if_newest: Some(1), ..all("p") };
    assert_eq!(lab.restart_pipeline(newest).await.unwrap_err().reason, ErrorReason::Conflict);
    lab.fail("p.a").await;
    let again = lab.restart_pipeline(params).await.unwrap();
    assert_eq!(
        (again.created, again.object.metadata.id),
        (true, first.object.metadata.id),
        "the first answer"
    );
    assert!(lab.restart_pipeline(all("p")).await.unwrap().created, "it has ended");
    for params in [
        RestartParams { from_step: Some("a".into()), ..all("p") },
        RestartParams { changes: [("params.x".to_owned(), json!(1))].into(), ..restart("p") },
    ] {
        assert_eq!(lab.restart_pipeline(params).await.unwrap_err().reason, ErrorReason::Invalid);
    }
    assert_eq!(lab.restart_with(all("p.a")).await.unwrap_err().reason, ErrorReason::Invalid);
}

/// Who lives is the answer, and stays the answer of this request when it has ended.
pub async fn one_answer_of_who_lives<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    let lives = lab.restart_pipeline(all("p")).await.unwrap().object.metadata.id;
    let params = RestartParams { request_id: Some("r".into()), ..all("p") };
    let answer = lab.restart_pipeline(params.clone()).await.unwrap();
    assert_eq!((answer.created, answer.object.metadata.id), (false, lives));
    lab.fail("p.a").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
    let again = lab.restart_pipeline(params).await.unwrap();
    assert_eq!((again.created, again.object.metadata.id), (false, lives), "the first answer");
    assert_eq!(lab.pipeline_state("p").await, "Failed", "nothing was made");
}

/// A step would wait for ever for what has been deleted since.
pub async fn its_steps_need_their_limits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    let steps = [job("a"), job("b").needs(["a"]).permits("gpu", 1)];
    lab.make_pipeline(pipeline("p", steps)).await;
    for name in ["p.a", "p.b"] {
        lab.give(name, json!({"n": 1})).await;
    }
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    for dry_run in [true, false] {
        let refused = lab.restart_pipeline(RestartParams { dry_run, ..all("p") }).await.unwrap_err();
        let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, ["spec.steps[1].semaphores[0]"]);
    }
    assert_eq!(lab.dump.pipelines.len(), 1);
    lab.make_semaphore("gpu", 1).await;
    lab.restart_pipeline(all("p")).await.unwrap();
}

pub async fn deleted_with_all_incarnations<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    failed(&mut lab).await;
    lab.restart_pipeline(all("p")).await.unwrap();
    assert_eq!(lab.delete_pipeline("p@1", false).await.unwrap_err().reason, ErrorReason::Conflict);
    lab.delete_pipeline("p", true).await.unwrap();
    assert!(lab.dump.pipelines.is_empty() && lab.dump.tasks.is_empty() && lab.dump.needs.is_empty());
}

/// Who cancels or deletes what is about to be restarted wants nothing to start.
pub async fn a_cancel_takes_it_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for is_deleted in [false, true] {
        lab.make_pipeline(steps()).await;
        let grant = lab.running("p.a").await;
        lab.restart_pipeline(RestartParams { force: true, ..all("p") }).await.unwrap();
        if is_deleted {
            lab.delete_pipeline("p", false).await.unwrap();
        } else {
            lab.cancel_pipeline("p", false).await.unwrap();
        }
        lab.report(grant, success()).await;
        let expected = if is_deleted { "NotFound" } else { "Cancelled/ByUser" };
        assert_eq!(lab.pipeline_state("p").await, expected);
        if !is_deleted {
            lab.delete_pipeline("p", false).await.unwrap();
        }
    }
}
