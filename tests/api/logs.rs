//! `GET /logs`.

use std::time::Duration;

use futures_util::StreamExt as _;
use ktk_client::{
    Client,
    api::log::{LogEvent, LogParams, Stream},
    client::log::chunk_bytes,
};
use ktk_tests::Place;

use crate::{ended, on_both_stores, process};

on_both_stores!(streams_and_times, only_the_tail, of_nothing);

async fn read(client: &Client, params: LogParams) -> Vec<LogEvent> {
    let mut log = client.logs(params);
    let mut events = Vec::new();
    while let Some(event) = tokio::time::timeout(Duration::from_secs(30), log.next()).await.expect("an event")
    {
        events.push(event.unwrap());
    }
    events
}

fn text(events: &[LogEvent]) -> String {
    events.iter().map(|event| String::from_utf8_lossy(&chunk_bytes(event)).into_owned()).collect()
}

async fn streams_and_times(client: Client) {
    let before = client
        .tasks()
        .create(&process("x", &["sh", "-c", "echo out; echo err >&2; printf 'a\\377\\n'"]))
        .await
        .unwrap();
    let created = before.object.metadata.created_at.unwrap();
    let params = LogParams { name: "x".into(), follow: true, ..LogParams::default() };
    let events = read(&client, params).await;
    assert_eq!(events.last(), Some(&LogEvent::End));
    let bytes: Vec<u8> = events.iter().flat_map(|event| chunk_bytes(event).into_owned()).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for event in &events {
        if let LogEvent::Chunk { attempt, time, stream, .. } = event {
            assert!(*attempt == 1 && *time >= created);
            if *stream == Stream::Stdout { &mut out } else { &mut err }
                .extend_from_slice(&chunk_bytes(event));
        }
    }
    assert_eq!((out.as_slice(), err.as_slice()), (&b"out\na\xff\n"[..], &b"err\n"[..]));
    assert_eq!(bytes.len(), 11);
}

async fn only_the_tail(client: Client) {
    client.tasks().create(&process("x", &["seq", "1", "1000"])).await.unwrap();
    ended(&client, "x").await;
    let tail = LogParams { name: "x".into(), tail: Some(3), ..LogParams::default() };
    assert_eq!(text(&read(&client, tail).await), "998\n999\n1000\n");
    let whole = LogParams { name: "x".into(), ..LogParams::default() };
    assert_eq!(text(&read(&client, whole).await).lines().count(), 1000);
}

async fn of_nothing(client: Client) {
    let none = LogParams { name: "none".into(), ..LogParams::default() };
    assert!(client.logs(none).next().await.unwrap().unwrap_err().is_not_found());
    client.tasks().create(&process("x", &["true"])).await.unwrap();
    ended(&client, "x").await;
    let attempt = LogParams { name: "x".into(), attempt: Some(9), ..LogParams::default() };
    assert!(client.logs(attempt).next().await.unwrap().unwrap_err().is_not_found());
}

#[test]
fn a_lost_connection_loses_and_repeats_nothing() {
    let place = Place::started();
    place.ok("create task x -- seq 1 20000");
    place.ok("wait x");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = place.client();
        let mut log = client.logs(LogParams { name: "x".into(), ..LogParams::default() });
        let mut bytes = Vec::new();
        let mut is_killed = false;
        while let Some(event) =
            tokio::time::timeout(Duration::from_secs(30), log.next()).await.expect("an event")
        {
            bytes.extend_from_slice(&chunk_bytes(&event.unwrap()));
            if !is_killed && bytes.len() > 1000 {
                is_killed = true;
                place.kill_server();
                place.start();
            }
        }
        let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
        assert!(bytes == expected.as_bytes(), "{} bytes instead of {}", bytes.len(), expected.len());
    });
}
