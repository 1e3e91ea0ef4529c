//! Logs: every byte once and in order, over attempts and connections.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::super::{Config, Lifecycle};
use super::fake::TASK;
use super::peer::{Event, Events, ask, request};
use super::running::{Running, impatient};
use crate::logs::Stream::{Stderr, Stdout};

fn bytes(event: &Event) -> Vec<u8> {
    match (event.data["text"].as_str(), event.data["base64"].as_str()) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(text)) => BASE64_STANDARD.decode(text).unwrap(),
        (None, None) => Vec::new(),
        both => panic!("{both:?}"),
    }
}

fn text(events: &[Event]) -> String {
    String::from_utf8_lossy(&events.iter().flat_map(bytes).collect::<Vec<_>>()).into_owned()
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

async fn read(server: &Running, query: &str) -> Vec<Event> {
    Events::open(&server.socket, &format!("/logs?name=build{query}"), None).await.rest().await
}

async fn status(server: &Running, query: &str, headers: &[&str]) -> u16 {
    ask(&server.socket, &request(&format!("GET /logs{query}"), headers, "")).await.status
}

#[tokio::test]
async fn what_is_there_comes_as_it_was_written() {
    let server = Running::start().await;
    assert_eq!(names(&read(&server, "").await), ["end"], "no attempt yet");
    server.fake.set_target(1, true, false);
    server.fake.write(1, Stdout, "zeile ä\n\u{1b}[31m".as_bytes()).await;
    server.fake.write(1, Stderr, b"\xff\xfe").await;
    server.fake.skip(1, 500).await;
    server.fake.write(1, Stdout, b"rest").await;
    let events = read(&server, "").await;
    assert_eq!(names(&events), ["chunk", "chunk", "dropped", "chunk", "end"]);
    assert_eq!(events[0].data["text"], "zeile ä\n\u{1b}[31m");
    assert_eq!(events[0].data["stream"], "stdout");
    assert_eq!(events[0].data["attempt"], 1);
    assert_eq!((&events[1].data["text"], &events[1].data["base64"]), (&json!(null), &json!("//4=")));
    assert_eq!(events[1].data["stream"], "stderr");
    assert_eq!(events[2].data, json!({"type": "dropped", "attempt": 1, "bytes": 500}));
    assert_eq!(text(&events[3..]), "rest");

    server.fake.set_target(1, false, true);
    let events = read(&server, "").await;
    assert_eq!(names(&events[4..]), ["attemptEnded", "end"]);
}

#[tokio::test]
async fn large_logs_come_in_small_pieces() {
    let server = Running::start().await;
    server.fake.set_target(1, false, true);
    for n in 0..40_u8 {
        server.fake.write(1, Stdout, &vec![b'a' + n % 26; 50_000]).await;
    }
    let events = read(&server, "").await;
    assert!(events.iter().all(|event| bytes(event).len() <= 64 << 10));
    assert!(text(&events).as_bytes() == server.fake.whole_log(1).await);
}

#[tokio::test]
async fn following_goes_over_attempts_until_the_task_has_ended() {
    let server = Running::start().await;
    let mut log = Events::open(&server.socket, "/logs?name=build&follow=true", None).await;
    server.fake.set_target(1, true, false);
    server.fake.write(1, Stdout, b"one").await;
    assert_eq!(text(&log.take(1).await), "one");
    server.fake.write(1, Stdout, b"two").await;
    assert_eq!(text(&log.take(1).await), "two");
    server.fake.set_target(1, false, false);
    assert_eq!(log.take(1).await[0].data, json!({"type": "attemptEnded", "attempt": 1}));
    // An attempt may come and go while nobody looks.
    server.fake.write(2, Stdout, b"second").await;
    server.fake.write(3, Stdout, b"third").await;
    server.fake.set_target(3, true, false);
    let events = log.take(3).await;
    assert_eq!(names(&events), ["chunk", "attemptEnded", "chunk"]);
    assert_eq!((events[0].data["attempt"].as_u64(), text(&events)), (Some(2), "secondthird".into()));
    server.fake.set_target(3, false, true);
    assert_eq!(names(&log.rest().await), ["attemptEnded", "end"]);
}

#[tokio::test]
async fn an_attempt_that_was_asked_for_is_followed_alone() {
    let server = Running::start().await;
    server.fake.write(1, Stdout, b"one").await;
    server.fake.write(2, Stdout, b"two").await;
    server.fake.set_target(2, true, false);
    let events = read(&server, "&attempt=1&follow=true").await;
    assert_eq!(names(&events), ["chunk", "attemptEnded", "end"]);
    assert_eq!(text(&events), "one");
    assert_eq!(text(&read(&server, "&attempt=2").await), "two");
    assert_eq!(text(&read(&server, "").await), "two", "the newest");
}

#[tokio::test]
async fn a_cut_log_goes_on_without_loss_or_repeat() {
    let server = Running::start().await;
    for attempt in 1..=2 {
        for n in 0..12 {
            server
                .fake
                .write(
                    attempt,
                    if n % 4 == 0 { Stderr } else { Stdout },
                    format!("{attempt}.{n}\n").as_bytes(),
                )
                .await;
        }
        server.fake.skip(attempt, 100).await;
        server.fake.write(attempt, Stdout, b"end\n").await;
    }
    server.fake.set_target(1, true, false);
    let mut log = Events::open(&server.socket, "/logs?name=build&follow=true", None).await;
    log.take(1).await;
    server.fake.set_target(2, false, true);
    drop(log);
    let path = "/logs?name=build&follow=true&tail=999";
    let start = format!("{TASK}:1:0");
    let whole = Events::open(&server.socket, path, Some(&start)).await.rest().await;
    assert_eq!(whole.len(), 2 * (12 + 2 + 1) + 1);
    for cut in 1..whole.len() {
        let mut joined = Events::open(&server.socket, path, Some(&start)).await.take(cut).await;
        let last = joined[cut - 1].id.clone();
        joined.extend(Events::open(&server.socket, path, Some(&last)).await.rest().await);
        assert_eq!(joined, whole, "cut after {cut}");
    }
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_the_task_that_it_left() {
    let server = Running::start().await;
    server.fake.set_target(1, false, true);
    server.fake.write(1, Stdout, b"text").await;
    // The name means another task by now; the id of the event says which one it was.
    let resumed = Events::open(&server.socket, "/logs?name=other", Some(&format!("{TASK}:1:2"))).await;
    assert_eq!(text(&resumed.rest().await), "xt");
}

#[tokio::test]
async fn the_last_lines_and_those_since_a_time() {
    let server = Running::start().await;
    server.fake.write(1, Stdout, b"a\nb\nc\nd").await;
    server.fake.write(1, Stdout, b"d\ne\n").await;
    server.fake.set_target(1, true, false);
    assert_eq!(text(&read(&server, "&tail=2").await), "dd\ne\n");
    assert_eq!(text(&read(&server, "&tail=0").await), "");
    assert_eq!(text(&read(&server, "&tail=99").await), "a\nb\nc\ndd\ne\n");
    assert_eq!(text(&read(&server, "&since=2026-11-21T10:00:05Z").await), "d\ne\n");
    let mut log = Events::open(&server.socket, "/logs?name=build&tail=1&follow=true", None).await;
    assert_eq!(text(&log.take(1).await), "e\n");
    server.fake.write(1, Stdout, b"f\n").await;
    assert_eq!(text(&log.take(1).await), "f\n");
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let server = Running::start().await;
    server.fake.set_target(1, true, false);
    assert_eq!(status(&server, "?name=nobody", &[]).await, 404);
    assert_eq!(status(&server, "?name=build&attempt=2", &[]).await, 404);
    assert_eq!(status(&server, "?name=build&attempt=0", &[]).await, 404);
    assert_eq!(status(&server, "?name=build&tail=-1", &[]).await, 400);
    assert_eq!(status(&server, "?name=build&folow=true", &[]).await, 400);
    assert_eq!(status(&server, "?name=build", &["last-event-id: 7"]).await, 400);
    let foreign = format!("last-event-id: {}:1:0", uuid::Uuid::from_u128(99));
    assert_eq!(status(&server, "?name=build", &[&foreign]).await, 404);
}

#[tokio::test]
async fn followers_hear_that_the_server_stops_and_others_read_to_the_end() {
    let server = Running::start_with(Config { timeouts: impatient(), ..Config::default() }).await;
    server.fake.set_target(1, true, false);
    let mut log = Events::open(&server.socket, "/logs?name=build&follow=true", None).await;
    log.comment().await;
    server.fake.write(1, Stdout, b"last words").await;
    server.fake.live(Lifecycle::Stopping);
    let events = log.rest().await;
    assert_eq!(names(&events), ["chunk", "stopping"]);
    assert_eq!(names(&read(&server, "").await), ["chunk", "end"]);
}

#[tokio::test]
async fn a_busy_server_is_looked_at_now_and_then_only() {
    let server = Running::start().await;
    server.fake.set_target(1, true, false);
    let mut log = Events::open(&server.socket, "/logs?name=build&follow=true", None).await;
    server.fake.write(1, Stdout, b"x").await;
    log.take(1).await;
    for _ in 0..1_000 {
        server.fake.commit();
        tokio::task::yield_now().await;
    }
    server.fake.set_target(1, false, true);
    assert_eq!(names(&log.rest().await), ["attemptEnded", "end"]);
    assert!(*server.fake.looks.borrow() < 100, "{}", *server.fake.looks.borrow());
}
