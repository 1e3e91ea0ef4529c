//! Watches and logs: resumed where they were cut, ended where the server says so.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use serde_json::json;

use crate::{
    api::{
        ErrorReason,
        log::{LogEvent, LogParams},
        watch::{WatchEvent, WatchParams},
    },
    client::{
        ConnectionState, Error, Revival,
        fake::{self, disconnected, unreachable},
        log::chunk_bytes,
    },
};

fn change(version: u64) -> String {
    let data = json!({"type": "change", "version": version, "object": {"kind": "Task"}});
    format!("id: {version}\nevent: change\ndata: {data}\n\n")
}

fn special(name: &str, version: u64) -> String {
    format!("id: {version}\nevent: {name}\ndata: {}\n\n", json!({"type": name, "version": version}))
}

fn refusal(reason: &str) -> String {
    format!("event: error\ndata: {}\n\n", json!({"reason": reason, "message": "because"}))
}

fn from(version: u64) -> WatchParams {
    WatchParams { version: Some(version), ..WatchParams::default() }
}

type States = Arc<Mutex<Vec<ConnectionState>>>;

fn recorder() -> (States, impl Fn(ConnectionState) + Send + Sync + 'static) {
    let states = States::default();
    let recording = states.clone();
    (states, move |state| recording.lock().expect("no panic").push(state))
}

#[tokio::test(start_paused = true)]
async fn a_cut_watch_goes_on_where_it_was_and_brings_nothing_twice() {
    let (client, mut server) = fake::pair();
    let (states, record) = recorder();
    let mut watch = client.watch(from(3)).on_connection(record);
    let versions = tokio::spawn(async move {
        let mut versions = Vec::new();
        while let Some(event) = watch.next().await {
            match event {
                Ok(event) => versions.push(event.version()),
                Err(error) => return (versions, error, watch.next().await.is_none()),
            }
        }
        panic!("a watch ends with an error");
    });
    let stream = server.next_stream().await;
    assert_eq!((stream.path_and_query.as_str(), stream.last_id.as_deref()), ("/watch?version=3", None));
    let sender = stream.open();
    sender.send(": hello\n\n".into()).expect("read");
    sender.send(change(4)).expect("read");
    // Cut within an event.
    sender.send(change(6)[..20].into()).expect("read");
    drop(sender);

    let stream = server.next_stream().await;
    assert_eq!(stream.last_id.as_deref(), Some("4"));
    stream.fail(disconnected());
    server.next_stream().await.fail(unreachable());
    let stream = server.next_stream().await;
    assert_eq!(stream.last_id.as_deref(), Some("4"));
    let sender = stream.open();
    sender.send(change(4) + &change(6) + &special("bookmark", 8) + &change(7) + &change(9)).expect("read");
    sender.send(special("stopping", 9)).expect("read");

    let (versions, error, has_ended) = versions.await.expect("no panic");
    assert_eq!(versions, [4, 6, 8, 9]);
    assert!(error.is_stopping() && has_ended);
    let states = states.lock().expect("no panic").clone();
    assert!(matches!(&states[..], [ConnectionState::Lost { .. }, ConnectionState::Restored]), "{states:?}");
    assert_eq!(server.revivals(), [Revival::Resume]);
}

#[tokio::test(start_paused = true)]
async fn a_quick_reconnect_is_not_announced() {
    let (client, mut server) = fake::pair();
    let (states, record) = recorder();
    let mut watch = client.watch(from(1)).on_connection(record);
    let reading = tokio::spawn(async move { watch.next().await });
    drop(server.next_stream().await.open());
    let sender = server.next_stream().await.open();
    sender.send(change(2)).expect("read");
    assert!(reading.await.expect("no panic").is_some_and(|event| event.is_ok()));
    assert_eq!(*states.lock().expect("no panic"), []);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_never_reached_its_server_fails() {
    let (client, mut server) = fake::pair();
    let mut watch = client.watch(from(1));
    let reading = tokio::spawn(async move { (watch.next().await, watch.next().await.is_none()) });
    server.next_stream().await.fail(unreachable());
    let (error, has_ended) = reading.await.expect("no panic");
    assert!(matches!(error, Some(Err(Error::Unreachable { .. }))) && has_ended);
    assert_eq!(server.revivals(), [Revival::Call]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_is_not_started_for_a_watch() {
    let (client, mut server) = fake::pair();
    server.on_revive(Err(Error::ServerStopping));
    let mut watch = client.watch(from(1));
    let reading = tokio::spawn(async move { watch.next().await });
    drop(server.next_stream().await.open());
    server.next_stream().await.fail(unreachable());
    assert!(matches!(reading.await.expect("no panic"), Some(Err(Error::ServerStopping))));
}

#[tokio::test(start_paused = true)]
async fn an_error_event_ends_a_watch_unless_it_asks_to_come_back() {
    let (client, mut server) = fake::pair();
    let mut watch = client.watch(from(1));
    let reading = tokio::spawn(async move { (watch.next().await, watch.next().await) });
    let sender = server.next_stream().await.open();
    sender.send(change(2) + &refusal("Unavailable") + &change(3)).expect("read");
    let stream = server.next_stream().await;
    assert_eq!(stream.last_id.as_deref(), Some("2"));
    stream.open().send(refusal("Expired")).expect("read");
    let (first, second) = reading.await.expect("no panic");
    assert!(matches!(first, Some(Ok(WatchEvent::Change { version: 2, .. }))));
    assert!(second.is_some_and(|event| event.is_err_and(|error| error.is_expired())));
}

#[tokio::test(start_paused = true)]
async fn unknown_events_are_passed_over_and_broken_ones_are_errors() {
    let (client, mut server) = fake::pair();
    let mut watch = client.watch(from(1));
    let reading = tokio::spawn(async move { (watch.next().await, watch.next().await) });
    let sender = server.next_stream().await.open();
    sender.send("event: news\ndata: {\"type\":\"news\"}\n\n".to_owned() + &change(2)).expect("read");
    sender.send("event: change\ndata: {\n\n".into()).expect("read");
    let (first, second) = reading.await.expect("no panic");
    assert!(matches!(first, Some(Ok(WatchEvent::Change { version: 2, .. }))));
    assert!(matches!(second, Some(Err(Error::Protocol(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_log_resumes_by_position_and_ends() {
    let (client, mut server) = fake::pair();
    let params = LogParams { name: "x".into(), follow: true, ..LogParams::default() };
    let log = client.in_namespace("media").logs(params);
    let reading = tokio::spawn(log.collect::<Vec<_>>());
    let chunk = |id: &str, field: &str, text: &str| {
        let data = json!({"type": "chunk", "attempt": 1, "time": "2026-11-22T10:00:00Z", "stream": "stdout", field: text});
        format!("id: {id}\nevent: chunk\ndata: {data}\n\n")
    };
    let stream = server.next_stream().await;
    assert_eq!(stream.path_and_query, "/logs?follow=true&name=x&namespace=media");
    let sender = stream.open();
    sender.send(chunk("1.5", "text", "one\n")).expect("read");
    drop(sender);
    let stream = server.next_stream().await;
    assert_eq!(stream.last_id.as_deref(), Some("1.5"));
    let sender = stream.open();
    sender.send(chunk("1.9", "base64", "/wA=")).expect("read");
    sender.send("event: end\ndata: {\"type\":\"end\"}\n\n".into()).expect("read");
    let events: Vec<LogEvent> =
        reading.await.expect("no panic").into_iter().collect::<Result<_, _>>().expect("no error");
    let bytes: Vec<u8> = events.iter().flat_map(|event| chunk_bytes(event).into_owned()).collect();
    assert_eq!(bytes, b"one\n\xff\0");
    assert_eq!(events.last(), Some(&LogEvent::End));
}

#[tokio::test(start_paused = true)]
async fn a_refused_log_is_an_error() {
    let (client, mut server) = fake::pair();
    let log = client.logs(LogParams { name: "x".into(), ..LogParams::default() });
    let reading = tokio::spawn(log.collect::<Vec<_>>());
    server
        .next_stream()
        .await
        .fail(crate::api::ApiError::new(ErrorReason::NotFound, "Task \"x\" not found").into());
    let events = reading.await.expect("no panic");
    assert!(matches!(&events[..], [Err(error)] if error.is_not_found()));
}
