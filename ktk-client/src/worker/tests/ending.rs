//! The orderly end: no more claims, running work goes on, then it is stopped, then goodbye.

use super::*;
use crate::{client::fake::unreachable, worker::Stop};

#[tokio::test(start_paused = true)]
async fn an_idle_worker_says_goodbye_at_once() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    let mut waiting = stage.next().await;
    stage.shutdown.drain(None);
    waiting.call.given_up().await;
    let call = stage.next().await;
    assert!(call.params.leaving && call.params.resync);
    assert_eq!((call.params.free, call.params.running), (0, 0));
    assert_eq!(call.params.wait.map(|wait| wait.get()), Some(Duration::ZERO));
    // The lost call had claimed something: it goes back unbegun.
    call.grant([grant(1, "noop")]);
    let call = stage.next().await;
    assert_eq!(call.ends(), [(1, Some(Reason::Interrupted))]);
    call.grant([]);
    stage.end().await.expect("an orderly end");
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_work_end_and_keeps_its_lease_and_cancels_working() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait"), grant(2, "wait")]);
    let first = started.recv().await.expect("started");
    let mut second = started.recv().await.expect("started");
    let mut waiting = stage.next_wanted().await;
    stage.shutdown.drain(None);
    waiting.call.given_up().await;
    for _ in 0..3 {
        let call = stage.next().await;
        assert!(call.params.leaving);
        assert_eq!((call.params.free, call.params.running), (0, 2));
        tokio::time::advance(LEASE / 3).await;
        call.grant([]);
    }
    let call = stage.next_wanted().await;
    call.stop(vec![StopOrder { fence: fence(2), now: true }]);
    assert_eq!(second.context.stop.changed().await, Stop::Now);
    let call = stage.next_wanted().await;
    assert_eq!(call.ends(), [(2, Some(Reason::Interrupted))]);
    call.grant([]);
    first.succeed();
    let call = stage.next_wanted().await;
    assert_eq!((call.ends(), call.params.running), (vec![(1, None)], 0));
    call.grant([]);
    stage.end().await.expect("an orderly end");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_drain_interrupts_but_a_result_counts() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant((1..=3).map(|counter| grant(counter, "wait")));
    let mut attempts = Vec::new();
    for _ in 0..3 {
        attempts.push(started.recv().await.expect("started"));
    }
    stage.shutdown.drain(Some(Duration::from_secs(60)));
    let begin = tokio::time::Instant::now();
    let ends = tokio::spawn(async move {
        let mut failed = attempts.pop().expect("three");
        let mut done = attempts.pop().expect("two");
        assert_eq!(failed.context.stop.changed().await, Stop::Graceful(Duration::from_secs(10)));
        assert_eq!(begin.elapsed().as_secs(), 60);
        done.context.stop.changed().await;
        done.succeed();
        let _ = failed.end.send(Err(HandlerError::new("asked to stop")));
        // The first one does not listen.
        attempts
    });
    let mut reasons = Vec::new();
    while reasons.len() < 3 {
        let mut call = stage.next_wanted().await;
        assert!(call.params.leaving);
        if call.params.reports.is_empty() {
            // Held, as a server does, until it is given up or its time is over.
            let wait = call.params.wait.expect("something runs").get();
            tokio::select! {
                () = call.call.given_up() => continue,
                () = tokio::time::sleep(wait) => {}
            }
        }
        reasons.extend(call.ends());
        call.grant([]);
    }
    reasons.sort_unstable();
    let interrupted = Some(Reason::Interrupted);
    assert_eq!(reasons, [(1, interrupted), (2, None), (3, interrupted)]);
    assert_eq!(begin.elapsed().as_secs(), 70);
    ends.await.expect("no panic");
    let last = tokio::time::timeout(Duration::from_secs(1), stage.end()).await;
    last.expect("nothing left to do").expect("an orderly end");
}

#[tokio::test(start_paused = true)]
async fn a_second_word_stops_at_once() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait")]);
    let mut attempt = started.recv().await.expect("started");
    stage.shutdown.drain(None);
    stage.shutdown.stop(Some(Duration::from_secs(2)));
    assert_eq!(attempt.context.stop.changed().await, Stop::Graceful(Duration::from_secs(2)));
    stage.shutdown.stop_now();
    assert_eq!(attempt.context.stop.changed().await, Stop::Now);
    let call = stage.next_wanted().await;
    assert_eq!((call.ends(), call.params.running), (vec![(1, Some(Reason::Interrupted))], 0));
    call.grant([]);
    stage.end().await.expect("an orderly end");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_well_after_it_was_asked_to_leave_runs_again() {
    use crate::{
        api::worker::Outcome,
        worker::{BoxFuture, Executor, StopSignal},
    };

    struct Obedient;
    impl Executor for Obedient {
        fn run(&self, _: Grant, mut stop: StopSignal) -> BoxFuture<'static, Outcome> {
            Box::pin(async move {
                stop.changed().await;
                Outcome { exit_code: Some(0), ..Outcome::default() }
            })
        }
    }
    let mut stage = Stage::set(1, |worker| worker.process_executor(std::sync::Arc::new(Obedient))).await;
    let process = Grant { type_name: None, run: Some(Default::default()), ..grant(1, "") };
    stage.next().await.grant([process]);
    settle().await;
    stage.shutdown.stop(None);
    let call = stage.next_wanted().await;
    assert_eq!(call.ends(), [(1, Some(Reason::Interrupted))]);
    assert_eq!(call.params.reports[0].outcome.exit_code, Some(0));
    call.grant([]);
    stage.end().await.expect("an orderly end");
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_reaches_nobody_does_not_take_for_ever() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    stage.next().await.grant([grant(1, "noop")]);
    let call = stage.next().await;
    assert_eq!(call.ends(), [(1, None)]);
    stage.shutdown.drain(None);
    settle().await;
    call.call.fail(unreachable());
    let begin = tokio::time::Instant::now();
    let Stage { mut server, running, .. } = stage;
    let refusing = tokio::spawn(async move {
        loop {
            server.next().await.fail(unreachable());
        }
    });
    let error = running.await.expect("no panic").expect_err("a report is lost");
    assert!(error.is_unreachable());
    assert!(begin.elapsed() < Duration::from_secs(10));
    refusing.abort();
}
