//! Calls: what is repeated, what is not, and how batches are read.

use std::time::Duration;

use serde_json::json;

use crate::{
    api::{
        ErrorReason, ObjectRef, Task,
        attempt::{Keepalive, KeepaliveParams},
        restart::Cascade,
        task::{self, TaskSpec},
    },
    client::{
        Error, Revival,
        fake::{self, disconnected, unreachable},
    },
    limits,
};

fn task(name: &str) -> Task {
    let mut task = Task::new(name, TaskSpec::handler("noop"));
    task.metadata.id = Some(uuid::Uuid::now_v7());
    task
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_when_its_answer_is_lost() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn(async move { client.tasks().get("x").await });
    for _ in 0..limits::CALL_RETRIES {
        server.next().await.fail(disconnected());
    }
    let call = server.next().await;
    assert_eq!(call.method(), "task.get");
    assert_eq!(*call.params(), json!({"namespace": "default", "name": "x"}));
    call.answer(task("x"));
    assert_eq!(reading.await.expect("no panic").expect("read").metadata.name(), "x");
}

#[tokio::test(start_paused = true)]
async fn repeating_ends() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn(async move { client.tasks().get("x").await });
    for _ in 0..=limits::CALL_RETRIES {
        server.next().await.fail(disconnected());
    }
    let error = reading.await.expect("no panic").expect_err("lost");
    assert!(matches!(error, Error::Disconnected { .. }) && error.is_unreachable());
    assert!(!server.has_call());
}

#[tokio::test(start_paused = true)]
async fn what_changes_is_repeated_with_the_same_request_id_and_without_one_not_at_all() {
    let (client, mut server) = fake::pair();
    let creating = tokio::spawn({
        let client = client.in_namespace("media");
        async move { client.tasks().create(&task("x")).await }
    });
    let call = server.next().await;
    let first = call.params().clone();
    assert!(first["requestId"].as_str().is_some_and(|id| id.len() == 36), "{first}");
    assert_eq!(first["object"]["metadata"]["namespace"], "media");
    call.fail(disconnected());
    let call = server.next().await;
    assert_eq!(*call.params(), first);
    call.answer(json!({"object": task("x"), "created": true}));
    assert!(creating.await.expect("no panic").expect("created").created);

    let cancelling = tokio::spawn({
        let client = client.clone();
        async move { client.tasks().cancel("x").await }
    });
    let call = server.next().await;
    let first = call.params().clone();
    assert!(first["requestId"].is_string(), "{first}");
    call.fail(disconnected());
    let call = server.next().await;
    assert_eq!(*call.params(), first);
    call.answer(task("x"));
    assert!(cancelling.await.expect("no panic").is_ok());

    let keeping = tokio::spawn(async move {
        let params = ObjectRef::new("media", "x");
        let params = KeepaliveParams { reference: Some(params), ..KeepaliveParams::default() };
        client.call::<Keepalive>(&params).await
    });
    server.next().await.fail(disconnected());
    assert!(matches!(keeping.await.expect("no panic"), Err(Error::Disconnected { .. })));
    assert!(!server.has_call());
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_repeated_and_starts_nobody() {
    let (client, mut server) = fake::pair();
    server.on_revive(Err(Error::ServerStopping));
    let stopping = tokio::spawn(async move { client.server().stop(Default::default()).await });
    let call = server.next().await;
    let first = call.params().clone();
    assert!(first["requestId"].is_string(), "{first}");
    call.fail(disconnected());
    let call = server.next().await;
    assert_eq!(*call.params(), first);
    call.fail(unreachable());
    assert!(stopping.await.expect("no panic").is_err_and(|error| error.is_stopping()));
    assert_eq!(server.revivals(), [Revival::Resume]);
}

#[tokio::test(start_paused = true)]
async fn each_restart_has_a_request_id_of_its_own() {
    let (client, mut server) = fake::pair();
    let tasks = client.tasks();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let restarting = tokio::spawn(tasks.restart("x").cascade(Cascade::All).force().into_future());
        let call = server.next().await;
        assert_eq!(call.method(), "task.restart");
        assert_eq!(call.params()["cascade"], "all");
        assert_eq!(call.params()["ref"], json!({"namespace": "default", "name": "x"}));
        ids.push(call.params()["requestId"].clone());
        call.answer(json!({"object": task("x"), "created": true}));
        restarting.await.expect("no panic").expect("restarted");
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_reaches_nobody_fails_unless_the_server_can_be_started() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn({
        let client = client.clone();
        async move { client.tasks().get("x").await }
    });
    server.next().await.fail(unreachable());
    assert!(matches!(reading.await.expect("no panic"), Err(Error::Unreachable { .. })));

    server.on_revive(Ok(true));
    let reading = tokio::spawn(async move { client.tasks().cancel("x").await });
    server.next().await.fail(unreachable());
    server.next().await.answer(task("x"));
    assert!(reading.await.expect("no panic").is_ok());
    assert_eq!(server.revivals(), [Revival::Call, Revival::Call]);
}

#[tokio::test(start_paused = true)]
async fn a_call_has_a_time_limit() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn(async move { client.tasks().get("x").await });
    let mut call = server.next().await;
    call.given_up().await;
    let error = reading.await.expect("no panic").expect_err("late");
    assert!(
        matches!(&error, Error::Timeout { call, after } if call == "task.get" && *after == limits::CALL_TIMEOUT)
    );
}

#[tokio::test]
async fn absence_is_none_and_other_refusals_are_errors() {
    let (client, mut server) = fake::pair();
    let reading = tokio::spawn({
        let client = client.clone();
        async move { client.tasks().get_opt("x").await }
    });
    server.next().await.refuse(ErrorReason::NotFound);
    assert!(reading.await.expect("no panic").expect("asked").is_none());
    let reading = tokio::spawn(async move { client.tasks().get_opt("x").await });
    server.next().await.refuse(ErrorReason::Ambiguous);
    assert_eq!(reading.await.expect("no panic").expect_err("refused").reason(), Some(ErrorReason::Ambiguous));
}

#[tokio::test]
async fn a_batch_is_one_request_and_each_answer_finds_its_place() {
    let (client, mut server) = fake::pair();
    let calling = tokio::spawn(async move {
        let names = ["a", "b", "c"].map(|name| ObjectRef::new("default", name));
        client.call_batch::<task::Get>(&names).await
    });
    let call = server.next().await;
    assert_eq!(call.body.as_array().map(Vec::len), Some(3));
    assert_eq!(call.body[2]["params"]["name"], "c");
    let refusal = json!({"code": -32000, "message": "no b", "data": {"reason": "NotFound"}});
    call.raw(&json!([
        {"jsonrpc": "2.0", "id": 2, "result": task("c")},
        {"jsonrpc": "2.0", "id": 1, "error": refusal},
        {"jsonrpc": "2.0", "id": 0, "result": task("a")},
    ]));
    let answers = calling.await.expect("no panic").expect("answered");
    let words: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(task) => task.metadata.name(),
            Err(error) => error.reason.as_str(),
        })
        .collect();
    assert_eq!(words, ["a", "NotFound", "c"]);
}

#[tokio::test]
async fn a_batch_over_the_limits_is_cut() {
    let (client, mut server) = fake::pair();
    let creating = tokio::spawn(async move {
        let mut tasks: Vec<Task> = (0..limits::BATCH_CALLS + 2).map(|i| task(&format!("t{i}"))).collect();
        tasks[limits::BATCH_CALLS].spec.inputs.insert("x".into(), "y".repeat(limits::BATCH_BYTES).into());
        client.tasks().create_many(&tasks).await
    });
    for expected in [limits::BATCH_CALLS, 1, 1] {
        let call = server.next().await;
        let calls = call.body.as_array().expect("a batch").clone();
        assert_eq!(calls.len(), expected);
        let answers: Vec<_> = calls
            .iter()
            .map(|one| {
                let result = json!({"object": one["params"]["object"], "created": true});
                json!({"jsonrpc": "2.0", "id": one["id"], "result": result})
            })
            .collect();
        call.raw(&json!(answers));
    }
    let created = creating.await.expect("no panic").expect("created");
    assert_eq!(created.len(), limits::BATCH_CALLS + 2);
    let last = created.last().expect("many").as_ref().expect("made");
    assert_eq!(last.object.metadata.name(), format!("t{}", limits::BATCH_CALLS + 1));
}

#[tokio::test]
async fn a_batch_with_wrong_answers_is_a_protocol_error() {
    let (client, mut server) = fake::pair();
    for wrong in [
        json!([]),
        json!([{"jsonrpc": "2.0", "id": 7, "result": null}]),
        json!({"jsonrpc": "2.0", "id": null, "result": 1}),
        json!("text"),
    ] {
        let calling = tokio::spawn({
            let client = client.clone();
            async move { client.call_batch::<task::Get>(&[ObjectRef::new("default", "a")]).await }
        });
        server.next().await.raw(&wrong);
        let error = calling.await.expect("no panic").expect_err("wrong");
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn lists_go_over_their_pages() {
    use futures_util::TryStreamExt as _;

    let (client, mut server) = fake::pair();
    let listing = tokio::spawn(async move {
        let names: Vec<Task> = client.tasks().list_all(Default::default()).try_collect().await?;
        client.tasks().all_namespaces().list_whole(Default::default()).await.map(|whole| (names, whole))
    });
    let page = |version: u64, next: Option<&str>, name: &str| json!({"apiVersion": "ktk/v1", "kind": "List", "version": version, "continue": next, "items": [task(name)]});
    for scope in [json!("default"), json!(null)] {
        let call = server.next().await;
        assert_eq!(call.params()["namespace"], scope);
        call.answer(page(5, Some("next"), "a"));
        let call = server.next().await;
        assert_eq!(call.params()["continue"], "next");
        call.answer(page(9, None, "b"));
    }
    let (all, whole) = listing.await.expect("no panic").expect("listed");
    let names = |tasks: &[Task]| tasks.iter().map(|task| task.metadata.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&all), ["a", "b"]);
    assert_eq!((names(&whole.items), whole.version), (vec!["a".into(), "b".into()], 5));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_may_have_no_time_limit() {
    let (client, mut server) = fake::pair();
    let polling = tokio::spawn(async move {
        let options = client.call_options::<task::Get>().timeout(None);
        client.call_with::<task::Get>(&ObjectRef::new("default", "x"), options).await
    });
    let call = server.next().await;
    tokio::time::advance(Duration::from_secs(86_400)).await;
    assert!(!call.is_given_up());
    call.answer(task("x"));
    assert!(polling.await.expect("no panic").is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_unavailable_is_asked_for_again_and_other_refusals_are_not() {
    let (client, mut server) = fake::pair();
    let creating = tokio::spawn({
        let client = client.clone();
        async move { client.tasks().create(&task("x")).await }
    });
    let call = server.next().await;
    let first = call.params().clone();
    call.refuse(ErrorReason::Unavailable);
    let call = server.next().await;
    assert_eq!(*call.params(), first, "the same request id");
    call.answer(json!({"object": task("x"), "created": true}));
    assert!(creating.await.expect("no panic").expect("created").created);

    let reading = tokio::spawn({
        let client = client.clone();
        async move { client.tasks().get("x").await }
    });
    for _ in 0..=limits::CALL_RETRIES {
        server.next().await.refuse(ErrorReason::Unavailable);
    }
    assert!(reading.await.expect("no panic").is_err_and(|error| error.is_unavailable()));

    for reason in ErrorReason::ALL.into_iter().filter(|reason| *reason != ErrorReason::Unavailable) {
        let client = client.clone();
        let reading = tokio::spawn(async move { client.tasks().get("x").await });
        server.next().await.refuse(reason);
        let error = reading.await.expect("no panic").expect_err("refused");
        assert_eq!(error.reason(), Some(reason));
        assert_eq!(error.is_retryable(), reason == ErrorReason::Timeout, "{reason}");
    }
    assert!(!server.has_call());
}
