//! What needs mean: joins, failures that spread and heal, counters that never drift (`check` recounts
//! them after each step).

use std::time::Duration;

use ktk_client::api::{
    ErrorReason, Reason, task,
    worker::{Grant, Outcome, Report, SyncParams},
};

use super::{
    build::{because, exit, job, success},
    dump::ReadAll,
    lab::Lab,
};
use crate::{
    engine::{create_task::CreateTask, nodes::SyncNode},
    store::Store,
};

/// Trap R4: both ends are told in one transaction, neither is lost, and the dependent goes once.
pub async fn r4_two_upstreams_end_in_one_batch<S: Store>(store: S) {
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

/// However many wait for one.
pub async fn everybody_who_waits_goes_on<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    let names: Vec<String> = (0..20).map(|number| format!("b{number}")).collect();
    for name in &names {
        lab.make(job(name).needs(["a"])).await;
    }
    lab.succeed("a").await;
    for name in &names {
        assert_eq!(lab.state(name).await, "Pending/Queued");
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

/// However an upstream fails, what needs it never starts: not with the other needs, not with time, not by a claim.
pub async fn r6_nobody_starts_behind_a_failure<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let reasons =
        [Reason::Signal, Reason::Timeout, Reason::HandlerError, Reason::SpawnError, Reason::InvalidOutput];
    let ends = [Some(exit(1)), None].into_iter().chain(reasons.map(|reason| Some(because(reason))));
    for (round, end) in ends.enumerate() {
        let [up, other, one, both, last] =
            ["up", "other", "one", "both", "last"].map(|name| format!("{name}-{round}"));
        lab.make(job(&up)).await;
        lab.make(job(&other)).await;
        lab.make(job(&one).needs([&up])).await;
        lab.make(job(&both).needs([&up, &other])).await;
        lab.make(job(&last).needs([&one, &other])).await;
        match end {
            Some(outcome) => lab.end(&up, outcome).await,
            None => drop(lab.cancel(&up).await.unwrap()),
        }
        lab.succeed(&other).await;
        lab.advance(Duration::from_secs(3600)).await;
        assert_eq!(lab.claim(8).await, [], "round {round}");
        for name in [&one, &both, &last] {
            assert_eq!(lab.state(name).await, "Pending/UpstreamFailed", "{name}");
            let row = lab.dump.tasks.values().find(|row| row.name == *name).expect("it is there");
            assert_eq!((row.attempt, row.started_at), (0, None), "{name}");
        }
    }
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

/// Trap R5: a dependent that is submitted while its upstream ends: whichever comes first, it goes on after a success and never
/// starts after a failure.
pub async fn r5_submitted_while_its_upstream_ends<S: Store>(store: S) {
    let rounds = if store.info().kind == "memory" { 10_000 } else { 50 };
    let mut lab = Lab::new(store).await;
    lab.make(job("first")).await;
    for round in 0..rounds {
        let upstream = if round == 0 { "first".to_owned() } else { format!("u{round}") };
        if round > 0 {
            create_unseen(&lab, &upstream, None).await;
        }
        let grant = claim_unseen(&lab).await.remove(0);
        let has_failed = round % 3 == 0;
        let outcome = if has_failed { exit(1) } else { success() };
        let ends = lab.engine.write(end_of(&lab, grant, outcome));
        let name = format!("d{round}");
        let made = create_unseen(&lab, &name, Some(&upstream));
        if round % 2 == 0 {
            let (ended, ()) = tokio::join!(ends, made);
            ended.unwrap();
        } else {
            let ((), ended) = tokio::join!(made, ends);
            ended.unwrap();
        }
        let granted = claim_unseen(&lab).await;
        assert_eq!(granted.len(), usize::from(!has_failed), "round {round}: {name} after {upstream}");
        for grant in granted {
            lab.engine.write(end_of(&lab, grant, success())).await.unwrap();
        }
    }
    let waiting = lab.engine.read(ReadAll).await.unwrap();
    let stuck = waiting.tasks.values().find(|row| row.reason == Some(Reason::WaitingForUpstream));
    assert_eq!(stuck, None, "nothing waits for an end that has been");
}

/// Creates a task without looking at everything afterwards.
async fn create_unseen<S: Store>(lab: &Lab<S>, name: &str, need: Option<&str>) {
    let mut job = job(name);
    job.step.needs.extend(need.map(str::to_owned));
    let params =
        task::CreateParams { object: job.task(), request_id: None, caller_env: None, dry_run: false };
    let create = CreateTask::new(lab.engine.ask("tester"), params, lab.engine.types(), Vec::new()).unwrap();
    lab.engine.write(create).await.unwrap();
}

/// The call that reports this end.
fn end_of<S: Store>(lab: &Lab<S>, grant: Grant, outcome: Outcome) -> SyncNode {
    let report = Report { task: grant.task, attempt: grant.attempt, fence: grant.fence, outcome };
    let reports = vec![report];
    let params = SyncParams { node: lab.node, generation: lab.generation, reports, ..SyncParams::default() };
    SyncNode { ask: lab.engine.ask("lab"), params, check_stops: false, waiting: Vec::new() }
}

async fn claim_unseen<S: Store>(lab: &Lab<S>) -> Vec<Grant> {
    let params = SyncParams { node: lab.node, generation: lab.generation, free: 8, ..SyncParams::default() };
    lab.engine
        .write(SyncNode { ask: lab.engine.ask("lab"), params, check_stops: false, waiting: Vec::new() })
        .await
        .unwrap()
        .grants
}
