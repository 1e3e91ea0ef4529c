//! What a clock does to tasks besides starting them: deadlines, and attempts that are silent.

use std::time::Duration;

use jiff::SignedDuration;
use ktk_client::api::{ErrorReason, Reason};

use super::{
    build::{exit, job, outputs, success},
    lab::{Lab, start},
};
use crate::store::Store;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Whatever it waits for.
pub async fn a_deadline_of_what_waits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let later = start() + SignedDuration::from_secs(500);
    lab.make(job("queued").deadline(60)).await;
    lab.make(job("scheduled").deadline(60).run_after(later)).await;
    lab.make(job("up")).await;
    lab.make(job("behind").deadline(60).needs(["up"])).await;
    lab.make(job("broken")).await;
    lab.fail("broken").await;
    lab.make(job("waits").deadline(60).needs(["broken"])).await;
    lab.make(job("again").deadline(60).limit(3).backoff(55)).await;
    lab.advance(seconds(20)).await;
    lab.fail("again").await;
    assert_eq!(
        lab.get("again").await.unwrap().status.unwrap().next_at,
        Some(start() + SignedDuration::from_secs(75))
    );
    lab.advance(seconds(39)).await;
    for (name, state) in [
        ("scheduled", "Pending/Scheduled"),
        ("behind", "Pending/WaitingForUpstream"),
        ("waits", "Pending/UpstreamFailed"),
        ("again", "Pending/Backoff"),
    ] {
        assert_eq!(lab.state(name).await, state);
    }
    lab.advance(seconds(1)).await;
    for name in ["scheduled", "behind", "waits", "again"] {
        assert_eq!(lab.state(name).await, "Failed/DeadlineExceeded", "{name}");
    }
    // That it runs is no excuse: it was granted with the others above.
    assert_eq!(lab.state("queued").await, "Running/Stopping");
    assert_eq!(lab.state("up").await, "Running");
}

pub async fn a_deadline_of_what_runs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").deadline(60).limit(5)).await;
    lab.make(job("b").needs(["a"])).await;
    let grant = lab.running("a").await;
    lab.advance(seconds(60)).await;
    assert_eq!(lab.state("a").await, "Running/Stopping");
    let stops =
        lab.sync(ktk_client::api::worker::SyncParams { running: 1, ..Default::default() }).await.stops;
    assert_eq!(stops.iter().map(|stop| (stop.fence, stop.now)).collect::<Vec<_>>(), [(grant.fence, false)]);
    // Whatever it still comes to.
    lab.report(grant, outputs(serde_json::json!({"n": 1}))).await;
    assert_eq!(lab.state("a").await, "Failed/DeadlineExceeded");
    assert_eq!(lab.state("b").await, "Pending/UpstreamFailed");
    let status = lab.get("a").await.unwrap().status.unwrap();
    assert_eq!((status.outputs, status.attempts[0].reason), (None, Some(Reason::DeadlineExceeded)));
    assert_eq!(lab.dump.next_due, None);
    // Another incarnation has its own time.
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.state("a").await, "Succeeded");
}

pub async fn a_deadline_that_is_kept<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").deadline(60)).await;
    lab.succeed("a").await;
    lab.make(job("forever").deadline(100 * 365 * 86_400)).await;
    lab.advance(seconds(600)).await;
    assert_eq!(lab.state("a").await, "Succeeded");
    assert_eq!(lab.state("forever").await, "Pending/Queued");
}

pub async fn a_user_s_cancel_goes_before_its_deadline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").deadline(60)).await;
    lab.make(job("b").keepalive(30).limit(3)).await;
    lab.claim(2).await;
    lab.advance(seconds(30)).await;
    lab.cancel("a").await.unwrap();
    lab.advance(seconds(30)).await;
    assert_eq!(lab.state("b").await, "Running/Stopping", "it was silent");
    lab.cancel("b").await.unwrap();
    lab.succeed("a").await;
    lab.succeed("b").await;
    assert_eq!(lab.state("a").await, "Cancelled/ByUser");
    assert_eq!(lab.state("b").await, "Cancelled/ByUser", "and does not run again");
}

pub async fn a_silent_attempt_is_stopped_and_retried<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").keepalive(30).limit(1).backoff(10)).await;
    lab.advance(seconds(100)).await;
    let grant = lab.running("a").await;
    for _ in 0..3 {
        lab.advance(seconds(29)).await;
        lab.keepalive("a").await.unwrap();
    }
    lab.advance(seconds(29)).await;
    assert_eq!(lab.state("a").await, "Running");
    lab.advance(seconds(1)).await;
    assert_eq!(lab.state("a").await, "Running/Stopping");
    assert_eq!(lab.keepalive("a").await.unwrap_err().reason, ErrorReason::Conflict, "too late");
    lab.report(grant.clone(), success()).await;
    assert_eq!(lab.state("a").await, "Pending/Backoff");
    assert!(lab.report(grant, success()).await, "only the answer was lost");
    lab.advance(seconds(10)).await;
    let grant = lab.running("a").await;
    lab.advance(seconds(30)).await;
    lab.report(grant, exit(1)).await;
    assert_eq!(lab.state("a").await, "Failed/KeepaliveLost");
    let attempts = lab.get("a").await.unwrap().status.unwrap().attempts;
    assert!(attempts.iter().all(|attempt| attempt.reason == Some(Reason::KeepaliveLost)));
    assert_eq!(lab.keepalive("a").await.unwrap_err().reason, ErrorReason::Conflict);
}

/// Who could not be heard was not silent.
pub async fn a_server_that_was_away_gives_one_period_more<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").keepalive(30)).await;
    lab.make(job("approval").external().keepalive(30)).await;
    lab.claim(1).await;
    lab.heard_since = start() + SignedDuration::from_secs(100);
    lab.advance(seconds(100)).await;
    for name in ["a", "approval"] {
        assert_eq!(lab.state(name).await, "Running");
    }
    assert_eq!(lab.dump.next_due, Some(start() + SignedDuration::from_secs(130)));
    lab.advance(seconds(30)).await;
    assert_eq!(lab.state("a").await, "Running/Stopping");
    assert_eq!(lab.state("approval").await, "Failed/KeepaliveLost");
}

pub async fn a_lost_node_is_lost_all_the_same<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").keepalive(30).deadline(300)).await;
    lab.claim(1).await;
    lab.register().await;
    assert_eq!(lab.state("a").await, "Pending/Queued");
    lab.advance(seconds(60)).await;
    assert_eq!(lab.state("a").await, "Pending/Queued", "what does not run need not speak");
    lab.claim(1).await;
    lab.advance(seconds(30)).await;
    lab.lose_node().await;
    assert_eq!(lab.state("a").await, "Failed/KeepaliveLost");
}

pub async fn progress_is_the_newest_attempt_s<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(1).backoff(10)).await;
    assert_eq!(lab.progress("a", 1.0, "").await.unwrap_err().reason, ErrorReason::Conflict);
    lab.claim(1).await;
    lab.progress("a", 40.0, "half way").await.unwrap();
    let said = lab.get("a").await.unwrap().status.unwrap().progress.unwrap();
    assert_eq!((said.percent, said.message.as_deref(), said.at), (40.0, Some("half way"), start()));
    for percent in [-1.0, 100.5, f64::NAN, f64::INFINITY] {
        assert_eq!(lab.progress("a", percent, "").await.unwrap_err().reason, ErrorReason::Invalid);
    }
    let long = "x".repeat(5000);
    assert_eq!(lab.progress("a", 1.0, &long).await.unwrap_err().reason, ErrorReason::Invalid);
    lab.fail("a").await;
    lab.advance(seconds(10)).await;
    assert!(lab.get("a").await.unwrap().status.unwrap().progress.is_some(), "until another attempt begins");
    lab.claim(1).await;
    assert_eq!(lab.get("a").await.unwrap().status.unwrap().progress, None);
}
