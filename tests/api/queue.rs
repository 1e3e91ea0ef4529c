//! `queue.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        Phase, Queue,
        apply::{ApplyOutcome, ApplyParams},
        list::ListParams,
        patch::Patch,
        queue::QueueSpec,
        why::WaitFor,
    },
};

use crate::on_both_stores;

on_both_stores!(made_listed_and_deleted, paused_and_resumed, scaled, patched, applied);

async fn made_listed_and_deleted(client: Client) {
    let queues = client.queues();
    let spec = QueueSpec { max_running: Some(4), ..QueueSpec::default() };
    let made = queues.create(&Queue::new("batch", spec.clone())).await.unwrap();
    assert!(made.created);
    assert_eq!(queues.get("batch").await.unwrap().spec, spec);
    let all: Vec<Queue> = queues.list_all(ListParams::default()).try_collect().await.unwrap();
    let names: Vec<&str> = all.iter().map(|queue| queue.metadata.name()).collect();
    assert_eq!(names, ["batch", "default"]);
    assert!(queues.delete("batch").await.unwrap().gone);
    assert!(queues.get_opt("batch").await.unwrap().is_none());
}

async fn paused_and_resumed(client: Client) {
    let queues = client.queues();
    queues.create(&Queue::new("q", QueueSpec::default())).await.unwrap();
    assert!(queues.pause("q").await.unwrap().spec.paused);
    let mut task = crate::process("a", &["true"]);
    task.spec.queue = Some("q".into());
    client.tasks().create(&task).await.unwrap();
    let waits = client.tasks().why("a").await.unwrap().waits;
    assert!(waits.iter().any(|wait| wait.what == WaitFor::Queue), "{waits:?}");
    assert!(!queues.resume("q").await.unwrap().spec.paused);
    assert_eq!(crate::ended(&client, "a").await.status.unwrap().phase, Phase::Succeeded);
}

async fn scaled(client: Client) {
    let queues = client.queues();
    queues.create(&Queue::new("q", QueueSpec { max_running: Some(1), paused: true })).await.unwrap();
    let spec = queues.scale("q", Some(3)).await.unwrap().spec;
    assert_eq!(spec, QueueSpec { max_running: Some(3), paused: true });
    assert!(queues.scale("q", Some(0)).await.unwrap_err().is_invalid());
    assert_eq!(queues.get("q").await.unwrap().spec.max_running, Some(3));
    assert_eq!(queues.scale("q", None).await.unwrap().spec.max_running, None);
    assert!(queues.scale("nosuch", None).await.unwrap_err().is_not_found());
}

async fn patched(client: Client) {
    let queues = client.queues();
    queues.create(&Queue::new("q", QueueSpec::default())).await.unwrap();
    let change = serde_json::json!({"spec": {"maxRunning": 2}, "metadata": {"labels": {"room": "b"}}});
    let patched = queues.patch("q", Patch::Merge(change)).await.unwrap();
    assert_eq!((patched.changed, patched.object.spec.max_running), (true, Some(2)));
    assert_eq!(queues.get("q").await.unwrap().metadata.labels["room"], "b");
    let none = Patch::Merge(serde_json::json!({"spec": {"maxRunning": 0}}));
    assert!(queues.patch("q", none).await.unwrap_err().is_invalid());
}

async fn applied(client: Client) {
    let queues = client.queues();
    let wanted = |most| Queue::new("q", QueueSpec { max_running: Some(most), ..QueueSpec::default() });
    let would = ApplyParams { dry_run: true, ..ApplyParams::new(wanted(2)) };
    assert_eq!(queues.apply_with(would).await.unwrap().outcome, ApplyOutcome::Created);
    assert!(queues.get("q").await.unwrap_err().is_not_found());
    assert_eq!(queues.apply(&wanted(2)).await.unwrap().outcome, ApplyOutcome::Created);
    assert_eq!(queues.apply(&wanted(2)).await.unwrap().outcome, ApplyOutcome::Unchanged);
    let changed = queues.apply(&wanted(3)).await.unwrap();
    assert_eq!((changed.outcome, changed.object.spec.max_running), (ApplyOutcome::Configured, Some(3)));
    let record = client.last_applied("Queue", "q").await.unwrap();
    assert_eq!(record.manifest.unwrap()["spec"], serde_json::json!({"maxRunning": 3}));
    assert!(client.last_applied("Node", "q").await.unwrap_err().is_invalid());
    assert!(queues.apply(&wanted(0)).await.unwrap_err().is_invalid());
}
