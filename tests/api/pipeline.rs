//! `pipeline.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        Phase, Pipeline, Reason, Semaphore,
        list::ListParams,
        patch::Patch,
        pipeline::{CreateParams, PipelineSpec},
        restart::{Cascade, RestartParams},
        task::{CancelParams, DeleteParams},
        why::WaitFor,
    },
    client::follow::Target,
};
use serde_json::{Value, json};

use crate::{on_both_stores, until};

on_both_stores!(
    created_whole_or_not_at_all,
    checked_and_not_made,
    followed_restarted_and_deleted,
    cancelled,
    run_if,
    fail_fast,
    patched,
    applied,
    what_it_waits_for,
);

fn pipeline(name: &str, spec: Value) -> Pipeline {
    let spec: PipelineSpec = serde_json::from_value(spec).unwrap();
    Pipeline::new(name, spec)
}

fn step(name: &str, needs: &[&str], script: &str) -> Value {
    json!({"name": name, "needs": needs, "run": {"command": ["sh", "-c", script]}})
}

async fn ended(client: &Client, name: &str) -> Pipeline {
    until(client, Target::Pipeline(client.pipelines().reference(name))).await;
    client.pipelines().get(name).await.unwrap()
}

/// Phase and reason of a step.
async fn state(client: &Client, task: &str) -> (Phase, Option<Reason>) {
    let status = client.tasks().get(task).await.unwrap().status.unwrap();
    (status.phase, status.reason)
}

/// What the server alone knows is told, also of a pipeline that is wrong by itself.
async fn checked_and_not_made(client: Client) {
    let good = pipeline("p", json!({"steps": [step("a", &[], "true")]}));
    assert_eq!(client.pipelines().check(&good).await.unwrap(), []);
    let mut wrong = good.clone();
    wrong.spec.queue = Some("nosuch".into());
    wrong.spec.steps[0].when = Some(ktk_client::api::jq::Jq { jq: ".[".into() });
    wrong.spec.steps[0].needs = vec!["nobody".into()];
    let causes = client.pipelines().check(&wrong).await.unwrap();
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.steps[0].when.jq", "spec.queue"]);
    assert!(client.pipelines().get_opt("p").await.unwrap().is_none());
}

/// `pipeline.why`: as a whole, or each step.
async fn what_it_waits_for(client: Client) {
    client.semaphores().create(&Semaphore::new("gpu", 1)).await.unwrap();
    let holder = pipeline("o", json!({"semaphores": ["gpu"], "steps": [{"name": "s", "external": {}}]}));
    client.pipelines().create(&holder).await.unwrap();
    let steps = json!([step("a", &[], "true"), step("b", &["a"], "true")]);
    let whole = pipeline("p", json!({"semaphores": ["gpu"], "steps": steps}));
    client.pipelines().create(&whole).await.unwrap();
    let why = client.pipelines().why("p").await.unwrap();
    assert_eq!((&*why.pipeline, why.phase, why.steps.len()), ("p@1", Phase::Pending, 0));
    assert_eq!((why.waits[0].what, why.waits[0].place), (WaitFor::Permit, Some(1)));
    assert_eq!(why.waits[0].holders[0].task, "pipeline/o@1");
    client.pipelines().cancel("o").await.unwrap();
    ended(&client, "p").await;
    let why = client.pipelines().why("p").await.unwrap();
    assert!(why.phase == Phase::Succeeded && why.waits.is_empty() && why.steps.is_empty());
    client
        .pipelines()
        .create(&pipeline("q", json!({"steps": [step("a", &[], "false"), step("b", &["a"], "true")]})))
        .await
        .unwrap();
    ended(&client, "q").await;
    let why = client.pipelines().why("q").await.unwrap();
    let step = &why.steps[0];
    assert_eq!((&*step.task, step.waits[0].what, why.more_steps), ("q.b@1", WaitFor::Upstream, 0));
    assert!(client.pipelines().why("nosuch").await.unwrap_err().is_not_found());
}

async fn created_whole_or_not_at_all(client: Client) {
    let bad = pipeline(
        "p",
        json!({"steps": [step("a", &["b"], "true"), step("b", &["a"], "true"), step("c", &["x"], "true")]}),
    );
    let error = client.pipelines().create(&bad).await.unwrap_err();
    let causes = &error.api().unwrap().causes;
    assert!(causes.iter().any(|cause| cause.message.contains("a → b → a")), "{causes:?}");
    assert!(causes.iter().any(|cause| cause.message.contains("\"x\"")), "{causes:?}");
    assert!(client.pipelines().get_opt("p").await.unwrap().is_none());
    assert!(client.tasks().list(ListParams::default()).await.unwrap().items.is_empty());

    let good = pipeline("p", json!({"params": {"n": 1}, "steps": [step("a", &[], "true")]}));
    let params = CreateParams {
        object: good.clone(),
        params: Default::default(),
        request_id: Some("r".into()),
        caller_env: None,
        new_name_if_taken: false,
        dry_run: false,
    };
    let first = client.pipelines().create_with(params.clone()).await.unwrap();
    let again = client.pipelines().create_with(params.clone()).await.unwrap();
    assert_eq!(first.object.metadata.id, again.object.metadata.id);
    assert!(client.pipelines().create(&good).await.unwrap_err().is_already_exists());
    let renamed = CreateParams { new_name_if_taken: true, request_id: None, ..params.clone() };
    let renamed = client.pipelines().create_with(renamed).await.unwrap();
    assert!(renamed.object.metadata.name().starts_with("p-"));
    let mut unknown = CreateParams { request_id: None, ..params };
    unknown.object = pipeline("q", json!({"params": {"n": 1}, "steps": [step("a", &[], "true")]}));
    unknown.params.insert("nosuch".into(), json!(1));
    assert!(client.pipelines().create_with(unknown).await.unwrap_err().is_invalid());
    let many = [pipeline("m1", json!({"steps": [step("a", &[], "true")]})), bad];
    let made = client.pipelines().create_many(&many).await.unwrap();
    assert!(made[0].is_ok() && made[1].is_err());
}

async fn followed_restarted_and_deleted(client: Client) {
    let spec = json!({"steps": [
        step("a", &[], "echo got=1 >$KTK_OUTPUT"),
        step("b", &["a"], "test -e $KTK_DIR/fixed"),
        step("c", &["b"], "true"),
    ]});
    client.pipelines().create(&pipeline("p", spec)).await.unwrap();
    let failed = ended(&client, "p").await.status.unwrap();
    assert_eq!(
        (failed.phase, failed.steps.total, failed.steps.done, failed.steps.failed),
        (Phase::Failed, 3, 1, 2)
    );
    assert_eq!(state(&client, "p.c").await, (Phase::Pending, Some(Reason::UpstreamFailed)));
    std::fs::write(format!("{}/fixed", failed.directory.unwrap()), "").unwrap();
    let plan = client.pipelines().restart("p").dry_run().await.unwrap().plan;
    let rows: Vec<_> = plan.iter().map(|row| (row.task.as_str(), row.action.as_str())).collect();
    assert_eq!(rows, [("p.b", "restart"), ("p.c", "continue"), ("p.a", "keep")]);
    let restarted = client.pipelines().restart("p").await.unwrap();
    assert_eq!(restarted.restarted.len(), 1);
    let status = ended(&client, "p").await.status.unwrap();
    assert_eq!((status.phase, status.steps.done, status.restarts), (Phase::Succeeded, 3, 1));
    let nothing = client.pipelines().restart("p").await.unwrap();
    assert!(!nothing.created && nothing.restarted.is_empty());
    let all = client.pipelines().restart("p").from_step("a").cascade(Cascade::All).await.unwrap();
    assert!(all.created);
    assert_eq!(ended(&client, "p").await.status.unwrap().restarts, 4);
    let params: RestartParams =
        serde_json::from_value(json!({"ref": client.pipelines().reference("p"), "from": "nosuch"})).unwrap();
    assert!(client.pipelines().restart_with(params).await.is_err());
    assert_eq!(client.pipelines().list(ListParams::default()).await.unwrap().items.len(), 1);
    let all: Vec<Pipeline> = client.pipelines().list_all(ListParams::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), client.pipelines().list_whole(ListParams::default()).await.unwrap().items.len());
    assert!(client.tasks().delete("p.a").await.unwrap_err().is_conflict());
    let params = DeleteParams { reference: client.pipelines().reference("p"), ..DeleteParams::default() };
    assert!(client.pipelines().delete_with(params).await.unwrap().gone);
    assert!(client.pipelines().delete("p").await.unwrap_err().is_not_found());
    assert!(client.tasks().get_opt("p.a").await.unwrap().is_none());
}

async fn cancelled(client: Client) {
    let mut tidy = step("tidy", &["long"], "true");
    tidy["runIf"] = json!("always");
    let spec =
        json!({"steps": [step("long", &[], "exec sleep 1000"), step("then", &["long"], "true"), tidy]});
    for name in ["p", "q"] {
        client.pipelines().create(&pipeline(name, spec.clone())).await.unwrap();
    }
    client.pipelines().cancel("p").await.unwrap();
    assert_eq!(ended(&client, "p").await.status.unwrap().phase, Phase::Cancelled);
    assert_eq!(state(&client, "p.then").await, (Phase::Cancelled, Some(Reason::PipelineCancelled)));
    assert_eq!(state(&client, "p.tidy").await, (Phase::Succeeded, None));
    assert!(client.pipelines().cancel("p").await.unwrap_err().is_conflict());
    let params =
        CancelParams { reference: client.pipelines().reference("q"), now: true, ..CancelParams::default() };
    client.pipelines().cancel_with(params).await.unwrap();
    ended(&client, "q").await;
    assert_eq!(state(&client, "q.tidy").await, (Phase::Cancelled, Some(Reason::PipelineCancelled)));
}

async fn run_if(client: Client) {
    let on = |mut step: Value, run_if: &str| {
        step["runIf"] = json!(run_if);
        step
    };
    let spec = json!({"steps": [
        step("good", &[], "true"),
        step("bad", &[], "false"),
        on(step("alarm", &["good", "bad"], "true"), "failure"),
        on(step("calm", &["good"], "true"), "failure"),
        on(step("always", &["bad"], "true"), "always"),
        step("then", &["calm"], "true"),
    ]});
    client.pipelines().create(&pipeline("p", spec)).await.unwrap();
    ended(&client, "p").await;
    assert_eq!(state(&client, "p.alarm").await, (Phase::Succeeded, None));
    assert_eq!(state(&client, "p.calm").await, (Phase::Skipped, Some(Reason::NotNeeded)));
    assert_eq!(state(&client, "p.always").await, (Phase::Succeeded, None));
    assert_eq!(state(&client, "p.then").await, (Phase::Succeeded, None));
    let alarm = client.tasks().get("p.alarm").await.unwrap().status.unwrap();
    let seen: Vec<_> = alarm.resolved.iter().map(|took| (took.need.as_str(), took.phase)).collect();
    assert_eq!(seen, [("good", Phase::Succeeded), ("bad", Phase::Failed)]);
}

async fn fail_fast(client: Client) {
    let spec = json!({"failFast": true, "steps": [
        step("bad", &[], "false"),
        step("long", &[], "exec sleep 1000"),
        step("after", &["bad"], "true"),
        step("later", &["long"], "true"),
    ]});
    client.pipelines().create(&pipeline("p", spec)).await.unwrap();
    assert_eq!(ended(&client, "p").await.status.unwrap().phase, Phase::Failed);
    assert_eq!(state(&client, "p.long").await, (Phase::Cancelled, Some(Reason::PipelineCancelled)));
    assert_eq!(state(&client, "p.later").await, (Phase::Cancelled, Some(Reason::PipelineCancelled)));
    assert_eq!(state(&client, "p.after").await, (Phase::Pending, Some(Reason::UpstreamFailed)));
}

async fn patched(client: Client) {
    let pipelines = client.pipelines();
    pipelines.create(&pipeline("p", json!({"steps": [step("s", &[], "true")]}))).await.unwrap();
    let change =
        Patch::Merge(json!({"metadata": {"labels": {"team": "media"}, "annotations": {"note": "any"}}}));
    let patched = pipelines.patch("p", change).await.unwrap();
    assert_eq!((patched.changed, patched.object.metadata.labels["team"].as_str()), (true, "media"));
    assert_eq!(pipelines.get("p").await.unwrap().metadata.annotations["note"], "any");
    let steps = Patch::Merge(json!({"spec": {"steps": []}}));
    assert!(pipelines.patch("p", steps).await.unwrap_err().is_invalid());
}

async fn applied(client: Client) {
    let pipelines = client.pipelines();
    let wanted = pipeline("p", json!({"steps": [step("s", &[], "true")]}));
    assert_eq!(pipelines.apply(&wanted).await.unwrap().outcome.as_str(), "created");
    assert_eq!(ended(&client, "p").await.status.unwrap().phase, Phase::Succeeded);
    assert_eq!(pipelines.apply(&wanted).await.unwrap().outcome.as_str(), "unchanged");
    let other = pipeline("p", json!({"steps": [step("t", &[], "true")]}));
    assert!(pipelines.apply(&other).await.unwrap_err().is_invalid());
}
