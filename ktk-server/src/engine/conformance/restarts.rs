//! `task.restart`: one new incarnation, however many ask, in the tree of the old ones.

use ktk_client::api::{ErrorReason, ListParams, Task, restart::RestartParams};
use serde_json::json;

use super::{
    build::{job, outputs, pipeline, success},
    calls::restart,
    lab::Lab,
};
use crate::{
    engine::{events::ListEvents, read::ListTasks},
    store::Store,
};

pub async fn a_new_incarnation<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let root = lab.make(job("a")).await;
    lab.fail("a").await;
    let params = RestartParams { reason: Some("because".into()), ..restart("a") };
    let answer = lab.restart_with(params).await.unwrap();
    assert!(answer.created);
    let metadata = &answer.object.metadata;
    let place = metadata.restart.as_ref().unwrap();
    assert_eq!((place.context_id, place.parent_id, place.incarnation), (root, Some(root), 2));
    assert_eq!((place.reason.as_deref(), place.by.as_deref()), (Some("because"), Some("tester")));
    assert_eq!(metadata.execution_id, Some(root));
    assert_eq!(metadata.name(), "a");
    assert_eq!((answer.restarted.len(), answer.restarted[0].parent_incarnation), (1, 1));
    assert_eq!(lab.tree("a").await, ["a@1 <- - Failed/ExitCode", "a@2 <- a@1 Pending/Queued"]);
    // Succeeded and cancelled ones can be restarted as well.
    lab.succeed("a").await;
    lab.restart("a").await.unwrap();
    lab.cancel("a").await.unwrap();
    lab.restart("a").await.unwrap();
    assert_eq!(lab.tree("a").await[3], "a@4 <- a@3 Pending/Queued");
}

pub async fn already_restarted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let root = lab.make(job("a")).await;
    lab.fail("a").await;
    let child = lab.restart("a").await.unwrap().object.metadata.id;
    for name in ["a", "a@1", &root.to_string()] {
        let again = lab.restart(name).await.unwrap();
        assert_eq!((again.created, again.object.metadata.id), (false, child), "{name}");
        assert!(again.restarted.is_empty());
    }
    lab.running("a").await;
    assert!(!lab.restart("a").await.unwrap().created);
    // Once the child has ended, a new call is a new restart.
    lab.fail("a").await;
    assert!(lab.restart("a@1").await.unwrap().created);
    assert_eq!(lab.tree("a").await[2], "a@3 <- a@1 Pending/Queued");
}

pub async fn a_live_member_that_is_no_child<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    lab.restart("a@2").await.unwrap();
    let refused = lab.restart("a@1").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains("a@3"), "{}", refused.message);
    let refused = lab.restart("a@3").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert_eq!(lab.tree("a").await.len(), 3);
}

pub async fn what_never_ended_is_not_restarted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    assert_eq!(lab.restart("a").await.unwrap_err().reason, ErrorReason::Conflict);
    lab.fail("a").await;
    for name in ["b", "c"] {
        let refused = lab.restart(name).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.hint.as_ref().unwrap().contains("restart a,"), "{refused:?}");
    }
    assert_eq!(lab.restart("nobody").await.unwrap_err().reason, ErrorReason::NotFound);
    assert_eq!(lab.restart("a@7").await.unwrap_err().reason, ErrorReason::NotFound);
    let with_step = RestartParams { from_step: Some("x".into()), ..restart("a") };
    assert_eq!(lab.restart_with(with_step).await.unwrap_err().reason, ErrorReason::Invalid);
}

pub async fn restarts_are_a_tree<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    for parent in ["a@1", "a@2", "a@1", "a@3"] {
        lab.restart(parent).await.unwrap();
        lab.fail("a").await;
    }
    let expected = [
        "a@1 <- - Failed/ExitCode",
        "a@2 <- a@1 Failed/ExitCode",
        "a@3 <- a@2 Failed/ExitCode",
        "a@4 <- a@1 Failed/ExitCode",
        "a@5 <- a@3 Failed/ExitCode",
    ];
    assert_eq!(lab.tree("a").await, expected);
    assert_eq!(lab.tree("a@3").await, expected, "whichever of them is named");
}

pub async fn only_if_newest<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    let params = RestartParams { if_newest: Some(1), ..restart("a") };
    assert!(lab.restart_with(params.clone()).await.unwrap().created);
    lab.fail("a").await;
    let refused = lab.restart_with(params).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.contains("a@2"), "{}", refused.message);
}

pub async fn request_ids<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    let params = RestartParams { request_id: Some("one".into()), ..restart("a") };
    let first = lab.restart_with(params.clone()).await.unwrap();
    lab.fail("a").await;
    let again = lab.restart_with(params.clone()).await.unwrap();
    assert_eq!(again.object.metadata.id, first.object.metadata.id);
    assert_eq!((again.created, again.restarted), (true, first.restarted), "the first answer again");
    assert!(!first.plan.is_empty());
    assert_eq!(again.plan, first.plan, "with its plan");
    let other = RestartParams { force: true, ..params.clone() };
    assert_eq!(lab.restart_with(other).await.unwrap_err().reason, ErrorReason::Conflict);
    assert_eq!(lab.tree("a").await.len(), 2);
    lab.delete("a").await.unwrap();
    assert_eq!(lab.restart_with(params).await.unwrap_err().reason, ErrorReason::NotFound);
}

pub async fn late_results_are_events<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let lost = lab.running("a").await;
    lab.register().await;
    let second = lab.running("a").await;
    assert!(!lab.report(lost.clone(), outputs(json!({"n": 1}))).await);
    assert_eq!(lab.state("a").await, "Running");
    let twice = vec![(second.clone(), outputs(json!({"n": 2}))), (second, success())];
    assert_eq!(lab.report_all(twice).await, [true, false], "a result counts once");
    lab.restart("a").await.unwrap();
    assert!(!lab.report(lost, outputs(json!({"n": 1}))).await);
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    let late: Vec<&str> =
        events.iter().filter(|event| event.reason == "LateResult").map(|e| e.object.name.as_str()).collect();
    assert_eq!(late, ["a", "a", "a"]);
    assert_eq!(lab.get("a@1").await.unwrap().status.unwrap().outputs, Some(json!({"n": 2})));
}

pub async fn a_repeated_report_with_other_outputs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    assert!(lab.report(grant.clone(), outputs(json!({"n": 1, "m": {"x": 1, "y": 2}}))).await);
    assert!(
        lab.report(grant.clone(), outputs(json!({"m": {"y": 2, "x": 1}, "n": 1}))).await,
        "the answer was lost"
    );
    for other in [outputs(json!({"n": 2})), success()] {
        assert!(!lab.report(grant.clone(), other).await, "one attempt has one result");
    }
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    let late: Vec<&str> = events
        .iter()
        .filter(|event| event.reason == "LateResult")
        .map(|event| event.message.as_str())
        .collect();
    assert_eq!(late, ["attempt 1 reported success again, with other outputs"; 2]);
    // Outputs of an attempt that was being stopped are not kept, and make no difference.
    lab.make(job("b")).await;
    let grant = lab.running("b").await;
    lab.cancel("b").await.unwrap();
    for _ in 0..2 {
        assert!(lab.report(grant.clone(), outputs(json!({"n": 1}))).await);
    }
}

pub async fn everything_is_inherited<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("need")).await;
    let a = job("a").needs(["need"]).always().priority(7).label("team", "x").limit(2).input("n", json!(1));
    lab.make(a).await;
    lab.succeed("need").await;
    lab.succeed("a").await;
    let first = lab.get("a").await.unwrap();
    let second = lab.restart("a").await.unwrap().object;
    assert_eq!(second.spec, first.spec);
    assert_eq!(second.metadata.labels, first.metadata.labels);
    assert_eq!(second.metadata.created_by, first.metadata.created_by);
    assert_ne!(second.metadata.id, first.metadata.id);
    assert_ne!(second.metadata.human_name, first.metadata.human_name);
    let status = second.status.unwrap();
    assert!(status.attempts.is_empty() && status.resolved.is_empty() && status.started_at.is_none());
}

pub async fn needs_that_are_gone<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    for name in ["a", "b", "c"] {
        lab.succeed(name).await;
    }
    lab.delete("a").await.unwrap();
    let refused = lab.restart("b").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    lab.restart("c").await.unwrap();
    lab.cancel("c").await.unwrap();
    lab.delete("c").await.unwrap();
    lab.delete("b").await.unwrap();
}

pub async fn resolved_by<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    assert_eq!(lab.get("a@1").await.unwrap().status.unwrap().resolved_by, None);
    lab.succeed("a").await;
    let second = lab.get("a@2").await.unwrap();
    assert_eq!(lab.get("a@1").await.unwrap().status.unwrap().resolved_by, second.metadata.id);
    assert_eq!(second.status.unwrap().resolved_by, None);
}

/// The answer to a report was lost, and it is made once more: it counted, and counts once.
pub async fn a_report_that_is_repeated<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    for _ in 0..2 {
        assert!(lab.report(grant.clone(), outputs(json!({"n": 1}))).await);
    }
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    assert!(events.iter().all(|event| event.reason != "LateResult"), "{events:#?}");
    assert_eq!(lab.dump.attempts.len(), 1);
}

async fn unresolved<S: Store>(lab: &Lab<S>, all_incarnations: bool) -> Vec<String> {
    let params = ListParams { unresolved: true, all_incarnations, limit: Some(1), ..ListParams::default() };
    let mut found = Vec::new();
    let mut next = params.clone();
    loop {
        let page = lab.read(ListTasks { ask: lab.engine.ask("tester"), params: next }).await.unwrap();
        found.extend(page.items.iter().map(Task::incarnation_name));
        match page.continue_from {
            None => return found,
            from => next = ListParams { continue_from: from, ..params.clone() },
        }
    }
}

pub async fn unresolved_failures<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["mended", "broken", "again", "fine"] {
        lab.make(job(name)).await;
    }
    lab.succeed("fine").await;
    for name in ["mended", "broken", "again"] {
        lab.fail(name).await;
    }
    for name in ["mended", "broken", "again"] {
        lab.restart(name).await.unwrap();
    }
    lab.fail("broken").await;
    assert_eq!(
        unresolved(&lab, false).await,
        ["again@1", "broken@2", "mended@1"],
        "what runs has mended nothing yet"
    );
    let version = lab.dump.tasks[&lab.get("mended@1").await.unwrap().metadata.id.unwrap()].version;
    lab.succeed("mended").await;
    assert_eq!(unresolved(&lab, false).await, ["again@1", "broken@2"]);
    assert_eq!(unresolved(&lab, true).await, ["again@1", "broken@1", "broken@2"]);
    let old = lab.get("mended@1").await.unwrap();
    assert!(old.metadata.version > Some(version), "who watches the failure is told");
    let params = ListParams { all_incarnations: true, ..ListParams::default() };
    let list = lab.read(ListTasks { ask: lab.engine.ask("tester"), params }).await.unwrap();
    let listed = list.items.into_iter().find(|task| task.incarnation_name() == "mended@1").unwrap();
    assert_eq!(listed.status.unwrap().resolved_by, lab.get("mended").await.unwrap().metadata.id);
}

/// A step that is skipped now, and an item that its step has no more, have nothing that anybody could mend.
pub async fn what_is_skipped_now_is_resolved<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [job("a"), job("b").needs(["a"]).each(".a.list[]"), job("c").needs(["a"]).when(".a.go")];
    lab.make_pipeline(pipeline("p", steps)).await;
    lab.give("p.a", json!({"list": [7, 8], "go": true})).await;
    lab.evaluate().await;
    for name in ["p.b.0", "p.b.1", "p.c"] {
        lab.fail(name).await;
    }
    assert_eq!(unresolved(&lab, false).await, ["p.b.0@1", "p.b.1@1", "p.c@1"]);
    lab.restart("p.a").await.unwrap();
    assert_eq!(unresolved(&lab, false).await, ["p.b.0@1", "p.b.1@1", "p.c@1"], "nothing has come of it yet");
    lab.give("p.a", json!({"list": [7], "go": false})).await;
    lab.evaluate().await;
    let states = [lab.state("p.b.1").await, lab.state("p.c").await];
    assert_eq!(states, ["Skipped/NotNeeded", "Skipped/WhenFalse"]);
    for all_incarnations in [false, true] {
        assert_eq!(unresolved(&lab, all_incarnations).await, ["p.b.0@1"]);
    }
    let resolved_by = async |name: &str| lab.get(name).await.unwrap().status.unwrap().resolved_by;
    assert_eq!((resolved_by("p.b.1@1").await, resolved_by("p.c@1").await), (None, None), "nothing succeeded");
}
