use serde_json::json;

use super::*;
use crate::api::{Metadata, task::TaskSpec};

fn causes_of_task(value: Value) -> Vec<(String, String)> {
    let task: Task = serde_json::from_value(value).expect("a task");
    pairs(super::task(&task))
}

fn causes_of_pipeline(spec: Value, given: Value) -> Vec<(String, String)> {
    let spec = serde_json::from_value(spec).expect("a spec");
    let given = serde_json::from_value(given).expect("an object");
    pairs(pipeline(&Pipeline::new("nightly", spec), &given))
}

fn pairs(causes: Vec<Cause>) -> Vec<(String, String)> {
    causes.into_iter().map(|cause| (cause.field, cause.message)).collect()
}

fn fields(causes: &[(String, String)]) -> Vec<&str> {
    causes.iter().map(|(field, _)| field.as_str()).collect()
}

fn spec_causes(spec: Value) -> Vec<(String, String)> {
    causes_of_task(json!({"apiVersion": "ktk/v1", "kind": "Task", "metadata": {"name": "t"}, "spec": spec}))
}

#[test]
fn what_is_in_order_has_no_causes() {
    let mut spec = TaskSpec::command(["sh", "-c", "echo \"$1\"", "sh", "{{ inputs.x }}"]);
    spec.inputs.insert("x".into(), json!({"jq": ".", "more": [1]}));
    spec.needs = vec!["fetch".into(), "nightly.extract".into(), "beef".into()];
    assert_eq!(task(&Task::new("t", spec)), []);
    let nameless = Task { metadata: Metadata::default(), ..Task::new("t", TaskSpec::handler("resize")) };
    assert_eq!(task(&nameless), []);
    let always = json!({"steps": [{"name": "a", "type": "x", "runIf": "always"}]});
    assert_eq!(causes_of_pipeline(always, json!({})), []);
}

#[test]
fn all_problems_of_a_task_come_at_once() {
    let causes = causes_of_task(json!({
        "apiVersion": "v1", "kind": "Job",
        "metadata": {
            "name": "a.b", "namespace": "Q", "generateName": "-", "version": 3, "digest": "x",
            "labels": {"-k": "v", "ok": "not ok"}, "annotations": {"a b": ""},
        },
        "spec": {
            "run": {"command": ["", "a\u{0}"], "env": {"": "", "A=B": "", "KTK_X": "1", "OK": "\u{0}"}, "workingDir": ""},
            "type": "Resize", "queue": "q.q", "priority": 2_000_000, "timeout": "0s", "gracePeriod": "2h",
            "retry": {"limit": 1001, "factor": 0.5, "jitter": 2.0, "backoff": "2m", "maxBackoff": "1m", "onExitCodes": [0, 256]},
            "needs": ["t", "x y", "a", "a", "b@2"], "runIf": "failure",
            "inputs": {"a": {"jq": 5}, "b": [1, {"c": {"jq": " "}}], "c": {"jq": 1, "d": 1}, "d": {"jq": ".x"}},
            "when": {"jq": ""},
        },
        "status": {"phase": "Pending"},
    }));
    assert_eq!(
        fields(&causes),
        [
            "apiVersion",
            "kind",
            "metadata.name",
            "metadata.generateName",
            "metadata.namespace",
            "metadata.digest",
            "metadata.version",
            "status",
            "metadata.labels.-k",
            "metadata.labels.ok",
            "metadata.annotations[\"a b\"]",
            "spec.type",
            "spec.run.command[0]",
            "spec.run.command[1]",
            "spec.run.env[\"\"]",
            "spec.run.env[\"A=B\"]",
            "spec.run.env.KTK_X",
            "spec.run.env.OK",
            "spec.run.workingDir",
            "spec.type",
            "spec.inputs.a.jq",
            "spec.inputs.b[1].c.jq",
            "spec.when.jq",
            "spec.queue",
            "spec.priority",
            "spec.timeout",
            "spec.gracePeriod",
            "spec.retry.limit",
            "spec.retry.factor",
            "spec.retry.jitter",
            "spec.retry.backoff",
            "spec.retry.onExitCodes[0]",
            "spec.retry.onExitCodes[1]",
            "spec.when",
            "spec.needs[1]",
            "spec.needs[3]",
            "spec.needs[4]",
        ]
    );
}

#[test]
fn work_and_its_conditions_must_make_sense() {
    assert_eq!(fields(&spec_causes(json!({}))), ["spec"]);
    assert_eq!(fields(&spec_causes(json!({"run": {}}))), ["spec.run.command"]);
    assert_eq!(fields(&spec_causes(json!({"type": "x", "runIf": "failure"}))), ["spec.runIf"]);
    assert_eq!(fields(&spec_causes(json!({"type": "x", "needs": ["t"]}))), ["spec.needs[0]"]);
    assert_eq!(fields(&spec_causes(json!({"type": "x", "needs": [""]}))), ["spec.needs[0]"]);
    assert_eq!(
        fields(&spec_causes(json!({"type": "x", "retry": {"onExitCodes": []}}))),
        ["spec.retry.onExitCodes"]
    );
    assert!(spec_causes(json!({"type": "x@3"})).is_empty());
    assert_eq!(fields(&spec_causes(json!({"type": "x@0"}))), ["spec.type"]);
}

#[test]
fn sizes_are_limited() {
    let long = "x".repeat(MAX_ARGUMENT + 1);
    let causes = spec_causes(json!({
        "run": {"command": ["echo", long], "stdin": "x".repeat(MAX_STDIN + 1)},
        "inputs": {"a": "x".repeat(MAX_INPUTS)},
    }));
    assert_eq!(fields(&causes), ["spec.run.command[1]", "spec.run.stdin", "spec.inputs"]);
    let needs: Vec<String> = (0..=MAX_NEEDS).map(|n| format!("n{n}")).collect();
    assert_eq!(fields(&spec_causes(json!({"type": "x", "needs": needs}))), ["spec.needs"]);
}

#[test]
fn all_problems_of_a_pipeline_come_at_once() {
    let causes = causes_of_pipeline(
        json!({
            "params": {"date": "x", "no.dots": 1},
            "defaults": {"timeout": "0s", "retry": {"jitter": -1.0}},
            "maxParallel": 0,
            "steps": [
                {"name": "params", "type": "x", "labels": {"a": "-"}},
                {"name": "a", "run": {"command": ["echo", "{{ params.dat }}", "{{ params.date }}"]}, "needs": ["b"]},
                {"name": "b", "type": "x", "needs": ["a", "nosuch"]},
                {"name": "b", "type": "x"},
                {"name": "c"},
            ],
        }),
        json!({"dates": 1}),
    );
    assert_eq!(
        fields(&causes),
        [
            "spec.params[\"no.dots\"]",
            "params.dates",
            "spec.defaults.timeout",
            "spec.defaults.retry.jitter",
            "spec.maxParallel",
            "spec.steps[0].name",
            "spec.steps[0].labels.a",
            "spec.steps[1].run.command[1]",
            "spec.steps[4]",
            "spec.steps[2].needs[1]",
            "spec.steps[3].name",
            "spec.steps[1].needs[0]",
        ]
    );
    assert!(causes[1].1.contains("did you mean \"date\"?"), "{causes:?}");
    assert!(causes[11].1.contains("a → b → a"), "{causes:?}");
}

#[test]
fn a_pipeline_needs_a_step_and_given_parameters_fill_in() {
    assert_eq!(fields(&causes_of_pipeline(json!({"steps": []}), json!({}))), ["spec.steps"]);
    let spec = json!({
        "params": {"who": {"first": "a"}},
        "steps": [{"name": "a", "run": {"command": ["echo", "{{ params.who.last }}"]}}],
    });
    assert_eq!(fields(&causes_of_pipeline(spec.clone(), json!({}))), ["spec.steps[0].run.command[1]"]);
    assert_eq!(causes_of_pipeline(spec, json!({"who": {"last": "b"}})), []);
}

#[test]
fn a_flood_of_problems_is_cut() {
    let steps: Vec<Value> = (0..3_000).map(|n| json!({"name": format!("s{n}")})).collect();
    let causes = causes_of_pipeline(json!({"steps": steps}), json!({}));
    assert_eq!(causes.len(), 1_001);
    assert_eq!(causes[1_000].1, "and 2000 more problems");
}
