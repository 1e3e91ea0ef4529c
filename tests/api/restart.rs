//! `restart.*`.

use ktk_client::{
    Client, Error,
    api::{
        ErrorReason, ObjectRef, Pipeline, Token,
        restart::{AdoptParams, Cascade, MAX_PLANNED, PlanRow, RestartParams, Wanted},
        token::{Role, TokenSpec},
    },
    client::follow::Target,
};
use serde_json::json;

use crate::{ended, on_both_stores, process, until};

on_both_stores!(planned_together, planned_within_reach, too_many);

fn task(name: &str) -> Wanted {
    let reference = ObjectRef::new("default", name);
    Wanted::Task(RestartParams { reference, cascade: Cascade::All, ..RestartParams::default() })
}

/// `task action` of each plan, or the reason of its refusal.
fn texts(plans: Vec<Result<Vec<PlanRow>, ktk_client::api::ApiError>>) -> Vec<Vec<String>> {
    let row = |row: &PlanRow| format!("{} {}", row.task, row.action.as_str());
    let text = |plan: Result<Vec<PlanRow>, ktk_client::api::ApiError>| match plan {
        Ok(rows) => rows.iter().map(row).collect(),
        Err(error) => vec![error.reason.to_string()],
    };
    plans.into_iter().map(text).collect()
}

async fn planned_together(client: Client) {
    let pipeline: Pipeline = serde_json::from_value(json!({
        "apiVersion": "ktk/v1", "kind": "Pipeline", "metadata": {"name": "p"},
        "spec": {"steps": [{"name": "a", "run": {"command": ["true"]}},
            {"name": "b", "needs": ["a"], "run": {"command": ["false"]}}]}
    }))
    .unwrap();
    client.pipelines().create(&pipeline).await.unwrap();
    until(&client, Target::Pipeline(client.pipelines().reference("p"))).await;
    let reference = client.pipelines().reference("p");
    let whole =
        RestartParams { reference, dry_run: true, request_id: Some("r".into()), ..Default::default() };
    let mut changed = RestartParams { reference: ObjectRef::new("default", "p.a"), ..Default::default() };
    changed.changes.insert("when".into(), json!("no jq ("));
    let adopted = AdoptParams { reference: ObjectRef::new("default", "p.a@1"), ..AdoptParams::default() };
    let restarts = vec![
        task("p.a"),
        Wanted::Pipeline(whole),
        task("p.b"),
        task("nosuch"),
        Wanted::Task(changed),
        Wanted::Adopt(adopted),
    ];
    let plans = client.plan_restarts(restarts.clone()).await.unwrap();
    let expected: [&[&str]; 6] = [
        &["p.a restart", "p.b restart"],
        // What failed in it has a next incarnation by then.
        &[],
        &[],
        &["NotFound"],
        &["Invalid"],
        &["Conflict"],
    ];
    assert_eq!(texts(plans.clone()), expected);
    assert_eq!(client.plan_restarts(restarts).await.unwrap(), plans, "nothing has changed");
    assert_eq!(client.tasks().tree("p.a").await.unwrap().items.len(), 1);
    assert_eq!(client.plan_restarts(Vec::new()).await.unwrap(), []);
}

/// Who may restart may plan, and nothing else than what it may restart.
async fn planned_within_reach(client: Client) {
    let ci = client.in_namespace("ci");
    for client in [&client, &ci] {
        client.tasks().create(&process("x", &["false"])).await.unwrap();
        ended(client, "x").await;
    }
    let speaking = async |name: &str, role, namespaces| {
        let spec = TokenSpec { role, namespaces, expires_at: None };
        let issued = client.tokens().create(&Token::new(name, spec)).await.unwrap();
        client.with_token(&issued.token.unwrap())
    };
    let reference = ci.tasks().reference("x");
    let restarts = vec![task("x"), Wanted::Task(RestartParams { reference, ..RestartParams::default() })];
    let operator = speaking("ci", Role::Operator, vec!["ci".into()]).await;
    let plans = operator.plan_restarts(restarts.clone()).await.unwrap();
    assert_eq!(texts(plans), [["Forbidden"], ["x restart"]]);
    let viewer = speaking("viewer", Role::Viewer, Vec::new()).await;
    assert!(viewer.plan_restarts(restarts).await.unwrap_err().is_forbidden());
}

async fn too_many(client: Client) {
    let refused = client.plan_restarts(vec![task("x"); MAX_PLANNED + 1]).await.unwrap_err();
    let Error::Api(refused) = refused else { panic!("not refused: {refused}") };
    assert_eq!(refused.reason, ErrorReason::TooLarge);
    assert_eq!(refused.message, "10001 restarts, the limit of one plan is 10000");
    let plans = client.plan_restarts(vec![task("x"); MAX_PLANNED]).await.unwrap();
    assert_eq!(plans.len(), MAX_PLANNED);
}
