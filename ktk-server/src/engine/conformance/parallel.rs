//! `maxParallel`: places that are taken, given back, and given on in order.

use std::time::Duration;

use ktk_client::api::{Pipeline, Reason};

use super::{
    build::{because, job, pipeline_of, success},
    lab::Lab,
};
use crate::store::Store;

fn limited(jobs: Vec<super::build::Job>, max: u32) -> Pipeline {
    let mut object = pipeline_of("p", jobs);
    object.spec.max_parallel = Some(max);
    object
}

pub async fn never_above_the_limit<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let jobs = (0..7).map(|n| job(&format!("s{n}"))).collect();
    lab.make_pipeline(limited(jobs, 2)).await;
    assert_eq!(lab.claim(64).await.len(), 2);
    while let Some(grant) = lab.held.first().cloned() {
        lab.report(grant, success()).await;
        assert!(lab.claim(64).await.len() <= 1);
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

/// A place that became free goes to who waits in front, not to who came with the same change.
pub async fn priority_then_age<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let jobs = vec![
        job("first").priority(9),
        job("next").needs(["first"]).priority(1),
        job("urgent").needs(["first"]).priority(5),
        job("old").priority(1),
        job("front").priority(7),
        job("low"),
    ];
    lab.make_pipeline(limited(jobs, 1)).await;
    lab.advance(Duration::from_secs(1)).await;
    let mut order = Vec::new();
    while let [grant] = &lab.claim(64).await[..] {
        let name = grant.name.clone();
        lab.succeed(&name).await;
        lab.advance(Duration::from_secs(1)).await;
        order.push(name);
    }
    assert_eq!(order, ["p.first", "p.front", "p.urgent", "p.old", "p.next", "p.low"]);
}

pub async fn a_place_comes_back_from_everywhere<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let jobs = vec![
        job("retried").priority(9).limit(1).backoff(60),
        job("cancelled").priority(8),
        job("waiting").priority(7),
        job("interrupted").priority(6),
        job("last").priority(5),
    ];
    lab.make_pipeline(limited(jobs, 1)).await;
    lab.fail("p.retried").await;
    assert_eq!(lab.state("p.retried").await, "Pending/Backoff");
    lab.running("p.cancelled").await;
    lab.cancel("p.cancelled").await.unwrap();
    lab.register().await;
    assert_eq!(lab.state("p.cancelled").await, "Cancelled/ByUser");
    lab.cancel("p.waiting").await.unwrap();
    lab.end("p.interrupted", because(Reason::Interrupted)).await;
    assert_eq!(lab.claim_names(64).await, ["p.interrupted"], "it keeps its place");
    lab.succeed("p.interrupted").await;
    lab.running("p.last").await;
    lab.advance(Duration::from_secs(60)).await;
    assert_eq!(lab.state("p.retried").await, "Pending/Queued");
    assert!(lab.claim(64).await.is_empty());
    lab.succeed("p.last").await;
    lab.succeed("p.retried").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed", "two steps were cancelled");
}
