//! Verbs that are more than one call: creating from a stream, typed watches, waiting, errors that one asks.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    api::{ErrorReason, Phase, Task, task::TaskSpec, watch::WatchParams},
    client::{
        Error,
        changes::ObjectEvent,
        fake::{self, FakeCall, disconnected},
        wait::Condition,
    },
    limits::BATCH_CALLS,
};

fn task(name: &str) -> Task {
    let mut task = Task::new(name, TaskSpec::handler("noop"));
    task.metadata.id = Some(uuid::Uuid::now_v7());
    task
}

/// Answers each call of a batch: it was made, but for one name.
fn answer_batch(call: FakeCall) -> usize {
    let calls = call.body.as_array().expect("a batch").clone();
    let answer = |call: &Value| {
        let object = &call["params"]["object"];
        if object["metadata"]["name"] == "t1" {
            let error = json!({"code": -32000, "message": "taken", "data": {"reason": "AlreadyExists"}});
            return json!({"jsonrpc": "2.0", "id": call["id"], "error": error});
        }
        json!({"jsonrpc": "2.0", "id": call["id"], "result": {"object": object, "created": true}})
    };
    call.raw(&calls.iter().map(answer).collect());
    calls.len()
}

#[tokio::test(start_paused = true)]
async fn no_more_is_taken_from_a_stream_than_is_answered() {
    let (client, mut server) = fake::pair();
    let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = taken.clone();
    let tasks = stream::iter(0..2_500).map(move |number| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        task(&format!("t{number}"))
    });
    let seen = || taken.load(std::sync::atomic::Ordering::Relaxed);
    let mut created = client.tasks().create_stream(tasks);
    let mut sizes = Vec::new();
    let mut refused = Vec::new();
    for round in 1..=3 {
        let first = tokio::spawn(async move {
            let next = created.next().await;
            (created, next)
        });
        let call = server.next().await;
        assert_eq!(seen(), (round * BATCH_CALLS).min(2_500), "a batch at a time");
        sizes.push(answer_batch(call));
        let (rest, next) = first.await.expect("no panic");
        created = rest;
        let mut outcomes = vec![next.expect("an answer").expect("it was asked")];
        for _ in 1..*sizes.last().expect("a batch") {
            outcomes.push(created.next().await.expect("an answer").expect("it was asked"));
        }
        assert!(!server.has_call(), "the next batch waits until these answers are taken");
        refused.extend(outcomes.into_iter().filter_map(Result::err));
    }
    assert!(created.next().await.is_none());
    assert_eq!(sizes, [1_000, 1_000, 500]);
    assert_eq!(refused.iter().map(|error| error.reason).collect::<Vec<_>>(), [ErrorReason::AlreadyExists]);
}

#[tokio::test(start_paused = true)]
async fn creating_from_a_stream_ends_with_its_first_error() {
    let (client, mut server) = fake::pair();
    let mut created = client.tasks().create_stream(stream::iter([task("a")]).chain(stream::pending()));
    let creating = tokio::spawn(async move { (created.next().await, created.next().await.is_none()) });
    server.next().await.refuse(ErrorReason::Unavailable);
    let (first, is_over) = creating.await.expect("no panic");
    let error = first.expect("an answer").expect_err("refused");
    assert!(error.is_unavailable() && error.is_retryable() && is_over);
}

#[tokio::test(start_paused = true)]
async fn a_typed_watch_brings_objects() {
    let (client, mut server) = fake::pair();
    let params = WatchParams { version: Some(3), ..WatchParams::default() };
    let mut watch = client.in_namespace("media").tasks().watch(params);
    let events =
        tokio::spawn(async move { (watch.try_next().await, watch.try_next().await, watch.try_next().await) });
    let stream = server.next_stream().await;
    assert_eq!(stream.path_and_query, "/watch?kinds=Task&namespace=media&version=3");
    let sender = stream.open();
    let object = serde_json::to_value(task("a")).expect("JSON");
    for data in [
        json!({"type": "change", "version": 4, "object": object}),
        json!({"type": "delete", "version": 5, "object": {"kind": "Task"}}),
        json!({"type": "change", "version": 6, "object": {"kind": "Task"}}),
    ] {
        let name = data["type"].as_str().expect("a name");
        sender.send(format!("id: {}\nevent: {name}\ndata: {data}\n\n", data["version"])).expect("read");
    }
    let (change, delete, broken) = events.await.expect("no panic");
    let Ok(Some(ObjectEvent::Changed { version: 4, object })) = change else { panic!("{change:?}") };
    assert_eq!(object.metadata.name(), "a");
    assert_eq!(delete.expect("an event").map(|event| event.version()), Some(5));
    assert!(matches!(broken, Err(Error::Protocol(_))), "what is no task is told");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_be_met_says_what_it_came_to() {
    let (client, mut server) = fake::pair();
    let waiting = tokio::spawn(async move { client.tasks().wait("x", Condition::Succeeded).await });
    let call = server.next().await;
    assert_eq!(call.method(), "task.get");
    let mut failed = serde_json::to_value(task("x")).expect("JSON");
    failed["metadata"]["version"] = json!(7);
    failed["status"] = json!({"phase": "Failed", "reason": "ExitCode", "attempts": []});
    call.answer(failed);
    let error = waiting.await.expect("no panic").expect_err("it failed");
    let Error::Unmet { object } = &error else { panic!("{error:?}") };
    assert_eq!(object.phase(), Some(Phase::Failed));
    assert_eq!(error.to_string(), "Task \"x\" is Failed: what is waited for will not come");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_asked_what_it_is() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn(async move { client.tasks().get("x").await });
    let call = server.next().await;
    let data = json!({
        "reason": "Invalid", "hint": "write another",
        "causes": [{"field": "name", "message": "is no name"}], "requestId": "r1",
    });
    let id = call.body["id"].clone();
    call.raw(
        &json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "wrong", "data": data}}),
    );
    let error = reading.await.expect("no panic").expect_err("refused");
    assert!(error.is_invalid() && !error.is_retryable() && !error.is_timeout());
    assert_eq!((error.causes()[0].field.as_str(), error.hint()), ("name", Some("write another")));
    assert_eq!(error.request_id(), Some("r1"));
    assert!(disconnected().causes().is_empty());
}
