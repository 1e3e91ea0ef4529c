//! Any history keeps all promises, and what is left of it can be brought to a good end: nothing is lost,
//! nothing stays where nothing moves it (promise 2), nothing ran on needs unlike its `runIf` (promise 5).

use std::{collections::BTreeSet, time::Duration};

use ktk_client::api::{
    ErrorReason, Phase, Reason,
    restart::Cascade,
    task::RunIf,
    worker::{Grant, Outcome},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    build::outputs,
    calls::restart,
    lab::Lab,
    promise::assert_runs_as_asked,
    simulation::{Simulation, extent},
};
use crate::{engine::expire::Trim, limits, model::row::TaskRow, store::Store};

pub async fn first_histories<S: Store>(store: S) {
    histories(store, 0).await;
}

pub async fn second_histories<S: Store>(store: S) {
    histories(store, 1).await;
}

pub async fn third_histories<S: Store>(store: S) {
    histories(store, 2).await;
}

pub async fn fourth_histories<S: Store>(store: S) {
    histories(store, 3).await;
}

/// A part of the seeds: the parts can run at the same time.
async fn histories<S: Store>(store: S, part: u64) {
    let (seeds, length) = extent(&store);
    for seed in part * seeds..(part + 1) * seeds {
        let mark = Mark(seed);
        let mut simulation = Simulation::new(store.clone(), seed, true).await;
        for _ in 0..length {
            simulation.step().await;
        }
        let (mut lab, cancelled) = (simulation.lab, simulation.cancelled);
        let_go(&mut lab).await;
        run_out(&mut lab).await;
        everything_rests(&lab);
        everything_ran_as_asked(&lab);
        nothing_is_stale(&lab, &cancelled);
        mend(&mut lab).await;
        clear(&mut lab).await;
        std::mem::forget(mark);
    }
}

/// Says which history it was.
struct Mark(u64);

impl Drop for Mark {
    fn drop(&mut self) {
        eprintln!("in the history of seed {}", self.0);
    }
}

/// Nobody holds anything any more.
async fn let_go<S: Store>(lab: &mut Lab<S>) {
    lab.pause_queue("q", false).await;
    lab.scale("gpu", 2).await;
    let held: Vec<String> =
        lab.dump.pipelines.values().filter(|row| row.rare.held).map(|row| row.name.clone()).collect();
    for name in held {
        // One that has ended stays as it was: only what is restarted in it is held.
        let _ = lab.hold_pipeline(&name, false).await;
    }
    let held: Vec<String> = (lab.dump.newest().values())
        .filter(|row| row.rare.held && !row.phase.is_terminal())
        .map(|row| row.name.clone())
        .collect();
    for name in held {
        lab.hold(&name, false).await.unwrap();
    }
}

/// Runs everything to its end, with success, whatever clocks have to be waited for.
async fn run_out<S: Store>(lab: &mut Lab<S>) {
    for _ in 0..1_000 {
        lab.claim(64).await;
        // Outputs that are now the same, now others: what has seen them is looked at again.
        let outcome = |grant: &Grant| outputs(json!({"n": grant.fence.counter % 2}));
        // The younger half first: what runs for long ends on needs that have moved on.
        lab.held.sort_by_key(|grant| grant.fence);
        let half = lab.held.len() / 2;
        let ends: Vec<(Grant, Outcome)> =
            lab.held[half..].iter().map(|grant| (grant.clone(), outcome(grant))).collect();
        if lab.complete_externals().await {
            continue;
        }
        if !ends.is_empty() {
            assert!(lab.report_all(ends).await.into_iter().all(|counts| counts));
        } else if let Some(due) = lab.dump.next_due {
            let wait = due.duration_since(lab.now()).max(jiff::SignedDuration::ZERO);
            lab.advance(Duration::try_from(wait).unwrap()).await;
        } else {
            return;
        }
    }
    panic!("it never comes to rest: {:#?}", lab.states());
}

/// Nothing waits but behind a failure, and nothing that was to go is still there.
fn everything_rests<S: Store>(lab: &Lab<S>) {
    for row in lab.dump.newest().values() {
        let is_at_rest = row.phase.is_terminal() || row.reason == Some(Reason::UpstreamFailed);
        assert!(is_at_rest, "nothing moves it: {row:#?}");
        assert!(row.deleted_at.is_none() && row.wish.is_none(), "left undone: {row:#?}");
        if !row.phase.is_terminal() {
            let causes = causes(lab, row);
            assert!(!causes.is_empty(), "it waits behind no failure: {row:#?}");
        }
    }
    for row in lab.dump.pipelines.values() {
        assert!(row.phase.is_terminal() && row.deleted_at.is_none(), "{row:#?}");
    }
}

/// The failures that a task waits behind.
fn causes<S: Store>(lab: &Lab<S>, row: &TaskRow) -> BTreeSet<Uuid> {
    let newest = lab.dump.newest();
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![row.context_id]);
    while let Some(context) = open.pop() {
        for need in lab.dump.needs_of(context).filter_map(|need| newest.get(&need)) {
            match need.phase {
                Phase::Failed | Phase::Cancelled => drop(found.insert(need.context_id)),
                Phase::Pending if seen.insert(need.context_id) => open.push(need.context_id),
                _ => {}
            }
        }
    }
    found
}

fn everything_ran_as_asked<S: Store>(lab: &Lab<S>) {
    // A retry that was no longer needed has been skipped, and says so. A stub has nothing left to say it with.
    let ran = |row: &&TaskRow| row.attempt > 0 && row.phase != Phase::Skipped && !row.rare.stub;
    for row in lab.dump.tasks.values().filter(ran) {
        assert_runs_as_asked(row.run_if, &lab.dump.resolved(row.id), &row.name);
    }
}

/// Finished tasks have seen what is there now, but where somebody wanted otherwise: under `--cascade=none`,
/// after a cancel, or where a need is gone. A `success` step that has finished stays behind a failure.
fn nothing_is_stale<S: Store>(lab: &Lab<S>, cancelled: &BTreeSet<Uuid>) {
    let newest = lab.dump.newest();
    for row in newest.values() {
        // Who takes an old result back wants it, whatever it was made of.
        // What waits has not finished, whatever an attempt of it that was lost had seen.
        // An item stays while its inputs are the same, whatever they were made of.
        let is_exempt = !row.phase.is_terminal()
            || row.is_item()
            || row.phase == Phase::Cancelled
            || row.reason == Some(Reason::Reused)
            || row.pipeline_id.is_some_and(|id| cancelled.contains(&id));
        let needs: Vec<Option<&&TaskRow>> =
            lab.dump.needs_of(row.context_id).map(|need| newest.get(&need)).collect();
        if is_exempt || needs.iter().any(Option::is_none) {
            continue;
        }
        for saw in lab.dump.resolved(row.id) {
            let context = lab.dump.tasks[&saw.id].context_id;
            let now = newest[&context];
            let is_good = matches!(now.phase, Phase::Succeeded | Phase::Skipped);
            if row.run_if == RunIf::Success && !is_good {
                continue;
            }
            let is_same = now.phase == saw.phase
                && now.output_digest == saw.output_digest
                && (now.id == saw.id || now.output_digest.is_some());
            // What waited behind a failure, and was cancelled or came to its deadline, was settled before and after.
            let ended_there = now.phase == Phase::Cancelled || now.reason == Some(Reason::DeadlineExceeded);
            let is_same = is_same || (now.id == saw.id && saw.phase == Phase::Pending && ended_there);
            assert!(is_same || now.cascade == Cascade::None, "{row:#?} saw {saw:?}, now it is {now:#?}");
        }
    }
}

/// Restarting what failed brings everything to a good end, but what needs something that is gone, and what
/// waits for that.
async fn mend<S: Store>(lab: &mut Lab<S>) {
    let mut beyond_help = BTreeSet::new();
    for _ in 0..4 {
        let broken: Vec<(Uuid, String)> = (lab.dump.newest().values())
            .filter(|row| matches!(row.phase, Phase::Failed | Phase::Cancelled))
            .filter(|row| !beyond_help.contains(&row.context_id))
            .map(|row| (row.context_id, row.name.clone()))
            .collect();
        if broken.is_empty() {
            break;
        }
        for (context, name) in broken {
            if let Err(error) = lab.restart(&name).await {
                assert_eq!(error.reason, ErrorReason::Conflict, "{error:?}");
                if error.message.contains("older incarnation of its pipeline") {
                    // Its step makes it anew.
                    continue;
                }
                // What it needs is gone, or its step was expanded without it.
                let is_beyond =
                    error.message.contains("deleted") || error.message.contains("no item any more");
                assert!(is_beyond, "{error:?}");
                beyond_help.insert(context);
            }
        }
        let_go(lab).await;
        run_out(lab).await;
    }
    for row in lab.dump.newest().values() {
        let is_good = matches!(row.phase, Phase::Succeeded | Phase::Skipped);
        let is_beyond = beyond_help.contains(&row.context_id)
            || causes(lab, row).iter().any(|cause| beyond_help.contains(cause));
        assert!(is_good || is_beyond, "it cannot be mended: {row:#?}");
    }
}

/// Everything can be deleted, what waits before what it waits for.
pub async fn clear<S: Store>(lab: &mut Lab<S>) {
    while !lab.dump.tasks.is_empty() {
        let before = lab.dump.tasks.len();
        let names: Vec<String> =
            lab.dump.tasks.values().filter(|row| row.pipeline_id.is_none()).map(|r| r.name.clone()).collect();
        for name in names {
            if let Err(error) = lab.delete(&name).await {
                assert!(matches!(error.reason, ErrorReason::Conflict | ErrorReason::NotFound), "{error:?}");
            }
        }
        let names: Vec<String> = lab.dump.pipelines.values().map(|row| row.name.clone()).collect();
        for name in names {
            if let Err(error) = lab.delete_pipeline(&name, true).await {
                assert!(matches!(error.reason, ErrorReason::Conflict | ErrorReason::NotFound), "{error:?}");
            }
        }
        assert!(lab.dump.tasks.len() < before, "nothing can be deleted: {:#?}", lab.states());
    }
    assert!(lab.dump.pipelines.is_empty() && lab.dump.results.is_empty() && lab.dump.attempts.is_empty());
    // The next history does not begin with what is left of this one.
    lab.advance(limits::HISTORY_KEPT + Duration::from_secs(1)).await;
    let ask = lab.engine.ask("ktk");
    lab.write(Trim { ask }).await.unwrap();
    let params = restart("t0");
    assert_eq!(lab.restart_with(params).await.unwrap_err().reason, ErrorReason::NotFound);
}
