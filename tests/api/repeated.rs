//! A request id on every method that makes or changes something: done once, answered alike, and never of two bodies.

use std::collections::BTreeSet;

use ktk_client::{
    Client,
    api::{
        Task, Token,
        task::{CancelParams, CreateParams, TaskSpec},
        token::{Role, TokenSpec},
    },
};
use ktk_tests::Place;
use serde_json::{Value, json};

use crate::{on_both_stores, raw_http};

/// What each verb that only reads is called. All others take a request id, but for those of workers: these have a
/// generation and fences, by which what comes twice counts once.
const READS: [&str; 13] = [
    "applied", "get", "list", "table", "tree", "why", "check", "plan", "status", "discover", "whoami", "can",
    "usage",
];

fn ask(place: &Place, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    raw_http::call(place, &body.to_string())
}

fn done(place: &Place, method: &str, params: &Value) -> Value {
    let answer = ask(place, method, params);
    assert_eq!(answer.get("error"), None, "{method} {params}");
    answer["result"].clone()
}

fn external(name: &str) -> Value {
    object("Task", name, &json!({"external": {}}))
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "ktk/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn named(name: &str) -> Value {
    json!({"ref": {"namespace": "default", "name": name}})
}

fn and(mut params: Value, name: &str, value: impl Into<Value>) -> Value {
    params[name] = value.into();
    params
}

fn patched(name: &str, value: u32) -> Value {
    and(named(name), "patch", json!({"merge": {"metadata": {"labels": {"n": value.to_string()}}}}))
}

/// In an order in which each is possible: the method, its parameters, and others.
fn script() -> Vec<(&'static str, Value, Value)> {
    let pipeline = |name| object("Pipeline", name, &json!({"steps": [{"name": "s", "external": {}}]}));
    let task_type = |version: u32| object("TaskType", "t", &json!({"version": version, "external": {}}));
    let queue = |most: u32| object("Queue", "q", &json!({"maxRunning": most}));
    let semaphore = |permits: u32| object("Semaphore", "s", &json!({"permits": permits}));
    let token = |role: &str| object("Token", "k", &json!({"role": role}));
    let made = |object: Value| json!({"object": object});
    let now = |name| and(named(name), "now", true);
    vec![
        ("task.create", made(external("a")), made(external("b"))),
        ("task.apply", made(external("c")), made(external("d"))),
        ("task.keepalive", named("a"), and(named("a"), "attempt", 1)),
        ("task.progress", and(named("a"), "percent", 10), and(named("a"), "percent", 20)),
        ("task.patch", patched("a", 1), patched("a", 2)),
        ("task.pause", named("a"), named("b")),
        ("task.resume", named("a"), named("b")),
        ("task.complete", named("a"), and(named("a"), "outputs", json!({"k": 1}))),
        ("task.restart", named("a"), and(named("a"), "reason", "another")),
        ("task.fail", named("a"), and(named("a"), "message", "another")),
        ("task.adopt", named("a@1"), and(named("a@1"), "reason", "another")),
        ("task.restart", named("a"), and(named("a"), "reason", "another")),
        ("task.cancel", named("a"), now("a")),
        ("task.delete", named("a"), now("a")),
        ("pipeline.create", made(pipeline("p")), made(pipeline("other"))),
        ("pipeline.apply", made(pipeline("p")), made(pipeline("other"))),
        ("pipeline.patch", patched("p", 1), patched("p", 2)),
        ("pipeline.pause", named("p"), named("other")),
        ("pipeline.resume", named("p"), named("other")),
        ("pipeline.cancel", named("p"), now("p")),
        ("pipeline.restart", named("p"), and(named("p"), "all", true)),
        ("pipeline.delete", now("p"), named("p")),
        ("queue.create", made(queue(1)), made(queue(2))),
        ("queue.apply", made(queue(1)), made(queue(2))),
        ("queue.scale", and(named("q"), "maxRunning", 3), named("q")),
        ("queue.patch", patched("q", 1), patched("q", 2)),
        ("queue.pause", named("q"), named("default")),
        ("queue.resume", named("q"), named("default")),
        ("queue.delete", named("q"), named("default")),
        ("semaphore.create", made(semaphore(1)), made(semaphore(2))),
        ("semaphore.apply", made(semaphore(1)), made(semaphore(2))),
        ("semaphore.scale", and(named("s"), "permits", 3), and(named("s"), "permits", 4)),
        ("semaphore.patch", patched("s", 1), patched("s", 2)),
        ("semaphore.delete", named("s"), named("other")),
        ("tasktype.create", made(task_type(1)), made(task_type(2))),
        ("tasktype.apply", json!({"objects": [task_type(1), task_type(2)]}), json!({"objects": []})),
        ("tasktype.patch", patched("t@2", 1), patched("t@2", 2)),
        ("tasktype.delete", named("t@2"), named("t@1")),
        ("token.create", made(token("viewer")), made(token("admin"))),
        ("token.delete", named("k"), named("other")),
        ("server.collect", json!({}), json!({"after": "somewhere"})),
    ]
}

fn walked_on(store: &str) {
    let place = Place::new().with_env("KTK_STORE", store);
    place.start();
    let mut walked = BTreeSet::new();
    for (number, (method, params, others)) in script().into_iter().enumerate() {
        let with_id = |params| and(params, "requestId", format!("request-{number}"));
        let first = done(&place, method, &with_id(params.clone()));
        let again = done(&place, method, &with_id(params));
        assert_eq!(again.get("token"), None, "a secret is shown once");
        // Of what makes something, the second answer shows it as it is by then.
        let made = |answer: &Value| (answer["created"].clone(), answer["object"]["metadata"]["id"].clone());
        if first.get("created").is_some() {
            assert_eq!(made(&first), made(&again), "{method}");
        } else {
            assert_eq!(first, again, "{method}");
        }
        let error = ask(&place, method, &with_id(others))["error"].clone();
        assert_eq!(error["data"]["reason"], "Conflict", "{method}: {error}");
        assert!(error["message"].as_str().unwrap().contains("requestId"), "{method}: {error}");
        walked.insert(method.to_owned());
    }
    let stop = and(json!({"drain": "1s"}), "requestId", "the last");
    assert!(done(&place, "server.stop", &stop)["pid"].is_u64());
    walked.insert("server.stop".to_owned());

    let place = Place::started();
    let document = done(&place, "rpc.discover", &json!({}));
    for method in document["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        let takes = method["params"].as_array().unwrap().iter().any(|param| param["name"] == "requestId");
        // To check what would be made takes what making takes.
        if name.ends_with(".check") {
            continue;
        }
        let verb = name.rsplit('.').next().unwrap();
        let changes = !READS.contains(&verb) && !name.starts_with("worker.");
        assert_eq!(takes, changes, "{name} {}", if changes { "changes something" } else { "only reads" });
        assert_eq!(walked.contains(name), changes, "{name} is walked here");
    }
}

/// What one has done under an id neither answers nor hinders who sends the same id.
async fn everybody_has_ids_of_their_own(client: Client) {
    let mut askers = vec![client.clone()];
    for (name, namespace) in [("ci", "ci"), ("media", "media")] {
        let spec = TokenSpec { role: Role::Operator, namespaces: vec![namespace.into()], expires_at: None };
        let issued = client.tokens().create(&Token::new(name, spec)).await.unwrap();
        askers.push(client.with_token(&issued.token.unwrap()).in_namespace(namespace));
    }
    let make = async |asker: &Client| {
        let mut object = Task::new("t", TaskSpec::external());
        object.metadata.namespace = Some(asker.namespace().to_owned());
        let request_id = Some("one".to_owned());
        asker
            .tasks()
            .create_with(CreateParams { object, request_id, caller_env: None, dry_run: false })
            .await
            .unwrap()
    };
    let cancel = async |asker: &Client| {
        let params = CancelParams {
            reference: asker.tasks().reference("t"),
            now: false,
            request_id: Some("two".into()),
        };
        asker.tasks().cancel_with(params).await
    };
    let mut ids = BTreeSet::new();
    for asker in &askers {
        let (first, again) = (make(asker).await, make(asker).await);
        assert_eq!(first.object.metadata.id, again.object.metadata.id);
        assert_eq!(first.object.metadata.namespace(), asker.namespace());
        ids.insert(first.object.metadata.id);
        assert_eq!(cancel(asker).await.unwrap().metadata.id, first.object.metadata.id);
    }
    assert_eq!(ids.len(), askers.len());

    // The very same request of somebody who may not send it.
    client.tasks().create(&Task::new("u", TaskSpec::external())).await.unwrap();
    let reference = client.tasks().reference("u");
    let params = CancelParams { reference, now: false, request_id: Some("three".into()) };
    client.tasks().cancel_with(params.clone()).await.unwrap();
    client.tasks().cancel_with(params.clone()).await.unwrap();
    for stranger in &askers[1..] {
        assert!(stranger.tasks().cancel_with(params.clone()).await.unwrap_err().is_forbidden());
    }

    // Who is called as somebody was before is somebody else.
    client.tokens().delete("ci").await.unwrap();
    let spec = TokenSpec { role: Role::Operator, namespaces: vec!["ci".into()], expires_at: None };
    let issued = client.tokens().create(&Token::new("ci", spec)).await.unwrap();
    let other = client.with_token(&issued.token.unwrap()).in_namespace("ci");
    assert!(cancel(&other).await.unwrap_err().is_conflict(), "it has ended, and that is no first answer");
}

on_both_stores!(everybody_has_ids_of_their_own);

#[test]
fn each_change_is_done_once_on_sqlite() {
    walked_on("sqlite");
}

#[test]
fn each_change_is_done_once_on_memory() {
    walked_on("memory");
}
