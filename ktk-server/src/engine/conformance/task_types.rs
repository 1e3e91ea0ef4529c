//! Task types: versions side by side, what a task gets of them and keeps, schemas, and sets of them.

use ktk_client::api::{
    ApiError, ErrorReason, Phase, Reason, TaskType,
    restart::RestartParams,
    task::{RunSpec, SemaphoreUse, TaskSpec},
    task_type::{Applied, ApplyOutcome, ApplyParams, TaskTypeSpec},
};
use serde_json::{Value, json};

use super::{
    build::{job, outputs, pipeline},
    calls::restart,
    lab::{Answer, Lab},
};
use crate::{engine::task_type::ApplyTaskTypes, model::row::TaskRow, store::Store};

fn resize(version: u32) -> TaskType {
    let run = TaskSpec::command(["resize", "{{ inputs.width }}", &format!("v{version}")]).run;
    let mut spec = TaskTypeSpec { version, run, ..TaskTypeSpec::default() };
    spec.inputs = Some(json!({"properties": {"width": {"type": "integer"}}, "required": ["width"]}));
    spec.defaults.inputs.insert("width".into(), json!(200));
    spec.defaults.priority = Some(7);
    TaskType::new("resize", spec)
}

fn with(mut object: TaskType, change: impl FnOnce(&mut TaskTypeSpec)) -> TaskType {
    change(&mut object.spec);
    object
}

fn row<S: Store>(lab: &Lab<S>, name: &str) -> TaskRow {
    let newest = lab.dump.newest();
    (*newest.values().find(|row| row.name == name).expect("it is there")).clone()
}

fn words(run: Option<&RunSpec>) -> Vec<String> {
    run.expect("a process").command.clone()
}

impl<S: Store> Lab<S> {
    async fn apply(&mut self, params: ApplyParams) -> Answer<Applied> {
        let operation = ApplyTaskTypes::new(self.engine.ask("tester"), params).map_err(ApiError::from)?;
        self.write(operation).await
    }

    async fn type_of(&self, name: &str) -> String {
        self.get_entity::<TaskType>(name).await.map_or_else(|error| error.message, |found| found.reference())
    }
}

pub async fn versions_and_aliases<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for version in [2, 10, 9] {
        lab.create_entity(with(resize(version), |spec| spec.aliases = vec!["thumb".into()])).await.unwrap();
    }
    for (name, meant) in
        [("resize", "resize@10"), ("resize@2", "resize@2"), ("thumb", "resize@10"), ("thumb@9", "resize@9")]
    {
        assert_eq!(lab.type_of(name).await, meant, "{name}");
    }
    assert_eq!(lab.type_of("resize@3").await, "tasktype \"resize@3\" not found");
    let newest: Vec<bool> = {
        let mut found = Vec::new();
        for name in ["resize@2", "resize@10"] {
            found.push(lab.get_entity::<TaskType>(name).await.unwrap().status.unwrap().newest);
        }
        found
    };
    assert_eq!(newest, [false, true]);
    let again = lab.create_entity(resize(9)).await.unwrap_err();
    assert_eq!(again.reason, ErrorReason::AlreadyExists);
    let mut clash = with(resize(1), |spec| spec.aliases = vec!["resize".into()]);
    clash.metadata.name = Some("thumb".into());
    let refused = lab.create_entity(clash).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["metadata.name", "spec.aliases[0]"]);
}

pub async fn a_task_gets_what_its_type_has<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(resize(3)).await.unwrap();
    lab.make(job("a").of_type("resize")).await;
    lab.make(job("b").of_type("resize@3").input("width", json!(5)).priority(1)).await;
    let object = pipeline("p", [job("s").of_type("resize")]);
    lab.make_pipeline(object).await;
    let task = lab.get("a").await.unwrap();
    assert_eq!(
        (task.spec.type_name.as_deref(), task.spec.run),
        (Some("resize@3"), None),
        "as it was asked for"
    );
    for (name, expected) in [("a", "200"), ("b", "5"), ("p.s", "200")] {
        let grant = lab.running(name).await;
        assert_eq!(words(grant.run.as_ref()), ["resize", expected, "v3"], "{name}");
        assert_eq!(grant.type_name, None, "a process, whatever its type is called");
    }
    let priority = |name: &str| row(&lab, name).priority;
    assert_eq!((priority("a"), priority("b")), (7, 1));
}

pub async fn a_patch_leaves_what_its_type_gave<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(resize(1)).await.unwrap();
    lab.make(job("a").of_type("resize")).await;
    let seen = |lab: &Lab<S>| (row(lab, "a").priority, row(lab, "a").labels);
    for (members, priority) in [
        (json!({"metadata": {"labels": {"team": "x"}}}), 7),
        (json!({"spec": {"priority": 2}}), 2),
        (json!({"metadata": {"labels": {"team": "y"}}}), 2),
        (json!({"spec": {"priority": null}}), 7),
    ] {
        let patched = lab.amend("a", members.clone()).await.unwrap();
        assert!(patched.changed && patched.object.spec.run.is_none(), "it is shown as it was asked for");
        assert_eq!(seen(&lab).0, priority, "{members}");
    }
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    assert_eq!(seen(&lab), (7, Some(r#"{"team":"y"}"#.to_owned())));
}

pub async fn what_breaks_a_schema_is_refused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let broken = with(resize(1), |spec| spec.outputs = Some(json!({"type": "nothing"})));
    let refused = lab.create_entity(broken).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.outputs");
    lab.create_entity(resize(1)).await.unwrap();
    let before = lab.dump.tasks.len();
    let refused = lab.create(job("a").of_type("resize@1").input("width", json!("wide"))).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.inputs.width");
    assert!(refused.causes[0].message.contains("is not of type \"integer\" (rule /properties/width/type"));
    let limited = with(resize(2), |spec| spec.defaults.semaphores = vec![SemaphoreUse::One("gpu".into())]);
    lab.create_entity(limited).await.unwrap();
    let refused = lab.create(job("a").of_type("resize@2")).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.semaphores[0]", "the type's own limits are looked up too");
    lab.delete_entity::<TaskType>("resize@2").await.unwrap();
    let unknown = lab.create(job("a").of_type("resize@7")).await.unwrap_err();
    assert_eq!(unknown.causes[0].field, "spec.type");
    let object =
        pipeline("p", [job("s").of_type("resize").input("width", json!(null)), job("t").of_type("x")]);
    let refused = lab.create_pipeline(super::calls::pipeline_params(object)).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.steps[0].inputs.width", "spec.steps[1].type"]);
    assert_eq!(lab.dump.tasks.len(), before, "nothing was made");
}

pub async fn outputs_are_judged<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let schema = json!({"properties": {"n": {"maximum": 3}}, "required": ["n"]});
    lab.create_entity(with(resize(1), |spec| spec.outputs = Some(schema))).await.unwrap();
    for (name, given, phase) in [
        ("good", json!({"n": 3}), Phase::Succeeded),
        ("large", json!({"n": 4}), Phase::Failed),
        ("none", json!({}), Phase::Failed),
    ] {
        lab.make(job(name).of_type("resize").limit(5)).await;
        let grant = lab.running(name).await;
        assert!(lab.report(grant, outputs(given)).await);
        let row = row(&lab, name);
        assert_eq!(row.phase, phase, "{name}");
        if phase == Phase::Failed {
            assert_eq!(row.reason, Some(Reason::InvalidOutput), "never tried again");
            assert!(row.message.as_ref().unwrap().starts_with("outputs"), "{row:?}");
            assert_eq!(row.output_digest, None);
        }
    }
}

pub async fn evaluated_inputs_are_judged<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(resize(1)).await.unwrap();
    lab.make(job("a")).await;
    lab.make(job("b").of_type("resize").needs(["a"]).made("width", ".needs.a.w")).await;
    lab.give("a", json!({"w": "wide"})).await;
    lab.evaluate().await;
    assert_eq!(lab.state("b").await, "Failed/InvalidInput");
    assert!(row(&lab, "b").message.as_ref().unwrap().starts_with("inputs.width: \"wide\" is not of type"));
}

pub async fn a_task_keeps_its_type<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.create_entity(resize(1)).await.unwrap();
    lab.make(job("a").of_type("resize")).await;
    lab.succeed("a").await;
    let changed = with(resize(1), |spec| spec.run = TaskSpec::command(["other"]).run);
    let applied = lab.apply(ApplyParams { objects: vec![changed], ..ApplyParams::default() }).await.unwrap();
    assert_eq!(applied.results[0].outcome, ApplyOutcome::Configured);
    lab.make(job("b").of_type("resize")).await;
    assert_eq!(words(lab.running("b").await.run.as_ref()), ["other"], "later tasks have the change");
    lab.delete_entity::<TaskType>("resize").await.unwrap();
    let changes = [("inputs.width".to_owned(), json!(9))].into();
    lab.restart_with(RestartParams { changes, ..restart("a") }).await.unwrap();
    assert_eq!(words(lab.running("a").await.run.as_ref()), ["resize", "9", "v1"], "as it was made");
    lab.succeed("a").await;
    let wrong = [("inputs.width".to_owned(), Value::Bool(true))].into();
    let refused = lab.restart_with(RestartParams { changes: wrong, ..restart("a") }).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.inputs.width");
}

pub async fn sets_are_applied_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let of = |objects: &[TaskType], source: &str, prune| ApplyParams {
        objects: objects.to_vec(),
        source: Some(source.into()),
        prune,
        ..ApplyParams::default()
    };
    let said = |applied: Applied| -> Vec<String> {
        applied.results.iter().map(|one| format!("{} {}", one.name, one.outcome.as_str())).collect()
    };
    let mut crop = resize(1);
    crop.metadata.name = Some("crop".into());
    let both = [resize(1), crop.clone()];
    let first = lab.apply(of(&both, "media", true)).await.unwrap();
    assert_eq!(said(first), ["resize@1 created", "crop@1 created"]);
    let mut alone = resize(1);
    alone.metadata.name = Some("alone".into());
    lab.create_entity(alone.clone()).await.unwrap();
    let same = lab.apply(of(&both, "media", true)).await.unwrap();
    assert_eq!(said(same), ["resize@1 unchanged", "crop@1 unchanged"]);
    let dry = ApplyParams { dry_run: true, ..of(&[resize(2)], "media", true) };
    assert_eq!(said(lab.apply(dry).await.unwrap()), ["resize@2 created", "crop@1 pruned", "resize@1 pruned"]);
    assert_eq!(lab.type_of("resize").await, "resize@1", "nothing was done");
    let other = lab.apply(of(&[crop.clone(), alone], "theirs", false)).await.unwrap_err();
    assert_eq!(
        (other.reason, &*other.message),
        (ErrorReason::Conflict, "crop@1 belongs to the set \"media\"")
    );
    assert_eq!(lab.get_entity::<TaskType>("alone").await.unwrap().spec.source, None, "all or none");
    let twice = lab.apply(of(&[crop.clone(), crop], "media", false)).await.unwrap_err();
    assert_eq!(twice.causes[0].field, "objects[1].metadata.name");
    assert_eq!(said(lab.apply(of(&[], "media", true)).await.unwrap()), ["crop@1 pruned", "resize@1 pruned"]);
    assert_eq!(lab.type_of("alone").await, "alone@1", "not of the set");
}
