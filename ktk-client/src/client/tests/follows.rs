//! Following and waiting: the newest incarnation, what is not there yet, what is gone.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    api::{ErrorReason, ObjectRef},
    client::{
        fake::{self, FakeServer},
        follow::{Change, Target},
        wait::{Condition, Verdict, WaitParams, Waited},
    },
};

const CONTEXT: Uuid = Uuid::from_u128(0xc0);

fn task(incarnation: u32, version: u64, phase: &str, reason: Option<&str>) -> Value {
    let id = Uuid::from_u128(u128::from(incarnation));
    json!({
        "apiVersion": "ktk/v1", "kind": "Task",
        "metadata": {
            "name": "x", "id": id, "version": version,
            "restart": {"contextId": CONTEXT, "incarnation": incarnation},
        },
        "spec": {},
        "status": {"phase": phase, "reason": reason},
    })
}

fn event(name: &str, version: u64, object: &Value) -> String {
    let data = json!({"type": name, "version": version, "object": object});
    format!("id: {version}\nevent: {name}\ndata: {data}\n\n")
}

fn named(name: &str) -> Target {
    Target::Task(ObjectRef::new("default", name))
}

async fn open(server: &mut FakeServer, query: &str) -> mpsc::UnboundedSender<String> {
    let stream = server.next_stream().await;
    assert_eq!(stream.path_and_query, query);
    stream.open()
}

fn narrow(version: u64) -> String {
    format!("/watch?context={CONTEXT}&kinds=Task&namespace=default&version={version}")
}

#[tokio::test(start_paused = true)]
async fn a_summary_is_asked_of_the_watch() {
    let (client, mut server) = fake::pair();
    let following = tokio::spawn(client.follow([named("x")]).summary(true).take(3).collect::<Vec<_>>());
    server.next().await.answer(task(1, 5, "Running", None));
    let query = format!("/watch?context={CONTEXT}&kinds=Task&namespace=default&summary=true&version=5");
    let sender = open(&mut server, &query).await;
    sender.send(event("change", 7, &task(1, 7, "Succeeded", None))).expect("read");
    assert_eq!(following.await.expect("no panic").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_name_follows_the_newest_incarnation_and_an_incarnation_stays() {
    for (name, expected) in [("x", vec![(1, 5), (2, 7), (2, 9)]), ("x@1", vec![(1, 5), (1, 8)])] {
        let (client, mut server) = fake::pair();
        let count = expected.len() + 1;
        let following = tokio::spawn(client.follow([named(name)]).take(count).collect::<Vec<_>>());
        server.next().await.answer(task(1, 5, "Running", None));
        let query =
            if name == "x" { narrow(5) } else { "/watch?kinds=Task&namespace=default&version=5".to_owned() };
        let sender = open(&mut server, &query).await;
        sender.send(event("change", 7, &task(2, 7, "Pending", Some("Queued")))).expect("read");
        sender.send(event("change", 8, &task(1, 8, "Failed", Some("ExitCode")))).expect("read");
        sender.send(event("change", 9, &task(2, 9, "Running", None))).expect("read");
        let changes = following.await.expect("no panic");
        let seen: Vec<_> = changes
            .into_iter()
            .filter_map(|change| match change.expect("no error") {
                Change::Set { object, .. } => {
                    Some((object.metadata().incarnation(), object.metadata().version.expect("set")))
                }
                _ => None,
            })
            .collect();
        assert_eq!(seen, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_read_again() {
    let (client, mut server) = fake::pair();
    let following = tokio::spawn(client.follow([named("x")]).take(4).collect::<Vec<_>>());
    server.next().await.answer(task(1, 5, "Running", None));
    let sender = open(&mut server, &narrow(5)).await;
    sender
        .send(format!("event: error\ndata: {}\n\n", json!({"reason": "Expired", "message": "too old"})))
        .expect("read");
    let call = server.next().await;
    assert_eq!((call.method(), &call.params()["limit"]), ("task.list", &json!(1)));
    call.answer(json!({"apiVersion": "ktk/v1", "kind": "List", "version": 90, "items": []}));
    server.next().await.answer(task(1, 80, "Succeeded", None));
    let sender = open(&mut server, &narrow(90)).await;
    sender.send(event("change", 91, &task(2, 91, "Pending", Some("Queued")))).expect("read");
    let changes: Vec<_> =
        following.await.expect("no panic").into_iter().map(|c| c.expect("no error")).collect();
    assert!(matches!(changes[1], Change::Synced));
    assert!(matches!(&changes[2], Change::Set { object, .. } if object.metadata().version == Some(80)));
}

async fn wait_for(server: &mut FakeServer, first: Value, then: &[(&str, Value)]) {
    server.next().await.answer(first);
    let stream = server.next_stream().await;
    let sender = stream.open();
    for (name, object) in then {
        let version = object["metadata"]["version"].as_u64().expect("a version");
        sender.send(event(name, version, object)).expect("read");
    }
    std::mem::forget(sender);
}

fn verdicts(waited: Vec<Result<Waited, crate::Error>>) -> Vec<Verdict> {
    waited.into_iter().map(|waited| waited.expect("no error").verdict).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_task_has_ended() {
    let (client, mut server) = fake::pair();
    let wait = client.wait([named("x")], WaitParams::until(Condition::Succeeded));
    let waiting = tokio::spawn(wait.collect::<Vec<_>>());
    wait_for(&mut server, task(1, 5, "Running", None), &[("change", task(1, 6, "Succeeded", None))]).await;
    assert_eq!(verdicts(waiting.await.expect("no panic")), [Verdict::Met]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_who_goes_on_reading_sees_the_restart() {
    let (client, mut server) = fake::pair();
    let wait = client.wait([named("x"), named("y")], WaitParams::until(Condition::Succeeded));
    let waiting = tokio::spawn(wait.collect::<Vec<_>>());
    let mut other = task(7, 4, "Running", None);
    other["metadata"]["name"] = json!("y");
    other["metadata"]["restart"]["contextId"] = json!(Uuid::from_u128(0xdd));
    server.next().await.answer(task(1, 5, "Running", None));
    server.next().await.answer(&other);
    let sender = open(&mut server, "/watch?kinds=Task%2CPipeline&namespace=default&version=4").await;
    sender.send(event("change", 6, &task(1, 6, "Pending", Some("UpstreamFailed")))).expect("read");
    sender.send(event("change", 7, &task(2, 7, "Succeeded", None))).expect("read");
    other["status"]["phase"] = json!("Skipped");
    other["metadata"]["version"] = json!(8);
    sender.send(event("change", 8, &other)).expect("read");
    let waited = waiting.await.expect("no panic");
    let targets: Vec<_> = waited.iter().map(|waited| waited.as_ref().expect("no error").target).collect();
    assert_eq!(targets, [0, 0, 1]);
    assert_eq!(verdicts(waited), [Verdict::Never, Verdict::Met, Verdict::Met]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_not_found_or_waited_for() {
    let (client, mut server) = fake::pair();
    let wait = client.wait([named("x")], WaitParams::until(Condition::Succeeded));
    let waiting = tokio::spawn(wait.collect::<Vec<_>>());
    server.next().await.refuse(ErrorReason::NotFound);
    assert!(matches!(&waiting.await.expect("no panic")[..], [Err(error)] if error.is_not_found()));

    let wait = client.wait([named("x")], WaitParams::until(Condition::Created));
    let waiting = tokio::spawn(wait.collect::<Vec<_>>());
    let list = json!({"apiVersion": "ktk/v1", "kind": "List", "version": 30, "items": []});
    server.next().await.answer(list);
    server.next().await.refuse(ErrorReason::NotFound);
    let sender = open(&mut server, "/watch?kinds=Task&namespace=default&version=30").await;
    let mut other = task(9, 31, "Running", None);
    other["metadata"]["name"] = json!("other");
    sender.send(event("change", 31, &other)).expect("read");
    sender.send(event("change", 32, &task(1, 32, "Pending", Some("Queued")))).expect("read");
    let waited = waiting.await.expect("no panic");
    let object = waited[0].as_ref().expect("no error").object.clone().expect("it is there");
    assert_eq!(object.metadata().version, Some(32));
    assert_eq!(verdicts(waited), [Verdict::Met]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_met_or_ends_the_wait() {
    for (condition, verdict) in [(Condition::Deleted, Verdict::Met), (Condition::Succeeded, Verdict::Never)] {
        let (client, mut server) = fake::pair();
        let is_deletion = matches!(condition, Condition::Deleted);
        let wait = client.wait([named("x")], WaitParams::until(condition));
        let waiting = tokio::spawn(wait.collect::<Vec<_>>());
        if is_deletion {
            let list = json!({"apiVersion": "ktk/v1", "kind": "List", "version": 5, "items": []});
            server.next().await.answer(list);
        }
        let first = task(1, 5, "Running", None);
        wait_for(&mut server, first, &[("delete", task(1, 6, "Running", None))]).await;
        assert_eq!(verdicts(waiting.await.expect("no panic")), [verdict]);
    }
}

#[test]
fn conditions_judge_as_documented() {
    use Verdict::{Met, Never, Open};
    let table = [
        // phase, reason, Succeeded, Failed, Finished, Running
        ("Pending", Some("Queued"), Open, Open, Open, Open),
        ("Pending", Some("UpstreamFailed"), Never, Met, Open, Never),
        ("Running", None, Open, Open, Open, Met),
        ("Succeeded", None, Met, Never, Met, Never),
        ("Failed", Some("ExitCode"), Never, Met, Met, Never),
        ("Cancelled", Some("ByUser"), Never, Never, Met, Never),
        ("Skipped", Some("NotNeeded"), Met, Never, Met, Never),
    ];
    for (phase, reason, succeeded, failed, finished, running) in table {
        let object =
            crate::client::object::Object::read(task(1, 1, phase, reason)).expect("read").expect("a task");
        let judge = |condition: Condition| condition.judge(Some(&object));
        assert_eq!(judge(Condition::Succeeded), succeeded, "{phase}");
        assert_eq!(judge(Condition::Failed), failed, "{phase}");
        assert_eq!(judge(Condition::Finished), finished, "{phase}");
        assert_eq!(judge(Condition::Running), running, "{phase}");
        assert_eq!(judge(Condition::Created), Met, "{phase}");
        assert_eq!(judge(Condition::Deleted), Open, "{phase}");
    }
    assert_eq!(Condition::Deleted.judge(None), Met);
    assert_eq!(Condition::Succeeded.judge(None), Open);
}
