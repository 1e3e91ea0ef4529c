//! Nodes: what they are given, and what becomes of it when they are lost or leave.

use std::{sync::Arc, time::Duration};

use ktk_client::api::{
    node::NodePhase,
    worker::{Grant, RegisterParams, Report, SyncParams},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    build::{job, pipeline, success},
    lab::Lab,
};
use crate::{
    engine::{
        Engine,
        events::ListEvents,
        nodes::{RegisterNode, SyncNode},
        timer,
    },
    limits,
    store::Store,
};

pub async fn registered_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let old = lab.running("a").await;
    let stale = lab.generation;
    lab.register().await;
    assert_eq!((stale, lab.generation), (1, 2));
    assert_eq!(lab.state("a").await, "Pending/Queued");
    assert_eq!(lab.running("a").await.attempt, old.attempt + 1);
    let ask = lab.engine.ask("lab");
    let params = SyncParams { node: lab.node, generation: stale, free: 5, ..SyncParams::default() };
    let answer = lab.write(SyncNode { ask, params, check_stops: true, waiting: Vec::new() }).await.unwrap();
    assert!(answer.unknown_node && answer.grants.is_empty());
}

pub async fn a_missed_lease<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.running("a").await;
    lab.engine.leases.renew(lab.node, lab.generation, true);
    lab.advance(limits::LEASE - Duration::from_secs(1)).await;
    assert_eq!(lab.state("a").await, "Running");
    lab.advance(Duration::from_secs(1)).await;
    assert_eq!(lab.state("a").await, "Pending/Queued");
    assert_eq!(lab.dump.nodes[&lab.node].phase, NodePhase::Lost);
    let answer = lab.sync(SyncParams { free: 5, ..SyncParams::default() }).await;
    assert!(answer.unknown_node && answer.grants.is_empty());
    lab.register().await;
    assert_eq!(lab.running("a").await.attempt, 2);
    // A lease of an earlier generation ends nothing.
    let ask = lab.engine.ask("ktk");
    let lose = crate::engine::nodes::LoseNode { ask, node: lab.node, generation: 1 };
    lab.write(lose).await.unwrap();
    assert_eq!(lab.state("a").await, "Running");
    lab.succeed("a").await;
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    let words: Vec<(&str, &str)> =
        events.iter().map(|event| (event.reason.as_str(), event.message.as_str())).collect();
    let lost = ("NodeLost", "attempt 1 goes back to the queue, lost: its node missed its lease");
    assert_eq!(words.iter().filter(|(reason, _)| *reason == "NodeLost").collect::<Vec<_>>(), [&lost]);
    assert!(words.contains(&("Succeeded", "attempt 2 succeeded")), "{words:?}");
}

pub async fn leaving<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    lab.make(job("b")).await;
    let leave = |running, free| SyncParams { leaving: true, running, free, ..SyncParams::default() };
    assert!(lab.sync(leave(1, 5)).await.grants.is_empty(), "claims stop first");
    assert_eq!(lab.dump.nodes[&lab.node].phase, NodePhase::Stopping);
    assert_eq!(lab.state("a").await, "Running", "running work goes on");
    lab.report(grant, success()).await;
    assert_eq!(lab.state("a").await, "Succeeded");
    lab.sync(leave(0, 5)).await;
    assert_eq!(lab.dump.nodes[&lab.node].phase, NodePhase::Stopped);
    assert_eq!(lab.state("b").await, "Pending/Queued");
}

pub async fn only_what_it_can_run<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.engine.add_types(&["other".into()]);
    lab.make(job("a")).await;
    lab.make(job("b").command(&["true"])).await;
    let mut other = job("c");
    other.step.type_name = Some("other".into());
    lab.make(other).await;
    let node = Uuid::from_u128(0xcd);
    let params = RegisterParams {
        id: node,
        name: "second".into(),
        types: vec!["other".into()],
        ..RegisterParams::default()
    };
    let (ask, store_id) = (lab.engine.ask("second"), lab.engine.store.info().id);
    lab.write(RegisterNode { ask, params, store_id }).await.unwrap();
    let params = SyncParams { node, generation: 1, free: 5, ..SyncParams::default() };
    let ask = lab.engine.ask("second");
    let grants =
        lab.write(SyncNode { ask, params, check_stops: true, waiting: Vec::new() }).await.unwrap().grants;
    assert_eq!(grants.iter().map(|grant| grant.name.as_str()).collect::<Vec<_>>(), ["c"]);
    let mut names = lab.claim_names(5).await;
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
}

pub async fn in_order_of_priority<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for (name, priority) in [("low", -5), ("old", 0), ("new", 0), ("high", 5)] {
        lab.make(job(name).priority(priority)).await;
        lab.advance(Duration::from_secs(1)).await;
    }
    assert_eq!(lab.claim_names(1).await, ["high"]);
    assert_eq!(lab.claim_names(2).await, ["old", "new"]);
    assert_eq!(lab.claim_names(2).await, ["low"]);
}

pub async fn grants_again_after_a_lost_answer<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["a", "b", "c"] {
        lab.make(job(name)).await;
    }
    let first = lab.claim(2).await;
    let held = vec![first[0].fence];
    let params = SyncParams { free: 2, running: 1, resync: true, held, ..SyncParams::default() };
    let again = lab.sync(params).await.grants;
    // Only the digest of the first token was kept.
    let bare = |grant: &Grant| Grant { token: None, ..grant.clone() };
    assert_eq!(bare(&again[0]), bare(&first[1]), "the same attempt, the same fence");
    assert_eq!(again.len(), 2, "and what else is free");
    assert!(lab.report(again[0].clone(), success()).await);
}

/// A worker says how an attempt ended, never what its task is to be shown as.
pub async fn only_reasons_of_attempts<S: Store>(store: S) {
    use ktk_client::api::{ErrorReason, Reason};
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    for reason in
        [Reason::UpstreamFailed, Reason::ByUser, Reason::Reused, Reason::DeadlineExceeded, Reason::Held]
    {
        let outcome = super::build::because(reason);
        let report = Report { task: grant.task, attempt: 1, fence: grant.fence, outcome };
        let params = SyncParams {
            node: lab.node,
            generation: lab.generation,
            reports: vec![report],
            ..SyncParams::default()
        };
        let ask = lab.engine.ask("lab");
        let refused =
            lab.write(SyncNode { ask, params, check_stops: false, waiting: Vec::new() }).await.unwrap_err();
        assert_eq!((refused.reason, refused.causes.len()), (ErrorReason::Invalid, 1), "{reason}");
        assert_eq!(lab.state("a").await, "Running");
    }
    assert!(lab.report(grant, success()).await);
}

/// What an attempt took is taken once, also when its grant is given twice.
pub async fn the_same_needs_when_granted_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.give("a", json!({"n": 1})).await;
    let grant = lab.running("b").await;
    lab.restart("a").await.unwrap();
    for end in [None, Some(json!({"n": 2}))] {
        if let Some(outputs) = end {
            lab.give("a", outputs).await;
        }
        let params = SyncParams { resync: true, ..SyncParams::default() };
        let again = lab.sync(params).await.grants;
        let again = again.into_iter().find(|again| again.name == "b").unwrap();
        assert_eq!(again.needs, grant.needs);
    }
    let resolved = lab.get("b").await.unwrap().status.unwrap().resolved;
    assert_eq!(Some(resolved[0].id), lab.get("a@1").await.unwrap().metadata.id);
}

pub async fn late_reports_of_a_lost_node<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let grant = lab.running("a").await;
    lab.lose_node().await;
    let report = Report { task: grant.task, attempt: grant.attempt, fence: grant.fence, outcome: success() };
    let answer = lab.sync(SyncParams { reports: vec![report], ..SyncParams::default() }).await;
    assert!(answer.unknown_node);
    assert_eq!(lab.state("a").await, "Pending/Queued");
    let events = lab.read(ListEvents { params: Default::default() }).await.unwrap().items;
    assert!(events.iter().any(|event| event.reason == "LateResult"), "{events:#?}");
}

/// A grant whose answer never reached a node that then left would run nowhere for ever.
pub async fn unfinished_business_of_one_that_left<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").limit(0)).await;
    lab.claim(1).await;
    lab.held.clear();
    lab.sync(SyncParams { leaving: true, ..SyncParams::default() }).await;
    assert_eq!(lab.state("a").await, "Pending/Queued");
    lab.register().await;
    lab.succeed("a").await;
}

pub async fn stop_orders<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").always()])).await;
    let (a, b) = (lab.running("p.a").await, lab.running("p.b").await);
    lab.cancel_pipeline("p", false).await.unwrap();
    let stops = lab.sync(SyncParams::default()).await.stops;
    assert_eq!(stops.iter().map(|stop| (stop.fence, stop.now)).collect::<Vec<_>>(), [(a.fence, false)]);
    let stopping = SyncParams { stopping: vec![a.fence], ..SyncParams::default() };
    assert!(lab.sync(stopping.clone()).await.stops.is_empty());
    lab.cancel_pipeline("p", true).await.unwrap();
    let mut stops: Vec<_> =
        lab.sync(stopping).await.stops.iter().map(|stop| (stop.fence, stop.now)).collect();
    stops.sort_unstable();
    let mut expected = vec![(a.fence, true), (b.fence, true)];
    expected.sort_unstable();
    assert_eq!(stops, expected);
}

/// Attempts go on over a restart of the server; a node that is never heard of again is lost after one lease.
pub async fn a_server_that_starts_again<S: Store>(store: S) {
    let mut lab = Lab::new(store.clone()).await;
    lab.make(job("a")).await;
    lab.make(job("b")).await;
    let (a, _) = (lab.running("a").await, lab.running("b").await);
    lab.engine =
        Engine::new(store, lab.engine.clock.clone(), Arc::clone(&lab.engine.shared), crate::jq::Jq::here()).0;
    assert_eq!(lab.engine.leases.next_end(), None);
    timer::begin(&lab.engine).await.unwrap();
    assert!(lab.report(a, success()).await);
    lab.advance(limits::LEASE).await;
    assert_eq!(
        (lab.state("a").await.as_str(), lab.state("b").await.as_str()),
        ("Succeeded", "Pending/Queued")
    );
}
