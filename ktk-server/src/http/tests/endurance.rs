//! Clients that are slow, silent or many, and the end of the server.

use std::time::Duration;

use super::super::{Config, Lifecycle, Timeouts};
use super::peer::{Events, Peer, ask, request, rpc};
use super::running::{Running, impatient};
use crate::limits::CONNECTIONS;

const HANG: &str = r#"{"jsonrpc":"2.0","method":"call.hang","id":1}"#;

fn with(timeouts: Timeouts) -> Config {
    Config { timeouts, ..Config::default() }
}

#[tokio::test]
async fn silent_and_dribbling_connections_are_closed() {
    let server = Running::start_with(with(impatient())).await;
    let mut silent = Peer::connect(&server.socket).await;
    assert!(silent.is_closed().await);
    let mut half = Peer::connect(&server.socket).await;
    half.send("GET /healthz HTTP/1.1\r\nhost: loc").await;
    assert!(half.is_closed().await);
    // A byte now and then does not help.
    let mut dribbling = Peer::connect(&server.socket).await;
    let mut sent = 0;
    while dribbling.try_send(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        sent += 1;
        assert!(sent < 1_000, "it is still open");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_a_silent_one() {
    let timeouts = Timeouts { idle: Duration::from_millis(600), ..impatient() };
    let server = Running::start_with(with(timeouts)).await;
    let mut peer = Peer::connect(&server.socket).await;
    for _ in 0..3 {
        peer.send(&request("GET /healthz", &[], "")).await;
        assert_eq!(peer.reply().await.status, 200);
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    assert!(peer.is_closed().await);
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let server = Running::start_with(with(impatient())).await;
    let mut peer = Peer::connect(&server.socket).await;
    peer.send("POST /rpc HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[")
        .await;
    let reply = peer.reply().await;
    assert_eq!(reply.status, 408);
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(peer.is_closed().await);
}

#[tokio::test]
async fn a_long_call_is_no_silence_and_ends_with_its_client() {
    let server = Running::start_with(with(impatient())).await;
    let mut hanging = server.fake.hanging.subscribe();
    let mut peer = Peer::connect(&server.socket).await;
    peer.send(&rpc(HANG)).await;
    hanging.wait_for(|(begun, _)| *begun == 1).await.unwrap();
    tokio::time::sleep(impatient().idle * 3).await;
    assert_eq!(*hanging.borrow(), (1, 0), "it goes on");
    drop(peer);
    hanging.wait_for(|(_, ended)| *ended == 1).await.unwrap();
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_their_turn() {
    let server = Running::start_with(Config { connections: 2, ..Config::default() }).await;
    let mut hanging = server.fake.hanging.subscribe();
    let mut first = Peer::connect(&server.socket).await;
    first.send(&rpc(HANG)).await;
    let mut second = Peer::connect(&server.socket).await;
    second.send(&rpc(HANG)).await;
    hanging.wait_for(|(begun, _)| *begun == 2).await.unwrap();
    let mut third = Peer::connect(&server.socket).await;
    third.send(&rpc(HANG)).await;
    drop(first);
    let (_, ended) = *hanging.wait_for(|(begun, _)| *begun == 3).await.unwrap();
    assert_eq!(ended, 1, "only then");
    assert_eq!(Config::default().connections, CONNECTIONS);
}

#[tokio::test]
async fn a_stopping_server_says_so_and_still_answers() {
    let server = Running::start().await;
    server.fake.live(Lifecycle::Stopping);
    let reply = ask(&server.socket, &request("GET /healthz", &[], "")).await;
    assert_eq!((reply.status, reply.header("ktk-stopping")), (200, Some("true")));
}

#[tokio::test]
async fn closing_ends_idle_connections_at_once_and_hanging_calls_in_time() {
    let timeouts = Timeouts { close: Duration::from_millis(100), ..Timeouts::default() };
    let mut server = Running::start_with(with(timeouts)).await;
    let mut idle = Peer::connect(&server.socket).await;
    idle.send(&request("GET /healthz", &[], "")).await;
    idle.reply().await;
    let mut fresh = Peer::connect(&server.socket).await;
    let mut watch = Events::open(&server.socket, "/watch", None).await;
    watch.take(1).await;
    let mut hanging = Peer::connect(&server.socket).await;
    hanging.send(&rpc(HANG)).await;
    server.fake.hanging.subscribe().wait_for(|(begun, _)| *begun == 1).await.unwrap();
    server.close();
    let last = watch.rest().await;
    assert_eq!(last.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["stopping"]);
    assert!(idle.is_closed().await);
    assert!(fresh.is_closed().await);
    assert!(hanging.is_closed().await);
    server.ended().await;
}
