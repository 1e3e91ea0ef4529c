//! Claiming, running and reporting.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{client::fake::disconnected, worker::Stop};

#[tokio::test(start_paused = true)]
async fn an_idle_worker_waits_without_a_limit() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    let call = stage.next().await;
    assert_eq!((call.params.free, call.params.running, call.params.wait), (4, 0, None));
    assert!(!call.params.resync && call.params.reports.is_empty());
    tokio::time::advance(Duration::from_secs(100_000)).await;
    settle().await;
    assert!(!call.call.is_given_up() && !stage.server.has_call());
}

#[tokio::test(start_paused = true)]
async fn what_ends_at_once_is_reported_in_one_call_with_the_next_claim() {
    let mut stage = Stage::set(64, |worker| worker.handler("noop", noop)).await;
    stage.next().await.grant((1..=64).map(|counter| grant(counter, "noop")));
    let call = stage.next().await;
    assert_eq!(call.ends(), (1..=64).map(|counter| (counter, None)).collect::<Vec<_>>());
    assert_eq!((call.params.free, call.params.running, call.params.resync), (64, 0, false));
    call.grant([grant(65, "noop")]);
    assert_eq!(stage.next().await.ends(), [(65, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_given_up_for_a_report_and_the_next_asks_for_what_was_lost() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait"), grant(2, "wait")]);
    let mut waiting = stage.next().await;
    assert_eq!((waiting.params.free, waiting.params.running), (2, 2));
    assert_eq!(waiting.params.wait.map(|wait| wait.get()), Some(LEASE / 3));
    let first = started.recv().await.expect("started");
    let _second = started.recv().await.expect("started");
    first.succeed();
    waiting.call.given_up().await;

    let call = stage.next().await;
    assert_eq!(call.ends(), [(1, None)]);
    assert!(call.params.resync);
    assert_eq!((call.params.held.clone(), call.params.free), (vec![fence(2)], 3));
    // The lost answer held a grant; it comes again, with one that runs and one that has ended.
    call.grant([grant(1, "wait"), grant(2, "wait"), grant(3, "wait")]);
    let again = stage.next().await;
    assert_eq!((again.params.running, again.params.free), (2, 2));
    let third = started.recv().await.expect("started");
    assert_eq!(third.fence, fence(3));
    assert!(started.is_empty(), "a fence is started once");
}

#[tokio::test(start_paused = true)]
async fn a_call_with_reports_is_not_given_up_and_the_ends_meanwhile_go_into_the_next() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant((1..=4).map(|counter| grant(counter, "wait")));
    let mut attempts = Vec::new();
    for _ in 0..4 {
        attempts.push(started.recv().await.expect("started"));
    }
    attempts.pop().expect("four").succeed();
    let mut waiting = stage.next().await;
    while waiting.params.reports.is_empty() {
        waiting.call.given_up().await;
        waiting = stage.next().await;
    }
    attempts.pop().expect("three").succeed();
    attempts.pop().expect("two").succeed();
    settle().await;
    assert!(!waiting.call.is_given_up() && !stage.server.has_call());
    assert_eq!(waiting.ends(), [(4, None)]);
    waiting.grant([]);
    assert_eq!(stage.next().await.ends(), [(2, None), (3, None)]);
}

#[tokio::test(start_paused = true)]
async fn reports_whose_answer_was_lost_are_sent_again() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    stage.next().await.grant([grant(1, "noop")]);
    let call = stage.next().await;
    assert_eq!(call.ends(), [(1, None)]);
    call.call.fail(disconnected());
    let call = stage.next().await;
    assert_eq!(call.ends(), [(1, None)]);
    assert!(call.params.resync);
    // The server carried the first call out, and grants the ended fence again by mistake.
    call.grant([grant(1, "noop")]);
    let call = stage.next().await;
    assert_eq!((call.ends(), call.params.running), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn handlers_end_as_documented() {
    let mut stage = Stage::set(8, |worker| {
        worker
            .handler("outputs", |context| async move {
                let width: u64 = context.inputs::<std::collections::BTreeMap<String, u64>>()?["width"];
                Ok::<_, HandlerError>(Outputs::from_iter([("half", width / 2)]))
            })
            .handler("fail", |_| async { Err::<(), _>(std::io::Error::other("no disk").into()) })
            .handler("panic", |_| async { if true { panic!("oh {}", "no") } else { noop_result() } })
            .handler("sleep", |_| async {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                noop_result()
            })
    })
    .await;
    let mut slow = grant(5, "sleep");
    slow.timeout = Some(Duration::from_secs(3).into());
    let mut sized = grant(1, "outputs");
    sized.inputs.insert("width".into(), json!(200));
    let process = Grant { type_name: None, run: Some(Default::default()), ..grant(7, "") };
    stage.next().await.grant([
        sized,
        grant(2, "outputs"),
        grant(3, "fail"),
        grant(4, "panic"),
        slow,
        grant(6, "unknown"),
        process,
    ]);
    let mut outcomes = BTreeMap::new();
    while outcomes.len() < 7 {
        let call = stage.next().await;
        for report in call.params.reports.clone() {
            outcomes.insert(report.fence.counter, report.outcome);
        }
        if call.params.reports.is_empty() {
            let mut call = call;
            call.call.given_up().await;
        } else {
            call.grant([]);
        }
    }
    let end = |counter: u64| {
        let outcome = &outcomes[&counter];
        (outcome.reason, outcome.message.clone().unwrap_or_default())
    };
    assert_eq!(outcomes[&1].outputs, Some([("half".to_owned(), json!(100))].into()));
    assert_eq!(end(1).0, None);
    assert_eq!(end(2).0, Some(Reason::HandlerError), "an index that is not there panics");
    assert_eq!(end(3), (Some(Reason::HandlerError), "no disk".into()));
    assert_eq!(end(4), (Some(Reason::HandlerError), "panicked: oh no".into()));
    assert_eq!(end(5), (Some(Reason::Timeout), "took longer than 3s".into()));
    assert!(end(6).1.contains("no handler \"unknown\""), "{:?}", end(6));
    assert_eq!(end(7).0, Some(Reason::SpawnError));
}

fn noop_result() -> Result<(), HandlerError> {
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_attempt_is_told_to_stop_once_and_listed() {
    let (handler, mut started) = by_hand();
    let mut stage = Stage::set(4, |worker| worker.handler("wait", handler)).await;
    stage.next().await.grant([grant(1, "wait")]);
    let mut attempt = started.recv().await.expect("started");
    stage.next_wanted().await.stop(vec![StopOrder { fence: fence(1), now: false }]);
    let grace = Duration::from_secs(10);
    assert_eq!(attempt.context.stop.changed().await, Stop::Graceful(grace));
    let call = stage.next_wanted().await;
    assert_eq!(call.params.stopping, [fence(1)]);
    call.stop(vec![StopOrder { fence: fence(1), now: true }, StopOrder { fence: fence(9), now: true }]);
    assert_eq!(attempt.context.stop.changed().await, Stop::Now);
    let call = stage.next_wanted().await;
    assert_eq!(call.ends(), [(1, Some(Reason::Interrupted))]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_with_nothing_at_once_is_not_asked_in_a_loop() {
    let mut stage = Stage::set(4, |worker| worker.handler("noop", noop)).await;
    let begin = tokio::time::Instant::now();
    for _ in 0..20 {
        stage.next().await.grant([]);
    }
    assert!(begin.elapsed() > Duration::from_secs(4), "{:?}", begin.elapsed());
    // What comes is taken at once.
    stage.next().await.grant([grant(1, "noop")]);
    assert_eq!(stage.next().await.ends(), [(1, None)]);
}

#[tokio::test]
async fn many_attempts_go_through_all_slots() {
    let mut stage = Stage::set(256, |worker| worker.handler("noop", noop)).await;
    let total = 20_000_u64;
    let (mut next, mut done) = (1, 0);
    while done < total {
        let call = stage.next().await;
        if call.call.is_given_up() {
            continue;
        }
        done += call.params.reports.len() as u64;
        let end = (next + u64::from(call.params.free)).min(total + 1);
        call.grant((next..end).map(|counter| grant(counter, "noop")));
        next = end;
    }
    assert_eq!(done, total);
}

#[tokio::test(start_paused = true)]
async fn an_executor_learns_of_its_registration() {
    use crate::{
        api::worker::{Outcome, Registered},
        worker::{BoxFuture, Executor, StopSignal},
    };

    struct Counting(mpsc::UnboundedSender<u32>);
    impl Executor for Counting {
        fn run(&self, _: Grant, _: StopSignal) -> BoxFuture<'static, Outcome> {
            Box::pin(std::future::ready(Outcome::default()))
        }
        fn registered(&self, registered: &Registered) {
            let _ = self.0.send(registered.generation);
        }
    }
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut stage = Stage::set(1, |worker| worker.process_executor(Arc::new(Counting(sender)))).await;
    assert_eq!(receiver.recv().await, Some(1));
    let process = Grant { type_name: None, run: Some(Default::default()), ..grant(1, "") };
    stage.next().await.grant([process]);
    // The call that waited was given up; without a free slot it held nothing that could be lost.
    let call = stage.next_wanted().await;
    assert_eq!((call.ends(), call.params.resync), (vec![(1, None)], false));
}
