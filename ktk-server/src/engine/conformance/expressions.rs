//! Expressions: evaluated once for each attempt, on what `status.resolved` says, before it starts.

use ktk_client::api::{Task, worker::SyncParams};
use serde_json::{Value, json};

use super::{
    build::{exit, job, pipeline},
    calls::restart,
    lab::Lab,
};
use crate::{engine::evaluator, store::Store};

async fn inputs<S: Store>(lab: &Lab<S>, name: &str) -> Value {
    lab.get(name).await.unwrap().status.unwrap().inputs.unwrap_or_default()
}

fn message(task: Task) -> String {
    task.status.unwrap().message.unwrap_or_default()
}

pub async fn values_of_needs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let deep = json!([{"jq": ".needs.a.n + 1"}, {"x": {"jq": "[.needs[].n]"}, "jq": "no expression"}]);
    let wanted = job("b").needs(["a"]).input("deep", deep).input("plain", json!({"jq": 1, "b": 2}));
    lab.make(wanted.made("n", ".needs.a.n").command(&["echo", "{{ inputs.n }}", "{{ inputs.deep.0 }}"]))
        .await;
    lab.give("a", json!({"n": 7})).await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    lab.evaluate().await;
    assert_eq!(lab.state("b").await, "Pending/Queued");
    let made = json!({"n": 7, "deep": [8, {"x": [7], "jq": "no expression"}], "plain": {"jq": 1, "b": 2}});
    assert_eq!(inputs(&lab, "b").await, made);
    let grant = lab.running("b").await;
    assert_eq!(json!(grant.inputs), made);
    assert_eq!(grant.run.as_ref().unwrap().command, ["echo", "7", "8"]);
    assert_eq!(
        lab.get("b").await.unwrap().spec.inputs["n"],
        json!({"jq": ".needs.a.n"}),
        "as it was written"
    );
    lab.give("b", json!({"done": true})).await;
    assert_eq!(inputs(&lab, "b").await, made, "outputs take nothing away");
}

pub async fn values_in_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let last = job("last")
        .needs(["pre-flight", "b"])
        .made("all", "[.params.day, .[\"pre-flight\"].n, .pre_flight.n, .b, .needs.b, .item]");
    let mut object = pipeline("p", [job("pre-flight"), job("b"), last]);
    object.spec.params.insert("day".into(), json!("monday"));
    lab.make_pipeline(object).await;
    lab.give("p.pre-flight", json!({"n": 1})).await;
    lab.succeed("p.b").await;
    let grant = lab.running("p.last").await;
    assert_eq!(json!(grant.inputs), json!({"all": ["monday", 1, 1, null, null, null]}));
}

pub async fn what_fails_says_why<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (text, why) in [
        (".needs.a.list.x", "cannot index"),
        ("1, 2", "more than one value"),
        ("empty", "no value"),
        (".needs.a |", "does not compile: column"),
        ("error(\"oh\")", "oh"),
        ("nan", "no JSON"),
    ] {
        lab.make(job("a")).await;
        lab.make(job("b").needs(["a"]).made("in put", text)).await;
        lab.make(job("c").needs(["b"])).await;
        lab.end("a", super::build::outputs(json!({"list": []}))).await;
        lab.evaluate().await;
        assert_eq!(lab.state("b").await, "Failed/InvalidInput", "{text}");
        let said = message(lab.get("b").await.unwrap());
        assert!(said.starts_with("inputs[\"in put\"]: {jq: ") && said.contains(why), "{said}");
        assert_eq!(lab.state("c").await, "Pending/UpstreamFailed");
        assert_eq!(lab.get("b").await.unwrap().status.unwrap().attempt, 0);
        for name in ["c", "b", "a"] {
            lab.delete(name).await.unwrap();
        }
    }
}

pub async fn a_retry_has_the_same<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).made("n", ".needs.a.n").limit(1).backoff(1)).await;
    lab.give("a", json!({"n": 7})).await;
    lab.end("b", exit(1)).await;
    lab.advance(std::time::Duration::from_secs(1)).await;
    assert!(lab.jobs().await.is_empty(), "its needs are what they were");
    assert_eq!(json!(lab.running("b").await.inputs), json!({"n": 7}));
}

/// The value is thrown away: it would be of outputs that nobody has any more.
pub async fn a_need_that_moves_while_it_is_evaluated<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).made("n", ".needs.a.n")).await;
    lab.give("a", json!({"n": 7})).await;
    let (task, job) = lab.jobs().await.remove(0);
    let take = evaluator::judge(&lab.engine, task, job).await.unwrap();
    lab.restart("a").await.unwrap();
    lab.write(take).await.unwrap();
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    let (task, job) = {
        lab.give("a", json!({"n": 8})).await;
        lab.jobs().await.remove(0)
    };
    let take = evaluator::judge(&lab.engine, task, job).await.unwrap();
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 9})).await;
    lab.write(take).await.unwrap();
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream", "once more");
    assert_eq!(json!(lab.running("b").await.inputs), json!({"n": 9}));
}

pub async fn a_need_that_moves_while_it_is_queued<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).made("n", ".needs.a.n")).await;
    lab.give("a", json!({"n": 7})).await;
    lab.evaluate().await;
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 8})).await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    assert_eq!(json!(lab.running("b").await.inputs), json!({"n": 8}));
}

pub async fn cancelled_meanwhile<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("b").made("n", "1")).await;
    let (task, job) = lab.jobs().await.remove(0);
    lab.cancel("b").await.unwrap();
    let take = evaluator::judge(&lab.engine, task, job).await.unwrap();
    lab.write(take).await.unwrap();
    assert_eq!(lab.state("b").await, "Cancelled/ByUser");
    assert!(lab.jobs().await.is_empty());
}

pub async fn false_is_skipped<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let condition = job("b").needs(["a"]).when(".a.n > 10").made("n", ".a.x.y.z");
    let last = job("c").needs(["b"]).made("took", ".b");
    lab.make_pipeline(pipeline("p", [job("a"), condition, last])).await;
    lab.give("p.a", json!({"n": 7})).await;
    lab.evaluate().await;
    assert_eq!(lab.state("p.b").await, "Skipped/WhenFalse");
    assert_eq!(json!(lab.running("p.c").await.inputs), json!({"took": null}));
    lab.succeed("p.c").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn a_condition_is_true_or_false<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (text, state) in [
        ("true", "Pending/Queued"),
        ("false", "Skipped/WhenFalse"),
        ("null", "Failed/InvalidInput"),
        ("1", "Failed/InvalidInput"),
        (".a", "Failed/InvalidInput"),
        ("true, true", "Failed/InvalidInput"),
    ] {
        lab.make_pipeline(pipeline("p", [job("a").when(text)])).await;
        lab.evaluate().await;
        assert_eq!(lab.state("p.a").await, state, "{text}");
        lab.cancel_pipeline("p", true).await.ok();
        lab.delete_pipeline("p", true).await.unwrap();
    }
}

/// Early cutoff takes a step that its condition skipped for one that has finished.
pub async fn judged_again_when_upstream_changes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]).when(".a.n > 10")])).await;
    lab.give("p.a", json!({"n": 7})).await;
    lab.evaluate().await;
    for (n, tree) in [
        (7, vec!["p.b@1 <- - Skipped/WhenFalse"]),
        (11, vec!["p.b@1 <- - Skipped/WhenFalse", "p.b@2 <- p.b@1 Succeeded"]),
        (
            8,
            vec![
                "p.b@1 <- - Skipped/WhenFalse",
                "p.b@2 <- p.b@1 Succeeded",
                "p.b@3 <- p.b@2 Skipped/WhenFalse",
            ],
        ),
    ] {
        lab.restart_with(restart("p.a")).await.unwrap();
        lab.give("p.a", json!({ "n": n })).await;
        lab.evaluate().await;
        if n == 11 {
            lab.succeed("p.b").await;
        }
        assert_eq!(lab.tree("p.b").await, tree);
    }
}

pub async fn what_is_granted_again_has_the_same_values<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").made("n", "6 * 7")).await;
    let first = lab.running("a").await;
    let params = SyncParams { resync: true, free: 1, ..SyncParams::default() };
    let again = lab.sync(params).await.grants.remove(0);
    assert_eq!((again.fence, &again.inputs), (first.fence, &first.inputs));
    assert_eq!(json!(again.inputs), json!({"n": 42}));
}

pub async fn values_have_a_limit<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").made("n", "\"x\" * 2000000")).await;
    lab.make(job("b").made("n", "\"x\" * 600000").made("m", "\"x\" * 600000")).await;
    lab.evaluate().await;
    for name in ["a", "b"] {
        assert_eq!(lab.state(name).await, "Failed/InvalidInput");
        assert!(message(lab.get(name).await.unwrap()).contains("bytes"));
    }
}

pub async fn a_restart_evaluates_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").made("n", "6 * 7").made("m", "1")).await;
    lab.succeed("a").await;
    let mut params = restart("a");
    params.changes =
        [("inputs.n".to_owned(), json!({"jq": "2 * 3"})), ("inputs.m".to_owned(), json!(0))].into();
    lab.restart_with(params).await.unwrap();
    assert_eq!(json!(lab.running("a").await.inputs), json!({"n": 6, "m": 0}));
    lab.succeed("a").await;
    assert_eq!(inputs(&lab, "a@1").await, json!({"n": 42, "m": 1}));
    assert_eq!(inputs(&lab, "a@2").await, json!({"n": 6, "m": 0}));
}
