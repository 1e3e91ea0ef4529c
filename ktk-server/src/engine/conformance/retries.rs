//! Attempts that are followed by another.

use std::time::Duration;

use jiff::SignedDuration;
use ktk_client::api::Reason;

use super::{
    build::{because, exit, job},
    lab::{Lab, start},
};
use crate::store::Store;

async fn attempts<S: Store>(lab: &Lab<S>, name: &str) -> Vec<String> {
    let attempts = lab.get(name).await.unwrap().status.unwrap().attempts;
    let line = |attempt: &ktk_client::api::task::Attempt| {
        format!("{} {}", attempt.number, attempt.reason.map_or("ok", Reason::as_str))
    };
    attempts.iter().map(line).collect()
}

pub async fn retried_with_growing_pauses<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(3).backoff(10)).await;
    let mut waited = 0;
    for pause in [10, 20, 40] {
        lab.fail("a").await;
        assert_eq!(lab.state("a").await, "Pending/Backoff");
        waited += pause;
        assert_eq!(lab.dump.next_due, Some(start() + SignedDuration::from_secs(waited)));
        lab.advance(Duration::from_secs(pause as u64 - 1)).await;
        assert!(lab.claim(1).await.is_empty());
        lab.advance(Duration::from_secs(1)).await;
        assert_eq!(lab.state("a").await, "Pending/Queued");
    }
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Failed/ExitCode");
    assert_eq!(attempts(&lab, "a").await, ["1 ExitCode", "2 ExitCode", "3 ExitCode", "4 ExitCode"]);
}

pub async fn only_listed_exit_codes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(3).on_exit_codes(&[75])).await;
    lab.end("a", exit(75)).await;
    assert_eq!(lab.state("a").await, "Pending/Backoff");
    lab.advance(Duration::from_secs(2)).await;
    lab.end("a", exit(1)).await;
    assert_eq!(lab.state("a").await, "Failed/ExitCode");
}

pub async fn lost_once_when_no_limit_is_written<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.claim(1).await;
    lab.register().await;
    assert_eq!(lab.state("a").await, "Pending/Queued", "at once, without a pause");
    lab.claim(1).await;
    lab.register().await;
    assert_eq!(lab.state("a").await, "Failed/NodeLost");
    assert_eq!(attempts(&lab, "a").await, ["1 NodeLost", "2 NodeLost"]);
}

pub async fn a_written_zero_is_never<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(0)).await;
    lab.claim(1).await;
    lab.register().await;
    assert_eq!(lab.state("a").await, "Failed/NodeLost");
}

pub async fn interruptions_count_for_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(0)).await;
    for _ in 0..5 {
        lab.end("a", because(Reason::Interrupted)).await;
        assert_eq!(lab.state("a").await, "Pending/Queued");
    }
    lab.succeed("a").await;
    assert_eq!(attempts(&lab, "a").await.len(), 6);
    assert_eq!(lab.state("a").await, "Succeeded");
}

pub async fn reasons_that_are_retried<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    use Reason::*;
    for (reason, is_retried) in [
        (Signal, true),
        (Timeout, true),
        (HandlerError, true),
        (InvalidOutput, false),
        (InvalidInput, false),
        (SpawnError, false),
    ] {
        let name = reason.as_str().to_lowercase();
        lab.make(job(&name).limit(1)).await;
        lab.end(&name, because(reason)).await;
        let expected = if is_retried { "Pending/Backoff".into() } else { format!("Failed/{reason}") };
        assert_eq!(lab.state(&name).await, expected);
    }
}

pub async fn a_need_restarted_meanwhile_is_waited_for<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).limit(1).backoff(10)).await;
    lab.succeed("a").await;
    lab.claim(1).await;
    lab.restart("a").await.unwrap();
    lab.fail("b").await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    lab.advance(Duration::from_secs(60)).await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    lab.succeed("a").await;
    assert_eq!(lab.state("b").await, "Pending/Queued");
}

pub async fn a_limit_is_not_used_up_by_interruptions<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(1).backoff(10)).await;
    for _ in 0..3 {
        lab.end("a", because(Reason::Interrupted)).await;
    }
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Pending/Backoff");
    assert_eq!(lab.dump.next_due, Some(start() + SignedDuration::from_secs(10)), "the first pause");
    lab.advance(Duration::from_secs(10)).await;
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Failed/ExitCode");
}
