//! Semaphores: all or none, in order, and nobody starves.

use std::time::Duration;

use ktk_client::api::{Reason, Semaphore, meta::StringMap, semaphore::ScaleParams, worker::SyncParams};

use super::{
    build::{because, job},
    calls::named,
    lab::Lab,
    limits::SECOND,
};
use crate::{engine::semaphore::ScaleSemaphore, model::permits::MAX_PASSED, store::Store};

pub async fn permits_are_taken_all_or_none_and_given_back<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    lab.make_semaphore("licence", 1).await;
    lab.line_up(job("one").permits("gpu", 1).limit(1).backoff(10)).await;
    lab.line_up(job("both").permits("gpu", 1).permits("licence", 1)).await;
    lab.line_up(job("licensed").permits("licence", 1).priority(-1)).await;
    lab.line_up(job("large").permits("gpu", 2).priority(-2)).await;
    lab.line_up(job("free").priority(-3)).await;
    assert_eq!(lab.claim_names(64).await, ["one", "both", "free"]);
    for name in ["licensed", "large"] {
        assert_eq!(lab.state(name).await, "Pending/WaitingForPermit");
    }
    let gpu = lab.get_entity::<Semaphore>("gpu").await.unwrap().status.unwrap();
    assert_eq!((gpu.held, gpu.waiting), (2, 1));
    assert_eq!(gpu.holders.iter().map(|holder| &*holder.task).collect::<Vec<_>>(), ["one@1", "both@1"]);
    assert_eq!((&*gpu.waiters[0].task, gpu.waiters[0].permits), ("large@1", 2));
    lab.succeed("both").await;
    assert_eq!(lab.claim_names(64).await, ["licensed"]);
    lab.fail("one").await;
    assert_eq!(
        lab.claim_names(64).await,
        ["large"],
        "an attempt that is tried again holds nothing meanwhile"
    );
    lab.advance(Duration::from_secs(10)).await;
    assert_eq!(lab.state("one").await, "Pending/WaitingForPermit");
    lab.register().await;
    let again = lab.claim_names(64).await;
    assert_eq!(again, ["one", "licensed", "free"], "a lost attempt holds nothing: the oldest is first");
}

pub async fn waiters_go_by_priority_then_age<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.line_up(job("first").permits("gpu", 1)).await;
    lab.running("first").await;
    for (name, priority) in [("low", -1), ("old", 0), ("young", 0), ("high", 5)] {
        lab.advance(Duration::from_secs(1)).await;
        lab.line_up(job(name).permits("gpu", 1).priority(priority)).await;
    }
    let mut order = Vec::new();
    lab.succeed("first").await;
    while let [name] = &lab.claim_names(64).await[..] {
        lab.succeed(name).await;
        order.push(name.clone());
    }
    assert_eq!(order, ["high", "old", "young", "low"]);
}

pub async fn scaled_at_once_and_nothing_revoked<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    for name in ["a", "b", "c"] {
        lab.line_up(job(name).permits("gpu", 1)).await;
    }
    assert_eq!(lab.claim_names(64).await, ["a"]);
    lab.scale("gpu", 2).await;
    assert_eq!(lab.claim_names(64).await, ["b"]);
    lab.scale("gpu", 1).await;
    assert_eq!(lab.state("a").await, "Running");
    lab.succeed("a").await;
    assert!(lab.claim_names(64).await.is_empty(), "one is still held");
    lab.succeed("b").await;
    assert_eq!(lab.claim_names(64).await, ["c"]);
    lab.scale("gpu", 0).await;
    lab.end("c", because(Reason::Interrupted)).await;
    assert_eq!(lab.state("c").await, "Pending/WaitingForPermit");
    assert!(lab.claim_names(64).await.is_empty());
    let params = ScaleParams { reference: named("gpu"), permits: 2_000_000, request_id: None };
    let refused = lab.write(ScaleSemaphore { ask: lab.engine.ask("tester"), params }).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "permits");
}

/// Small ones stream in; the large one is passed a bounded number of times, then they wait behind it.
pub async fn a_large_one_does_not_starve<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    lab.line_up(job("s0").permits("gpu", 1)).await;
    lab.running("s0").await;
    lab.line_up(job("large").permits("gpu", 2)).await;
    let mut passed = 0;
    for number in 1..200 {
        let name = format!("s{number}");
        lab.line_up(job(&name).permits("gpu", 1)).await;
        match &lab.claim_names(64).await[..] {
            [started] if *started == name => passed += 1,
            [] => break,
            other => panic!("{other:?}"),
        }
        lab.succeed(&format!("s{}", number - 1)).await;
    }
    assert_eq!(passed, MAX_PASSED);
    assert_eq!(lab.state("s65").await, "Pending/Queued", "it fits, and waits behind the large one");
    lab.line_up(job("free")).await;
    assert_eq!(lab.claim_names(64).await, ["free"], "others are not held up");
    lab.succeed("s64").await;
    assert_eq!(lab.claim_names(64).await, ["large"]);
    lab.succeed("large").await;
    assert_eq!(lab.claim_names(64).await, ["s65"]);
}

pub async fn passed_for_half_a_minute<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    lab.line_up(job("a").permits("gpu", 1)).await;
    lab.running("a").await;
    lab.line_up(job("large").permits("gpu", 2)).await;
    lab.line_up(job("b").permits("gpu", 1)).await;
    assert_eq!(lab.claim_names(64).await, ["b"]);
    lab.succeed("b").await;
    lab.line_up(job("c").permits("gpu", 1)).await;
    lab.advance(Duration::from_secs(30)).await;
    assert!(lab.claim_names(64).await.is_empty(), "half a minute is over");
    lab.cancel("large").await.unwrap();
    assert_eq!(lab.claim_names(64).await, ["c"], "nobody waits behind what is gone");
}

/// External tasks start in the commit that frees their permits: before a node can have them.
pub async fn who_starts_elsewhere_does_not_starve<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.line_up(job("x0").external().permits("gpu", 1)).await;
    lab.line_up(job("works").permits("gpu", 1)).await;
    let mut passed = 0;
    for number in 1..200 {
        let name = format!("x{number}");
        lab.line_up(job(&name).external().permits("gpu", 1)).await;
        lab.complete_externals().await;
        match &*lab.state(&name).await {
            "Running" => passed += 1,
            "Pending/Queued" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(passed, MAX_PASSED);
    assert_eq!(lab.claim_names(64).await, ["works"], "what it needs is kept for it");
    lab.succeed("works").await;
    assert_eq!(lab.state("x65").await, "Running");
}

pub async fn nobody_waits_behind_what_no_node_runs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let generation = lab.register_second(StringMap::from([("zone".into(), "eu".into())])).await;
    lab.make_semaphore("gpu", 2).await;
    lab.line_up(job("x").external().permits("gpu", 1)).await;
    lab.line_up(job("large").on_nodes("zone=eu").permits("gpu", 2)).await;
    lab.line_up(job("y").external().permits("gpu", 1)).await;
    assert_eq!(lab.state("y").await, "Running", "it has passed the large one");
    lab.cancel("y").await.unwrap();
    lab.advance(Duration::from_secs(30)).await;
    lab.line_up(job("z").external().permits("gpu", 1)).await;
    lab.line_up(job("a").permits("gpu", 1)).await;
    assert!(
        lab.claim(64).await.is_empty() && lab.state("z").await == "Pending/Queued",
        "half a minute is over"
    );
    let first = std::mem::replace(&mut lab.node, SECOND);
    let first_generation = std::mem::replace(&mut lab.generation, generation);
    lab.sync(SyncParams { leaving: true, ..SyncParams::default() }).await;
    (lab.node, lab.generation) = (first, first_generation);
    assert_eq!(lab.state("z").await, "Running", "nobody runs the large one any more");
}
