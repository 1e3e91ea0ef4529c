//! Pipelines: made whole, their phases, `failFast`, parameters.

use std::collections::BTreeMap;

use ktk_client::api::{ErrorReason, pipeline::CreateParams};
use serde_json::json;

use super::{
    build::{exit, job, pipeline, success},
    calls::pipeline_params,
    lab::Lab,
};
use crate::store::Store;

pub async fn created_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let object = pipeline("p", [job("a"), job("b").needs(["a"])]);
    let made = lab.make_pipeline(object.clone()).await;
    let status = made.status.unwrap();
    assert_eq!((status.phase.as_str(), status.steps.total), ("Pending", 2));
    let task = lab.get("p.b").await.unwrap();
    assert_eq!(task.metadata.execution_id, made.metadata.id);
    let place = task.metadata.pipeline.unwrap();
    assert_eq!((Some(place.id), place.name.as_str(), place.step.as_str()), (made.metadata.id, "p", "b"));
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream");
    let again = lab.create_pipeline(pipeline_params(object)).await.unwrap_err();
    assert_eq!(again.reason, ErrorReason::AlreadyExists);
    // All or nothing: each of these changes nothing at all.
    let cycle = pipeline("q", [job("a").needs(["b"]), job("b").needs(["a"])]);
    let missing = pipeline("q", [job("a").needs(["x"])]);
    let double = pipeline("q", [job("a"), job("a")]);
    for object in [cycle, missing, double] {
        let refused = lab.create_pipeline(pipeline_params(object)).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Invalid);
    }
    assert_eq!((lab.dump.pipelines.len(), lab.dump.tasks.len()), (1, 2));
}

pub async fn phases_of_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"])])).await;
    assert_eq!(lab.pipeline_state("p").await, "Pending");
    lab.running("p.a").await;
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.succeed("p.a").await;
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.succeed("p.b").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    lab.make_pipeline(pipeline("q", [job("a"), job("b").needs(["a"]), job("c")])).await;
    lab.fail("q.a").await;
    assert_eq!(lab.pipeline_state("q").await, "Running", "c can still move");
    lab.succeed("q.c").await;
    assert_eq!(lab.pipeline_state("q").await, "Failed");
    let steps = lab.get_pipeline("q").await.unwrap().status.unwrap().steps;
    assert_eq!((steps.total, steps.done, steps.failed), (3, 1, 2));
}

pub async fn fail_fast<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [
        job("bad").limit(1).backoff(1),
        job("running"),
        job("waits").needs(["running"]),
        job("behind").needs(["bad"]),
        job("alarm").needs(["bad"]).on_failure(),
        job("cleanup").needs(["running", "behind"]).always(),
    ];
    let mut object = pipeline("p", steps);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    let running = lab.running("p.running").await;
    lab.fail("p.bad").await;
    assert_eq!(lab.state("p.running").await, "Running", "a retry is no final failure");
    lab.advance(std::time::Duration::from_secs(1)).await;
    lab.fail("p.bad").await;
    assert_eq!(lab.state("p.running").await, "Running/Stopping");
    assert_eq!(lab.state("p.waits").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.state("p.behind").await, "Pending/UpstreamFailed");
    lab.succeed("p.alarm").await;
    assert_eq!(lab.state("p.cleanup").await, "Pending/WaitingForUpstream");
    lab.report(running, success()).await;
    assert_eq!(lab.state("p.running").await, "Cancelled/PipelineCancelled");
    lab.succeed("p.cleanup").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

/// A cancel by hand is no failure; what fails later cancels nothing twice.
pub async fn fail_fast_spares_what_it_must<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b"), job("c"), job("d").needs(["c"])]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    lab.cancel("p.a").await.unwrap();
    assert_eq!(lab.state("p.b").await, "Pending/Queued");
    let ends = vec![(lab.running("p.b").await, exit(1)), (lab.running("p.c").await, success())];
    lab.report_all(ends).await;
    assert_eq!(lab.state("p.c").await, "Succeeded", "it ended in the same batch");
    assert_eq!(lab.state("p.d").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

pub async fn one_directory<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let id = lab.make_pipeline(pipeline("p", [job("a"), job("b")])).await.metadata.id.unwrap();
    assert_eq!(lab.running("p.a").await.directory_owner, id);
    assert_eq!(lab.running("p.b").await.directory_owner, id);
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.running("p.a").await.directory_owner, id);
    let directory = lab.get_pipeline("p").await.unwrap().status.unwrap().directory;
    assert_eq!(directory, Some(format!("/places/{id}")));
    let root = lab.make(job("alone")).await;
    lab.fail("alone").await;
    lab.restart("alone").await.unwrap();
    assert_eq!(lab.running("alone").await.directory_owner, root);
}

pub async fn parameters_are_rendered<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let step =
        job("a").command(&["echo", "{{ params.date }}-{{ params.n }}", "{{ other }}", "{{ inputs.x }}"]);
    let mut object = pipeline("p", [step.input("x", json!({"b": 1}))]);
    object.spec.params = BTreeMap::from([("date".into(), json!("today")), ("n".into(), json!(1))]);
    let given = BTreeMap::from([("n".into(), json!([2, 3]))]);
    let params = CreateParams { params: given, ..pipeline_params(object) };
    let made = lab.create_pipeline(params).await.unwrap();
    assert_eq!(made.spec.params["n"], json!([2, 3]));
    let expected = ["echo", "today-[2,3]", "{{ other }}", r#"{"b":1}"#];
    assert_eq!(lab.running("p.a").await.run.unwrap().command, expected);
    lab.fail("p.a").await;
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.running("p.a").await.run.unwrap().command, expected);
    assert_eq!(lab.get_pipeline("p").await.unwrap().spec.params["n"], json!([2, 3]));
}

pub async fn unknown_parameters_are_refused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let given = BTreeMap::from([("dat".into(), json!(1))]);
    let params = CreateParams { params: given, ..pipeline_params(pipeline("p", [job("a")])) };
    assert_eq!(lab.create_pipeline(params).await.unwrap_err().reason, ErrorReason::Invalid);
    let unknown = pipeline("p", [job("a").command(&["echo", "{{ params.x }}"])]);
    assert_eq!(lab.create_pipeline(pipeline_params(unknown)).await.unwrap_err().reason, ErrorReason::Invalid);
    assert!(lab.dump.pipelines.is_empty());
}

pub async fn labels_are_merged<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a").label("kind", "step").label("own", "1"), job("b")]);
    object.metadata.labels =
        BTreeMap::from([("team".into(), "x".into()), ("kind".into(), "pipeline".into())]);
    lab.make_pipeline(object).await;
    let labels = lab.get("p.a").await.unwrap().metadata.labels;
    let expected = [("kind", "step"), ("own", "1"), ("team", "x")];
    assert_eq!(labels, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

pub async fn new_names_where_taken<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let object = pipeline("p", [job("a")]);
    lab.make_pipeline(object.clone()).await;
    let params = CreateParams {
        new_name_if_taken: true,
        dry_run: false,
        request_id: Some("r".into()),
        ..pipeline_params(object.clone())
    };
    let other = lab.create_pipeline(params.clone()).await.unwrap();
    assert!(other.metadata.name().starts_with("p-"), "{}", other.metadata.name());
    assert_eq!(lab.create_pipeline(params).await.unwrap().metadata.id, other.metadata.id, "done once");
    assert_eq!(lab.dump.pipelines.len(), 2);
}
