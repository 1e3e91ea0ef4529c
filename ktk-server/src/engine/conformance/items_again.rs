//! Items that are restarted, one by one or with their step: what stays, what runs again, what is collected again.

use ktk_client::api::{
    Semaphore,
    restart::{Cascade, RestartParams},
    task,
};
use serde_json::json;

use super::{
    build::{job, pipeline, success},
    calls::{plan_text, restart},
    items::{list, make, run_items},
    lab::Lab,
};
use crate::{engine::evaluator, store::Store};

pub async fn a_restarted_item_is_collected_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    let answer = lab.restart("p.b.0").await.unwrap();
    assert_eq!(plan_text(&answer.plan)[..3], ["p.b.0 restart", "p.b decide", "p.c decide"]);
    assert_eq!(lab.pipeline_state("p").await, "Running", "something can move");
    lab.give("p.b.0", json!({"got": 7})).await;
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Succeeded"], "equal outputs");
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    let mut params = restart("p.b.0");
    params.changes = [("inputs.n".to_owned(), json!({"jq": ".item * 10 + .index"}))].into();
    lab.restart_with(params).await.unwrap();
    let grant = lab.running("p.b.0").await;
    assert_eq!(json!(grant.inputs), json!({"n": 70}));
    lab.give("p.b.0", json!({"got": 70})).await;
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Succeeded", "p.b@2 <- p.b@1 Succeeded"]);
    assert_eq!(lab.tree("p.b.1").await.len(), 1, "it does not expand");
    assert_eq!(json!(lab.running("p.c").await.inputs), json!({"all": [{"got": 70}, {"got": 8}]}));
    assert_eq!(lab.dump.resolved(lab.get("p.b").await.unwrap().metadata.id.unwrap()).len(), 1);
}

/// No digest equals nothing: an item that puts out nothing is another one each time.
pub async fn items_without_outputs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    lab.succeed("p.b.0").await;
    lab.give("p.b.1", json!({"got": 8})).await;
    lab.succeed("p.c").await;
    lab.restart("p.b.1").await.unwrap();
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.tree("p.b").await.len(), 1, "what was not restarted is as it was");
    lab.restart("p.b.0").await.unwrap();
    lab.restart("p.b.1").await.unwrap();
    lab.succeed("p.b.0").await;
    assert_eq!(lab.tree("p.b").await.len(), 1, "an item still runs");
    lab.fail("p.b.1").await;
    assert_eq!(lab.tree("p.b").await.last().unwrap(), "p.b@2 <- p.b@1 Pending/UpstreamFailed");
    assert_eq!(lab.state("p.c").await, "Succeeded");
}

pub async fn a_failed_restart_leaves_what_was_collected<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    lab.restart("p.b.1").await.unwrap();
    lab.fail("p.b.1").await;
    assert_eq!(
        (lab.state("p.b").await.as_str(), lab.state("p.c").await.as_str()),
        ("Succeeded", "Succeeded")
    );
    assert_eq!(lab.pipeline_state("p").await, "Failed", "an item of it failed");
    lab.restart_pipeline(restart("p")).await.unwrap();
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.tree("p.b").await.len(), 1);
}

pub async fn expanded_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8, 9])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    let answer = lab.restart("p.a").await.unwrap();
    let plan = plan_text(&answer.plan);
    assert_eq!(
        plan,
        ["p.a restart", "p.b decide", "p.b.0 decide", "p.b.1 decide", "p.b.2 decide", "p.c decide"]
    );
    list(&mut lab, json!([7, 80])).await;
    assert_eq!(lab.state("p.b").await, "Running");
    assert_eq!(lab.tree("p.b.0").await, ["p.b.0@1 <- - Succeeded"], "equal inputs");
    assert_eq!(lab.state("p.b.1").await, "Pending/Queued");
    assert_eq!(lab.tree("p.b.2").await, ["p.b.2@1 <- - Succeeded", "p.b.2@2 <- p.b.2@1 Skipped/NotNeeded"]);
    let decision = |name: &str| {
        let row = lab.dump.tasks.values().find(|row| format!("{}@{}", row.name, row.incarnation) == name);
        row.unwrap().rare.decision.clone().unwrap().why
    };
    assert_eq!(decision("p.b.0@1"), "its inputs are the same as before: nothing to run again");
    assert_eq!(decision("p.b.1@1"), "its inputs are others than before");
    let refused = lab.restart("p.b.2").await.unwrap_err();
    assert!(refused.message.contains("is no item any more"), "{refused:?}");
    run_items(&mut lab).await;
    assert_eq!(lab.get("p.b").await.unwrap().status.unwrap().outputs, Some(json!([{"got": 7}, {"got": 80}])));
    lab.succeed("p.c").await;
    lab.restart("p.a").await.unwrap();
    list(&mut lab, json!([7, 80, 9, 10])).await;
    assert_eq!(lab.state("p.b.2").await, "Pending/Queued", "it is an item again");
    assert_eq!(lab.tree("p.b.3").await, ["p.b.3@1 <- - Pending/Queued"]);
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    lab.restart_with(RestartParams { cascade: Cascade::All, ..restart("p.b") }).await.unwrap();
    lab.evaluate().await;
    assert_eq!(lab.state("p.b.0").await, "Pending/Queued", "equal ones too");
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn who_needs_an_item_that_is_gone<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    run_items(&mut lab).await;
    for job in [job("z").needs(["p.b.1"]), job("y").needs(["p.b.1"]).always(), job("x").needs(["p.b.0"])] {
        lab.make(job).await;
    }
    for name in ["p.c", "x", "y", "z"] {
        lab.succeed(name).await;
    }
    lab.restart("p.a").await.unwrap();
    list(&mut lab, json!([7])).await;
    assert_eq!(lab.state("p.b.1").await, "Skipped/NotNeeded");
    for name in ["y", "z"] {
        assert_eq!(lab.state(name).await, "Pending/Queued", "{name} took what is no more");
    }
    assert_eq!(lab.state("x").await, "Succeeded");
}

/// Nothing is in its way while there are no items: they would wait for ever.
pub async fn what_they_wait_for_is_gone<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    let step = job("b").needs(["a"]).each(".a.list[]").permits("gpu", 1);
    lab.make_pipeline(pipeline("p", [job("a"), step])).await;
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    list(&mut lab, json!([7])).await;
    assert_eq!(lab.state("p.b").await, "Failed/InvalidInput");
    let said = lab.get("p.b").await.unwrap().status.unwrap().message.unwrap();
    assert!(said.starts_with("spec.semaphores[0]: there is no semaphore \"gpu\""), "{said}");
    for dry_run in [true, false] {
        let refused = lab.restart_with(RestartParams { dry_run, ..restart("p.b") }).await.unwrap_err();
        assert_eq!(refused.causes[0].field, "spec.semaphores[0]");
        let refused = lab.restart_pipeline(RestartParams { dry_run, ..restart("p") }).await.unwrap_err();
        assert_eq!(refused.causes[0].field, "spec.semaphores[0]");
    }
    lab.make_semaphore("gpu", 1).await;
    lab.restart_pipeline(restart("p")).await.unwrap();
    lab.evaluate().await;
    lab.succeed("p.b.0").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

/// Whatever queue an item was in, it goes to that of the step that makes it again.
pub async fn in_the_queue_of_their_step<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    make(&mut lab).await;
    list(&mut lab, json!([7])).await;
    run_items(&mut lab).await;
    for (name, changes, queue) in
        [("p.b", Some(("queue".to_owned(), json!("q"))), "q"), ("p.b@1", None, "default")]
    {
        let changes = changes.into_iter().collect();
        lab.restart_with(RestartParams { cascade: Cascade::All, changes, ..restart(name) }).await.unwrap();
        lab.evaluate().await;
        let items = lab.dump.newest();
        let item = items.values().find(|row| row.name == "p.b.0").unwrap();
        assert_eq!((item.phase.is_terminal(), item.queue.as_str()), (false, queue));
        run_items(&mut lab).await;
    }
}

/// An item of an older incarnation of its pipeline goes with the newest.
pub async fn nothing_new_needs_what_goes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap();
    let grant = lab.running("p.a").await;
    lab.delete_pipeline("p", false).await.unwrap();
    let object = job("z").needs(["p.b.0"]).task();
    let params = task::CreateParams { object, request_id: None, caller_env: None, dry_run: false };
    assert_eq!(lab.create_task(params).await.unwrap_err().causes[0].field, "spec.needs[0]");
    lab.report(grant, success()).await;
    assert!(lab.dump.pipelines.is_empty() && lab.dump.tasks.is_empty());
}

/// What ended badly runs again with the next expansion, and changes of its own stay with an item.
pub async fn expanded_again_behind_a_failure<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    lab.give("p.b.1", json!({"got": 8})).await;
    lab.fail("p.b.0").await;
    let mut params = restart("p.b.0");
    params.changes = [("inputs.m".to_owned(), json!(1))].into();
    lab.restart_with(params).await.unwrap();
    lab.fail("p.b.0").await;
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream");
    list(&mut lab, json!([7, 8])).await;
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Running"], "it never ended");
    assert_eq!(lab.tree("p.b.1").await.len(), 1);
    assert_eq!(json!(lab.running("p.b.0").await.inputs), json!({"n": 7, "m": 1}), "with its changes");
    lab.give("p.b.0", json!({"got": 7})).await;
    assert_eq!(lab.state("p.b").await, "Succeeded");
}

/// What runs on old values finishes first.
pub async fn upstream_moves_while_items_run<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    lab.claim(64).await;
    lab.restart("p.a").await.unwrap();
    list(&mut lab, json!([7, 9])).await;
    assert_eq!(lab.state("p.b").await, "Running");
    lab.give("p.b.0", json!({"got": 7})).await;
    lab.give("p.b.1", json!({"got": 8})).await;
    assert_eq!(lab.tree("p.b").await, ["p.b@1 <- - Succeeded", "p.b@2 <- p.b@1 Pending/WaitingForUpstream"]);
    lab.evaluate().await;
    assert_eq!(json!(lab.running("p.b.1").await.inputs), json!({"n": 9}));
    lab.restart("p.a").await.unwrap();
    list(&mut lab, json!([5])).await;
    lab.fail("p.b.1").await;
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream", "its needs came to something else");
    lab.evaluate().await;
    assert_eq!(lab.state("p.b.1").await, "Skipped/NotNeeded");
    assert_eq!(json!(lab.running("p.b.0").await.inputs), json!({"n": 5}));
}

pub async fn a_whole_restart_reuses_no_item<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7, 8])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap();
    let refused = lab.restart("p.b.0").await.unwrap_err();
    assert!(refused.message.contains("older incarnation of its pipeline"), "{refused:?}");
    list(&mut lab, json!([7])).await;
    assert_eq!(lab.tree("p.b.0").await, ["p.b.0@1 <- - Succeeded", "p.b.0@2 <- p.b.0@1 Pending/Queued"]);
    assert_eq!(lab.state("p.b.1").await, "Skipped/NotNeeded");
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.get_pipeline("p").await.unwrap().status.unwrap().steps.total, 3);
    lab.delete_pipeline("p", false).await.unwrap();
    assert!(lab.dump.tasks.is_empty() && lab.dump.needs.is_empty(), "items go with their pipeline");
}

pub async fn old_results_are_taken_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    list(&mut lab, json!([7])).await;
    run_items(&mut lab).await;
    lab.succeed("p.c").await;
    lab.restart("p.b.0").await.unwrap();
    lab.give("p.b.0", json!({"got": 70})).await;
    lab.succeed("p.c").await;
    lab.adopt("p.b.0@1").await.unwrap();
    assert_eq!(lab.get("p.b").await.unwrap().status.unwrap().outputs, Some(json!([{"got": 7}])));
    lab.succeed("p.c").await;
    lab.adopt("p.b@2").await.unwrap();
    assert_eq!(lab.get("p.b").await.unwrap().status.unwrap().outputs, Some(json!([{"got": 70}])));
    assert_eq!(lab.state("p.c").await, "Pending/WaitingForUpstream");
}

/// A crash between the two transactions, or a need that moves between them: nothing is half made.
pub async fn the_values_are_of_what_was_taken<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make(&mut lab).await;
    lab.give("p.a", json!({"list": [7]})).await;
    let (task, job) = lab.jobs().await.remove(0);
    let take = evaluator::judge(&lab.engine, task, job).await.unwrap();
    lab.restart("p.a").await.unwrap();
    lab.write(take).await.unwrap();
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream");
    lab.give("p.a", json!({"list": [8]})).await;
    let (task, job) = lab.jobs().await.remove(0);
    let takes = [
        evaluator::judge(&lab.engine, task, job.clone()).await.unwrap(),
        evaluator::judge(&lab.engine, task, job).await.unwrap(),
    ];
    for take in takes {
        lab.write(take).await.unwrap();
    }
    assert_eq!(lab.tree("p.b.0").await, ["p.b.0@1 <- - Pending/Queued"], "expanded once");
}

/// A step went on behind one that waited for an item, and took nothing of it. What that puts out later is not what its
/// items see, neither their expressions nor their processes.
pub async fn an_item_sees_what_its_step_took<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let late = job("late").each("1");
    lab.make_pipeline(pipeline("p", [late, job("b").needs(["late"]).always().each("1, 2")])).await;
    lab.fail("p.late.0").await;
    lab.fail("p.b.0").await;
    lab.restart("p.late.0").await.unwrap();
    lab.give("p.late.0", json!({"n": 1})).await;
    assert_eq!(lab.state("p.late").await, "Succeeded");
    let mut params = restart("p.b.0");
    params.changes = [("inputs.seen".to_owned(), json!({"jq": ".late"}))].into();
    lab.restart_with(params).await.unwrap();
    let grant = lab.running("p.b.0").await;
    assert_eq!(json!([grant.needs, grant.inputs]), json!([{"late": null}, {"seen": null}]));
}

/// Items have the cascade of the restart that expands their step: who needs one of them follows, or does not.
pub async fn who_needs_an_item_follows_as_was_asked<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("b").each("1, 2")])).await;
    lab.give("p.b.0", json!({"n": 1})).await;
    lab.give("p.b.1", json!({"n": 1})).await;
    lab.make(job("t").needs(["p.b.0"])).await;
    lab.succeed("t").await;
    for (cascade, expected, incarnations) in [(Cascade::None, "t keep", 1), (Cascade::Auto, "t decide", 2)] {
        let params = RestartParams { all: true, cascade, ..restart("p") };
        let plan = lab.restart_pipeline(params).await.unwrap().plan;
        assert_eq!(plan_text(&plan), ["p.b restart", "p.b.0 decide", "p.b.1 decide", expected]);
        lab.give("p.b.0", json!({"n": incarnations + 1})).await;
        lab.give("p.b.1", json!({"n": 1})).await;
        assert_eq!(lab.tree("t").await.len(), incarnations, "{cascade:?}");
    }
}

/// An old result that was taken back stays when an item runs again and comes to the same, whatever the others had put
/// out by then.
pub async fn an_adopted_result_stays<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("b").each("1, 2")])).await;
    lab.give("p.b.0", json!({"n": 1})).await;
    lab.give("p.b.1", json!({"n": 1})).await;
    lab.restart("p.b.1").await.unwrap();
    lab.give("p.b.1", json!({"n": 2})).await;
    lab.adopt("p.b@1").await.unwrap();
    for (cascade, value, incarnations) in
        [(Cascade::None, 7, 3), (Cascade::Auto, 1, 3), (Cascade::Auto, 5, 4)]
    {
        lab.restart_with(RestartParams { cascade, ..restart("p.b.0") }).await.unwrap();
        lab.give("p.b.0", json!({"n": value})).await;
        assert_eq!(lab.tree("p.b").await.len(), incarnations, "{value}: {:#?}", lab.states());
    }
    let outputs = lab.get("p.b").await.unwrap().status.unwrap().outputs;
    assert_eq!(json!(outputs), json!([{"n": 5}, {"n": 2}]));
}
