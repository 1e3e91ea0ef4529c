//! Restarts that change something: what is recorded, what is inherited, what is refused.

use ktk_client::api::{
    ErrorReason,
    restart::{Cascade, RestartParams},
    task::RunSpec,
};
use serde_json::{Value, json};

use super::{
    build::{job, pipeline},
    calls::restart,
    lab::Lab,
};
use crate::store::Store;

fn with(name: &str, changes: &[(&str, Value)]) -> RestartParams {
    let changes = changes.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
    RestartParams { changes, ..restart(name) }
}

pub async fn made_and_recorded<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    let params = with("a", &[("inputs.width", json!(100)), ("priority", json!(7))]);
    let made = lab.restart_with(params.clone()).await.unwrap().object;
    assert_eq!(made.metadata.restart.unwrap().changes, params.changes);
    assert_eq!((made.spec.inputs["width"].clone(), made.spec.priority), (json!(100), Some(7)));
    let grant = lab.running("a").await;
    assert_eq!(grant.inputs["width"], json!(100));
    let first = lab.get("a@1").await.unwrap();
    assert!(first.spec.inputs.is_empty(), "history is immutable");
}

pub async fn kept_by_the_next_restart<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart_with(with("a", &[("inputs.width", json!(100))])).await.unwrap();
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    let third = lab.get("a").await.unwrap();
    assert_eq!(third.spec.inputs["width"], json!(100), "everything that its parent had");
    assert!(third.metadata.restart.unwrap().changes.is_empty(), "against its parent nothing was changed");
    lab.fail("a").await;
    lab.restart("a@1").await.unwrap();
    assert!(lab.get("a").await.unwrap().spec.inputs.is_empty(), "this parent had it not");
}

pub async fn equal_ones_are_the_answer<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    let params = with("a", &[("inputs.width", json!(100))]);
    let first = lab.restart_with(params.clone()).await.unwrap();
    let second = lab.restart_with(params).await.unwrap();
    assert!(first.created && !second.created);
    assert_eq!(first.object.metadata.id, second.object.metadata.id);
}

pub async fn other_ones_are_a_conflict<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    lab.restart_with(with("a", &[("inputs.width", json!(100))])).await.unwrap();
    for (params, says) in [
        (with("a", &[("inputs.width", json!(200))]), "inputs.width is 100 there, 200 here"),
        (with("a@1", &[]), "inputs.width is 100 there, unchanged here"),
        (
            with("a", &[("inputs.width", json!(100)), ("priority", json!(1))]),
            "priority is unchanged there, 1 here",
        ),
    ] {
        let refused = lab.restart_with(params).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.message.contains("a@2") && refused.message.contains(says), "{}", refused.message);
    }
    assert_eq!(lab.tree("a").await.len(), 2);
}

pub async fn wrong_ones_change_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.fail("a").await;
    let before = lab.dump.clone();
    for (field, value) in [
        ("input.width", json!(1)),
        ("needs", json!([])),
        ("retry.limit", json!(1_000_000_000)),
        ("timeout", json!("soon")),
        ("queue", json!("nosuch")),
        ("type", json!("nosuch")),
    ] {
        for dry_run in [true, false] {
            let params = RestartParams { dry_run, ..with("a", &[(field, value.clone())]) };
            let refused = lab.restart_with(params).await.unwrap_err();
            assert_eq!(refused.reason, ErrorReason::Invalid, "{field}");
            assert!(!refused.causes.is_empty(), "{field}");
        }
    }
    let refused = lab.restart_pipeline(with("p", &[("inputs.a", json!(1))])).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid);
    assert_eq!(lab.dump.tasks, before.tasks);
}

pub async fn a_cascade_keeps_them<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    lab.succeed("b").await;
    lab.restart_with(with("b", &[("inputs.width", json!(100))])).await.unwrap();
    lab.succeed("b").await;
    lab.restart_with(with("a", &[("inputs.height", json!(1))])).await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    let third = lab.get("b").await.unwrap();
    assert_eq!((third.metadata.incarnation(), &third.spec.inputs["width"]), (3, &json!(100)));
    assert!(!third.spec.inputs.contains_key("height"), "changes are of the task that was named");
    let all = RestartParams { cascade: Cascade::All, ..with("a", &[("inputs.height", json!(2))]) };
    lab.succeed("b").await;
    lab.restart_with(all).await.unwrap();
    let fourth = lab.get("b").await.unwrap();
    assert_eq!((fourth.metadata.incarnation(), fourth.spec.inputs.len()), (4, 1));
}

pub async fn a_forced_restart_makes_them<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    let params = RestartParams { force: true, ..with("a", &[("inputs.width", json!(100))]) };
    assert!(!lab.restart_with(params).await.unwrap().created);
    lab.report(grant, super::build::because(ktk_client::api::Reason::Signal)).await;
    let second = lab.get("a").await.unwrap();
    assert_eq!((second.metadata.incarnation(), &second.spec.inputs["width"]), (2, &json!(100)));
}

/// What a step's command takes from inputs and parameters is looked at with the changes in place.
pub async fn inside_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a")]);
    object.spec.params = [("word".to_owned(), json!("hello"))].into();
    let step = &mut object.spec.steps[0];
    step.type_name = None;
    step.run = Some(RunSpec { command: vec!["echo".into(), "{{ inputs.n }}".into()], ..RunSpec::default() });
    step.inputs = [("n".to_owned(), json!(1))].into();
    lab.make_pipeline(object).await;
    lab.fail("p.a").await;
    let command = json!(["echo", "{{ params.word }}", "{{ inputs.n }}"]);
    lab.restart_with(with("p.a", &[("run.command", command), ("inputs.n", json!(2))])).await.unwrap();
    let run = lab.running("p.a").await.run.unwrap();
    assert_eq!(run.command, ["echo", "hello", "2"]);
    lab.fail("p.a").await;
    let unknown = with("p.a", &[("run.command", json!(["echo", "{{ params.wort }}"]))]);
    assert_eq!(lab.restart_with(unknown).await.unwrap_err().reason, ErrorReason::Invalid);
}
