//! What needs mean: joins, failures that spread and heal, counters that never drift (`check` recounts
//! them after each step).

use ktk_client::api::ErrorReason;

use super::{
    build::{exit, job, success},
    lab::Lab,
};
use crate::store::Store;

/// Both ends are told in one transaction: neither is lost, and the dependent goes once.
pub async fn two_upstreams_end_in_one_batch<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (left, right, expected) in [
        (success(), success(), "Pending/Queued"),
        (success(), exit(1), "Pending/UpstreamFailed"),
        (exit(1), exit(1), "Pending/UpstreamFailed"),
    ] {
        lab.make(job("a")).await;
        lab.make(job("b")).await;
        lab.make(job("c").needs(["a", "b"])).await;
        let ends = vec![(lab.running("a").await, left), (lab.running("b").await, right)];
        assert_eq!(lab.report_all(ends).await, [true, true]);
        assert_eq!(lab.state("c").await, expected);
        for name in ["c", "a", "b"] {
            lab.delete(name).await.unwrap();
        }
    }
}

pub async fn upstream_failed_spreads_and_heals<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").needs(["b"])).await;
    lab.make(job("side")).await;
    lab.make(job("d").needs(["c", "side"])).await;
    lab.fail("a").await;
    for name in ["b", "c", "d"] {
        assert_eq!(lab.state(name).await, "Pending/UpstreamFailed");
    }
    lab.succeed("side").await;
    assert_eq!(lab.state("d").await, "Pending/UpstreamFailed");
    lab.restart("a").await.unwrap();
    for name in ["b", "c", "d"] {
        assert_eq!(lab.state(name).await, "Pending/WaitingForUpstream");
    }
    for name in ["a", "b", "c", "d"] {
        lab.succeed(name).await;
    }
    assert_eq!(lab.tree("d").await, ["d@1 <- - Succeeded"]);
}

pub async fn needs_of_a_finished_task<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("good")).await;
    lab.make(job("bad")).await;
    lab.succeed("good").await;
    lab.fail("bad").await;
    lab.make(job("a").needs(["good"])).await;
    lab.make(job("b").needs(["good", "bad"])).await;
    assert_eq!(lab.state("a").await, "Pending/Queued");
    assert_eq!(lab.state("b").await, "Pending/UpstreamFailed");
}

/// Whatever the order, no dependent is left waiting for an end that has been.
pub async fn a_dependent_made_while_its_upstream_ends<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("before").needs(["a"])).await;
    lab.claim(1).await;
    lab.make(job("during").needs(["a"])).await;
    lab.succeed("a").await;
    lab.make(job("after").needs(["a"])).await;
    for name in ["before", "during", "after"] {
        assert_eq!(lab.state(name).await, "Pending/Queued");
    }
}

pub async fn needs_are_refused_with_words<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let missing = lab.create(job("b").needs(["a", "nobody"])).await.unwrap_err();
    assert_eq!(missing.reason, ErrorReason::Invalid);
    assert_eq!(missing.causes[0].field, "spec.needs[1]");
    let twice = lab.create(job("b").needs(["a", "a"])).await.unwrap_err();
    assert_eq!(twice.reason, ErrorReason::Invalid);
    let itself = lab.create(job("b").needs(["b"])).await.unwrap_err();
    assert_eq!(itself.reason, ErrorReason::Invalid);
    assert_eq!(lab.dump.tasks.len(), 1);
}
