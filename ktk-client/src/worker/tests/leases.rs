//! Leases: renewed, lost, and begun anew.

use std::sync::Mutex;

use super::*;
use crate::{
    api::ErrorReason,
    client::{
        ConnectionState,
        fake::{disconnected, unreachable},
    },
    worker::Stop,
};

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_not_answered_is_a_lost_connection() {
    let (handler, mut started) = by_hand();
    let states = std::sync::Arc::new(Mutex::new(Vec::new()));
    let recording = states.clone();
    let mut stage = Stage::set(4, |worker| {
        worker
            .handler("wait", handler)
            .on_connection(move |state| recording.lock().expect("no panic").push(state))
    })
    .await;
    stage.next().await.grant([grant(1, "wait")]);
    let _attempt = started.recv().await.expect("started");
    let begin = tokio::time::Instant::now();
    let mut call = stage.next_wanted().await;
    call.call.given_up().await;
    assert!(begin.elapsed() < LEASE);
    stage.next().await.call.fail(disconnected());
    let call = stage.next().await;
    assert!(call.params.resync);
    assert_eq!(call.params.held, [fence(1)]);
    call.grant([]);
    settle().await;
    let states = states.lock().expect("no panic").clone();
    assert!(matches!(&states[..], [ConnectionState::Lost { .. }, ConnectionState::Restored]), "{states:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_stops_the_attempts_drops_their_reports_and_registers_again() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait"), grant(2, "wait")]);
    let first = started.recv().await.expect("started");
    let mut second = started.recv().await.expect("started");
    let begin = tokio::time::Instant::now();
    // One ends while the server is away; its report is not worth anything any more.
    first.succeed();
    let stopped = tokio::spawn(async move { second.context.stop.changed().await });
    let registration = loop {
        let call = stage.server.next().await;
        if call.method() == "worker.register" {
            break call;
        }
        call.fail(unreachable());
    };
    assert_eq!(stopped.await.expect("no panic"), Stop::Now);
    assert!(begin.elapsed() >= LEASE && begin.elapsed() < LEASE * 2, "{:?}", begin.elapsed());
    stage.generation = 2;
    registration.answer(json!({"generation": 2, "lease": "15s", "storeId": Uuid::nil()}));
    let call = stage.next_wanted().await;
    assert_eq!((call.ends(), call.params.running), (vec![], 0));
    call.grant([grant(3, "wait")]);
    assert_eq!(started.recv().await.expect("started").fence, fence(3));
}

#[tokio::test(start_paused = true)]
async fn the_first_grant_after_a_long_idle_time_is_not_lost() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    let call = stage.next().await;
    tokio::time::sleep(LEASE * 3).await;
    call.grant([grant(1, "wait")]);
    let attempt = started.recv().await.expect("started");
    let call = stage.next_wanted().await;
    assert_eq!((call.params.generation, call.params.running), (1, 1), "it still is the same worker");
    attempt.succeed();
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_the_server_does_not_know_begins_anew() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait")]);
    let mut attempt = started.recv().await.expect("started");
    let call = stage.next_wanted().await;
    call.call.answer(Synced { unknown_node: true, ..Synced::default() });
    assert_eq!(attempt.context.stop.changed().await, Stop::Now);
    stage.register().await;
    let call = stage.next_wanted().await;
    assert_eq!((call.ends(), call.params.running, call.params.free), (vec![], 0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_store_is_waited_for_and_one_that_refuses_ends_the_worker() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    stage.next().await.call.refuse(ErrorReason::Unavailable);
    stage.next().await.call.refuse(ErrorReason::Forbidden);
    let error = stage.end().await.expect_err("refused");
    assert_eq!(error.reason(), Some(ErrorReason::Forbidden));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_finds_no_server_at_its_start_fails() {
    let (client, mut server) = fake::pair();
    let worker = Worker::builder(client).build();
    let running = tokio::spawn(worker.run(crate::worker::ShutdownSignal::never()));
    server.next().await.fail(unreachable());
    assert!(running.await.expect("no panic").expect_err("nobody there").is_unreachable());
}

#[tokio::test(start_paused = true)]
async fn in_its_servers_process_a_lease_is_lost_when_the_server_says_so() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler).embedded()).await;
    stage.next().await.grant([grant(1, "wait")]);
    let attempt = started.recv().await.expect("started");
    let call = stage.next().await;
    // Both stood still.
    tokio::time::advance(LEASE * 3).await;
    settle().await;
    assert_eq!(attempt.context.stop.now(), None);
    attempt.succeed();
    call.grant([]);
    let call = stage.next_wanted().await;
    assert_eq!((call.params.generation, call.ends()), (1, vec![(1, None)]));
}
