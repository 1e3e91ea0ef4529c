//! `forEach`: a step that is a task for each value, expanded once and again.

use ktk_client::api::{
    Task, TaskType,
    restart::{Cascade, RestartParams},
    task::{CancelParams, TaskSpec},
    task_type::TaskTypeSpec,
};
use serde_json::{Value, json};

use super::{
    build::{Job, exit, job, outputs, pipeline},
    calls::{named, plan_text, restart},
    lab::Lab,
};
use crate::{
    engine::{cancel::CancelPipeline, evaluator},
    store::Store,
};

/// `a` puts out a list, `b` is an item for each value of it, `c` takes what they put out.
pub(super) async fn make<S: Store>(lab: &mut Lab<S>) {
    lab.make_pipeline(pipeline("p", [job("a"), each(), job("c").needs(["b"]).made("all", ".b")])).await;
}

fn each() -> Job {
    job("b").needs(["a"]).each(".a.list[]").made("n", ".item")
}

pub(super) async fn list<S: Store>(lab: &mut Lab<S>, list: Value) {
    lab.give("p.a", json!({ "list": list })).await;
    lab.evaluate().await;
}

/// Each item puts out its input.
pub(super) async fn run_items<S: Store>(lab: &mut Lab<S>) {
    for grant in lab.claim(64).await {
        let value = outputs(json!({"got": grant.inputs["n"]}));
        assert!(lab.report(grant, value).await);
    }
}

async fn message<S: Store>(lab: &Lab<S>, name: &str) -> String {
    lab.get(name).await.unwrap().status.unwrap().message.unwrap_or_default()
}

fn counts(task: &Task) -> (u32, u32, u32) {
    let items = task.status.as_ref().unwrap().items.unwrap();
    (items.total, items.done, items.failed)
}

pub async fn a_task_for_each_value<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream");
    list(&mut lab, json!([7, 8, 9])).await;
    assert_eq!(lab.state("p.b").await, "Running");
    let item = lab.get("p.b.1").await.unwrap();
    assert_eq!(item.metadata.pipeline.unwrap().index, Some(1));
    let grant = lab.running("p.b.1").await;
    assert_eq!(
        (json!(grant.inputs), json!(grant.needs)),
        (json!({"n": 8}), json!({"a": {"list": [7, 8, 9]}}))
    );
    lab.give("p.b.2", json!({"got": 9})).await;
    lab.succeed("p.b.0").await;
    let step = lab.get("p.b").await.unwrap();
    assert_eq!((counts(&step), lab.pipeline_state("p").await.as_str()), ((3, 2, 0), "Running"));
    lab.give("p.b.1", json!({"got": 8})).await;
    let step = lab.get("p.b").await.unwrap().status.unwrap();
    assert_eq!(step.outputs, Some(json!([null, {"got": 8}, {"got": 9}])));
    assert_eq!((step.attempt, step.attempts.len()), (0, 0), "it has no attempts");
    let grant = lab.running("p.c").await;
    assert_eq!(json!(grant.inputs), json!({"all": [null, {"got": 8}, {"got": 9}]}));
    assert_eq!(json!(grant.needs), json!({"b": [null, {"got": 8}, {"got": 9}]}));
    lab.succeed("p.c").await;
    let pipeline = lab.get_pipeline("p").await.unwrap().status.unwrap();
    assert_eq!((pipeline.steps.total, pipeline.steps.done), (3, 3), "a step counts once");
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn no_values_succeed_with_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([])).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
    assert_eq!(lab.get("p.b").await.unwrap().status.unwrap().outputs, Some(json!([])));
    assert_eq!(json!(lab.running("p.c").await.inputs), json!({"all": []}));
}

pub async fn keys_are_names<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let step = job("b").keyed("{id: \"x-1\"}, {id: 7}", ".item.id").made("at", ".index");
    lab.make_pipeline(pipeline("p", [step])).await;
    lab.evaluate().await;
    assert_eq!(json!(lab.running("p.b.x-1").await.inputs), json!({"at": 0}));
    assert_eq!(json!(lab.running("p.b.7").await.inputs), json!({"at": 1}));
}

pub async fn what_cannot_be_expanded_says_why<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (step, why) in [
        (job("b").each("1 | error(\"oh\")"), "forEach: {jq: \"1 | error(\\\"oh\\\")\"}: oh"),
        (job("b").each("range(10001)"), "yields more than 10000 values"),
        (
            job("b").keyed("range(3)", ".item % 2 | tostring"),
            "yields \"0\" for items 0 and 2: keys must differ",
        ),
        (
            job("b").keyed("1, 2", "\"A b\""),
            "item 0: forEach.key: {jq: \"\\\"A b\\\"\"}: key \"A b\" is not valid",
        ),
        (job("b").keyed("1", "null"), "yields \"null\", which is no string"),
        (job("b").keyed("1", "empty"), "yields no value"),
        (job("b").each("1, \"x\"").made("n", ".item + 1"), "item 1: inputs.n: {jq: \".item + 1\"}"),
        (job("b").each("1").made("n", "\"x\" * 1100000"), "bytes"),
    ] {
        lab.make_pipeline(pipeline("p", [step, job("c").needs(["b"])])).await;
        lab.evaluate().await;
        assert_eq!(lab.state("p.b").await, "Failed/InvalidInput", "{why}");
        let said = message(&lab, "p.b").await;
        assert!(said.contains(why), "{said} does not say {why}");
        assert_eq!(lab.state("p.c").await, "Pending/UpstreamFailed");
        assert_eq!(lab.dump.tasks.len(), 2, "no items");
        lab.delete_pipeline("p", true).await.unwrap();
    }
}

pub async fn a_condition_is_judged_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), each().when(".a.list != null"), job("c").needs(["b"])])).await;
    lab.succeed("p.a").await;
    lab.evaluate().await;
    assert_eq!(lab.state("p.b").await, "Skipped/WhenFalse");
    lab.restart("p.a").await.unwrap();
    list(&mut lab, json!([1])).await;
    run_items(&mut lab).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
    lab.restart("p.a").await.unwrap();
    lab.succeed("p.a").await;
    lab.evaluate().await;
    assert_eq!(lab.state("p.b").await, "Skipped/WhenFalse");
    assert_eq!(lab.state("p.b.0").await, "Skipped/NotNeeded", "a step that is skipped has no items");
}

pub async fn a_failed_item_is_waited_for<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    lab.fail("p.b.0").await;
    assert_eq!(lab.state("p.b").await, "Running", "another can move");
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.state("p.b").await, "Pending/UpstreamFailed");
    assert_eq!(message(&lab, "p.b").await, "1 of its 2 items ended without success");
    let pipeline = lab.get_pipeline("p").await.unwrap().status.unwrap();
    assert_eq!((pipeline.steps.done, pipeline.steps.failed), (1, 2), "a step counts once");
    let refused = lab.restart("p.b").await.unwrap_err();
    assert!(refused.message.contains("waits for its items: p.b.0 ended"), "{refused:?}");
    let hint = refused.hint.clone().unwrap_or_default();
    assert!(hint.contains("restart p.b.0, and it goes on by itself"), "{refused:?}");
    let answer = lab.restart("p.b.0").await.unwrap();
    assert_eq!(plan_text(&answer.plan)[..3], ["p.b.0 restart", "p.b continue", "p.c continue"]);
    assert_eq!(lab.state("p.b").await, "Running");
    let grant = lab.running("p.b.0").await;
    assert_eq!(
        (json!(grant.inputs), grant.needs.len()),
        (json!({"n": 7}), 1),
        "as it was, without evaluating"
    );
    lab.give("p.b.0", json!({"got": 7})).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
    assert_eq!(json!(lab.running("p.c").await.inputs), json!({"all": [{"got": 7}, {"got": 8}]}));
}

pub async fn a_pipeline_restarts_its_failed_items<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8, 9])).await;
    lab.fail("p.b.0").await;
    lab.cancel("p.b.1").await.unwrap();
    let grant = lab.running("p.b.1").await;
    assert!(lab.report(grant, exit(1)).await);
    let restarted = lab.restart_pipeline(restart("p")).await.unwrap().restarted;
    let names: Vec<&str> = restarted.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["p.b.0", "p.b.1"], "also while others still run");
    run_items(&mut lab).await;
    lab.give("p.b.2", json!({"got": 9})).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
}

pub async fn cancelled_with_its_items<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8, 9])).await;
    lab.give("p.b.0", json!({"got": 7})).await;
    let grant = lab.running("p.b.1").await;
    lab.cancel("p.b").await.unwrap();
    assert_eq!(lab.state("p.b").await, "Running/Stopping");
    let refused = lab.restart("p.b.0").await.unwrap_err();
    assert!(refused.message.contains("is being stopped"), "{refused:?}");
    assert!(lab.report(grant, exit(1)).await);
    let grant = lab.running("p.b.2").await;
    assert!(lab.report(grant, exit(1)).await);
    assert_eq!(lab.state("p.b").await, "Cancelled/ByUser");
    assert_eq!(lab.state("p.b.1").await, "Cancelled/ByUser");
    let restarted = lab.restart_pipeline(restart("p")).await.unwrap().restarted;
    assert_eq!(restarted.len(), 1, "the step restarts its items: {restarted:?}");
    lab.evaluate().await;
    assert_eq!(lab.tree("p.b.0").await.len(), 1, "it had succeeded");
    run_items(&mut lab).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
    lab.restart_with(RestartParams { force: true, cascade: Cascade::All, ..restart("p.b") }).await.unwrap();
    lab.evaluate().await;
    lab.claim(1).await;
    lab.cancel_pipeline("p", false).await.unwrap();
    for grant in lab.held.clone() {
        lab.report(grant, exit(1)).await;
    }
    assert_eq!(lab.state("p.b").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
}

pub async fn forced_while_items_run<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    lab.give("p.b.0", json!({"got": 7})).await;
    let refused = lab.restart("p.b").await.unwrap_err();
    assert!(refused.message.contains("1 of its items still run"), "{refused:?}");
    let grant = lab.running("p.b.1").await;
    lab.restart_with(RestartParams { force: true, ..restart("p.b") }).await.unwrap();
    assert!(lab.report(grant, exit(1)).await);
    lab.evaluate().await;
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Cancelled/ByUser", "p.b@2 <- p.b@1 Running"]);
    assert_eq!(lab.tree("p.b.0").await.len(), 1);
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
}

pub async fn fail_fast_knows_items<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), each(), job("c").needs(["b"]), job("d")]);
    object.spec.fail_fast = true;
    lab.make_pipeline(object).await;
    list(&mut lab, json!([7, 8])).await;
    lab.fail("p.b.0").await;
    assert_eq!(lab.state("p.b.1").await, "Running/Stopping");
    let grant = lab.running("p.b.1").await;
    lab.report(grant, exit(1)).await;
    assert_eq!(lab.state("p.b").await, "Pending/UpstreamFailed", "it waits for the failed one");
    assert_eq!(lab.state("p.c").await, "Pending/UpstreamFailed");
    let grant = lab.running("p.d").await;
    lab.report(grant, exit(1)).await;
    assert_eq!(lab.state("p.d").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

pub async fn places_are_its_items<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), each(), job("d").needs(["a"])]);
    object.spec.max_parallel = Some(2);
    lab.make_pipeline(object).await;
    list(&mut lab, json!([7, 8, 9])).await;
    assert_eq!(lab.claim(64).await.len(), 2, "the step takes no place");
    run_items(&mut lab).await;
    while !lab.held.is_empty() {
        let name = lab.held[0].name.clone();
        lab.succeed(&name).await;
        lab.claim(64).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn held_with_its_items<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    lab.hold("p.b", true).await.unwrap();
    list(&mut lab, json!([7, 8])).await;
    assert_eq!(
        (lab.state("p.b").await.as_str(), lab.state("p.b.0").await.as_str()),
        ("Running", "Pending/Held")
    );
    lab.hold("p.b.0", false).await.unwrap();
    lab.give("p.b.0", json!({"got": 7})).await;
    lab.hold("p.b", false).await.unwrap();
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
}

pub async fn always_and_on_failure<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let on_failure = job("f").needs(["a"]).on_failure().each("1, 2").made("n", ".item");
    let always = job("z").needs(["a"]).always().each("3").made("n", ".item");
    lab.make_pipeline(pipeline("p", [job("a"), on_failure, always])).await;
    lab.fail("p.a").await;
    lab.evaluate().await;
    lab.cancel_pipeline("p", false).await.unwrap();
    assert_eq!(lab.state("p.f.0").await, "Cancelled/PipelineCancelled");
    assert_eq!(
        (lab.state("p.z").await.as_str(), lab.state("p.z.0").await.as_str()),
        ("Running", "Pending/Queued")
    );
    run_items(&mut lab).await;
    assert_eq!(lab.state("p.z").await, "Succeeded");
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
    lab.restart("p.a").await.unwrap();
    lab.succeed("p.a").await;
    lab.evaluate().await;
    assert_eq!(lab.state("p.f").await, "Cancelled/PipelineCancelled", "a cascade restarts nothing cancelled");
    assert_eq!(lab.tree("p.z").await.len(), 2);
}

pub async fn schemas_are_for_each_item<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let run = TaskSpec::command(["true"]).run;
    let inputs = Some(json!({"properties": {"n": {"type": "integer"}}}));
    let spec = TaskTypeSpec { version: 1, run, inputs, ..TaskTypeSpec::default() };
    lab.create_entity(TaskType::new("sized", spec)).await.unwrap();
    lab.make_pipeline(pipeline("p", [job("b").of_type("sized").each("1, \"x\"").made("n", ".item")])).await;
    lab.evaluate().await;
    assert_eq!(lab.state("p.b").await, "Failed/InvalidInput");
    let said = message(&lab, "p.b").await;
    assert!(said.starts_with("item 1: inputs.n: "), "{said}");
}

/// The key of each is made with its inputs.
pub async fn each_item_has_its_key<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let step = |values: &str| job("b").each(values).made("n", ".item").only("of {{ inputs.n }}");
    lab.make(job("holder").only("of 2")).await;
    for (values, why) in [
        ("1, 1", "unique.key: \"of 1\" for items 0 and 1: it must differ"),
        ("1, 2", "item 1: the unique key \"of 2\" is held by task holder@1"),
    ] {
        lab.make_pipeline(pipeline("p", [step(values)])).await;
        lab.evaluate().await;
        assert_eq!(lab.state("p.b").await, "Failed/InvalidInput");
        let said = message(&lab, "p.b").await;
        assert!(said.contains(why), "{said}");
        lab.delete_pipeline("p", true).await.unwrap();
    }
    lab.make_pipeline(pipeline("p", [step("1, 3")])).await;
    lab.evaluate().await;
    let refused = lab.create(job("other").only("of 3")).await.unwrap_err();
    assert!(refused.message.contains("held by task p.b.1@1"), "{refused:?}");
    lab.fail("p.b.1").await;
    lab.create(job("other").only("of 3")).await.unwrap();
    assert!(lab.restart("p.b.1").await.unwrap_err().message.contains("other@1"));
    let same = job("b").each("1").only("k");
    let params = super::calls::pipeline_params(pipeline("q", [same]));
    let refused = lab.create_pipeline(params).await.unwrap_err();
    assert!(refused.causes[0].message.contains("would be the same for all items"), "{refused:?}");
}

/// The most that there may be: one transaction makes them all. Without the checks, which look at each with all.
pub async fn in_the_order_of_their_values<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [job("z"), job("m"), job("a"), job("b").each("range(9; 0; -1)")];
    lab.make_pipeline(pipeline("p", steps)).await;
    let mut order = Vec::new();
    while let [name] = &lab.claim_names(1).await[..] {
        lab.succeed(name).await;
        order.push(name.clone());
    }
    let items = (0..9).map(|index| format!("p.b.{index}"));
    assert_eq!(order, ["p.z", "p.m", "p.a"].map(String::from).into_iter().chain(items).collect::<Vec<_>>());
}

pub async fn ten_thousand<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("b").each("range(10000)")])).await;
    let (task, job) = lab.jobs().await.remove(0);
    let take = evaluator::judge(&lab.engine, task, job).await.unwrap();
    lab.engine.write(take).await.unwrap();
    assert_eq!(counts(&lab.get("p.b").await.unwrap()), (10_000, 0, 0));
    assert_eq!(lab.state("p.b.9999").await, "Pending/Queued");
    let params = CancelParams { reference: named("p"), now: true, request_id: None };
    lab.engine.write(CancelPipeline { ask: lab.engine.ask("tester"), params }).await.unwrap();
    assert_eq!(lab.state("p.b").await, "Cancelled/PipelineCancelled");
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser");
}
