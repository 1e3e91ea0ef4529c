//! A stage on which much is going on, and the deeds that are cut off there.

use std::{collections::BTreeMap, time::Duration};

use ktk_client::api::{
    Phase, Reason,
    attempt::CompleteParams,
    hook::{HookSpec, HooksSpec},
    node::NodePhase,
    pipeline,
    restart::{AdoptParams, Cascade, RestartParams},
    task::{self, DeleteParams},
    worker::{Report, SyncParams},
};

use super::{
    build::{exit, job, pipeline, success},
    calls::{adopt, named, pipeline_params, restart},
    lab::{Answer, Lab, start},
};
use crate::{
    engine::{
        collect::{Collect, PlanHarvest},
        expire::MoveDue,
        nodes::LoseNode,
    },
    store::Store,
};

/// What is done. All but the ends of attempts are done again, with the same request id, by whoever had no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    CreateTask,
    CreatePipeline,
    Restart,
    RestartAll,
    RestartByForce,
    RestartByForcePending,
    RestartPipeline,
    RestartWhole,
    RestartWholeByForce,
    Adopt,
    Claim,
    /// Two upstreams of one task in one report.
    Report,
    /// An end that is retried, and one that is final, in one report.
    ReportFailures,
    /// The end of an external task that another waits for, and that has a hook.
    Complete,
    CancelRunning,
    CancelPipeline,
    DeleteEnded,
    DeleteCascade,
    DeleteRunning,
    Collect,
    LoseNode,
    MoveDue,
}

/// All of them.
pub const DEEDS: [Deed; 22] = [
    Deed::CreateTask,
    Deed::CreatePipeline,
    Deed::Restart,
    Deed::RestartAll,
    Deed::RestartByForce,
    Deed::RestartByForcePending,
    Deed::RestartPipeline,
    Deed::RestartWhole,
    Deed::RestartWholeByForce,
    Deed::Adopt,
    Deed::Claim,
    Deed::Report,
    Deed::ReportFailures,
    Deed::Complete,
    Deed::CancelRunning,
    Deed::CancelPipeline,
    Deed::DeleteEnded,
    Deed::DeleteCascade,
    Deed::DeleteRunning,
    Deed::Collect,
    Deed::LoseNode,
    Deed::MoveDue,
];

const REQUEST: &str = "only-once";

/// A failed task with what waits behind it and what ran because of it, pipelines that failed and run, attempts
/// that run, work that waits, something that a clock moves.
pub async fn prepare<S: Store>(lab: &mut Lab<S>) {
    lab.make(job("x")).await;
    lab.make(job("behind").needs(["x"])).await;
    lab.make(job("after").needs(["x"]).always()).await;
    lab.fail("x").await;
    lab.succeed("after").await;
    lab.make(job("old")).await;
    lab.succeed("old").await;
    lab.make(job("source")).await;
    lab.make(job("sink").needs(["source"])).await;
    lab.give("source", serde_json::json!({"n": 1})).await;
    lab.succeed("sink").await;
    lab.restart("source").await.unwrap();
    lab.fail("source").await;
    let steps = [job("a"), job("b").needs(["a"]), job("c").needs(["b"]), job("z").needs(["b"]).always()];
    let hook = Some(HookSpec { command: vec!["notify".to_owned()], ..HookSpec::default() });
    let hooks = Some(HooksSpec { on_start: hook.clone(), on_finish: hook, ..HooksSpec::default() });
    let mut hooked = pipeline("p", steps);
    hooked.spec.hooks.clone_from(&hooks);
    lab.make_pipeline(hooked).await;
    lab.succeed("p.a").await;
    lab.fail("p.b").await;
    lab.succeed("p.z").await;
    lab.make(job("left").limit(1).backoff(1)).await;
    lab.make(job("right")).await;
    lab.make(job("join").needs(["left", "right"])).await;
    lab.make_pipeline(pipeline("q", [job("a").limit(3), job("b").needs(["a"]), job("z").always()])).await;
    let mut approval = job("approval").external();
    approval.step.hooks = hooks;
    lab.make(approval).await;
    lab.make(job("approved").needs(["approval"])).await;
    lab.claim(64).await;
    lab.make(job("waits")).await;
    lab.make(job("later").run_after(start() + Duration::from_secs(60))).await;
    lab.engine.clock.advance(jiff::SignedDuration::from_secs(90));
}

/// Does it. Who asks again gets the first answer.
pub async fn perform<S: Store>(lab: &mut Lab<S>, deed: Deed) -> Answer<()> {
    let request_id = Some(REQUEST.to_owned());
    let restarting = |name: &str| RestartParams { request_id: request_id.clone(), ..restart(name) };
    match deed {
        Deed::CreateTask => {
            let object = job("new").needs(["x", "waits"]).task();
            lab.create_task(task::CreateParams { object, request_id, caller_env: None, dry_run: false })
                .await
                .map(drop)
        }
        Deed::CreatePipeline => {
            let object = pipeline("new", [job("a"), job("b").needs(["a"]), job("c").needs(["a", "b"])]);
            let params = pipeline::CreateParams { request_id, ..pipeline_params(object) };
            lab.create_pipeline(params).await.map(drop)
        }
        Deed::Restart => lab.restart_with(restarting("x")).await.map(drop),
        Deed::RestartAll => {
            let params = RestartParams { cascade: Cascade::All, ..restarting("p.a") };
            lab.restart_with(params).await.map(drop)
        }
        Deed::RestartByForce => {
            lab.restart_with(RestartParams { force: true, ..restarting("left") }).await.map(drop)
        }
        Deed::RestartByForcePending => {
            lab.restart_with(RestartParams { force: true, ..restarting("waits") }).await.map(drop)
        }
        Deed::RestartPipeline => lab.restart_pipeline(restarting("p")).await.map(drop),
        Deed::RestartWhole => {
            lab.restart_pipeline(RestartParams { all: true, ..restarting("p") }).await.map(drop)
        }
        Deed::RestartWholeByForce => {
            let params = RestartParams { all: true, force: true, ..restarting("q") };
            lab.restart_pipeline(params).await.map(drop)
        }
        Deed::Adopt => lab.adopt_with(AdoptParams { request_id, ..adopt("source@1") }).await.map(drop),
        Deed::Claim => {
            let params = SyncParams { free: 64, running: lab.held.len() as u32, ..SyncParams::default() };
            let synced = lab.try_sync(params).await?;
            lab.held.extend(synced.grants);
            Ok(())
        }
        Deed::Report => report(lab, [("left", success()), ("right", success())]).await,
        Deed::ReportFailures => report(lab, [("left", exit(1)), ("right", exit(1))]).await,
        Deed::Complete => {
            let reference = super::calls::named("approval");
            let outputs = Some(Default::default());
            let params = CompleteParams { reference, outputs, request_id, attempt: None };
            lab.complete(params).await.map(drop)
        }
        Deed::CancelRunning => lab.cancel("left").await.map(drop),
        Deed::CancelPipeline => lab.cancel_pipeline("q", false).await.map(drop),
        Deed::DeleteEnded => lab.delete("old").await.map(drop),
        Deed::DeleteCascade => {
            let reference = named("left");
            let params = DeleteParams { reference, cascade: true, ..DeleteParams::default() };
            lab.delete_with(params).await.map(drop)
        }
        Deed::DeleteRunning => lab.delete_pipeline("q", true).await.map(drop),
        Deed::Collect => {
            let retention = "0s".parse().expect("a retention");
            let plan =
                PlanHarvest { retention, now: start() + Duration::from_secs(60), jump: None, after: None };
            let going = lab.read(plan).await?.going;
            lab.write(Collect { ask: lab.engine.ask("ktk"), going }).await.map(drop)
        }
        Deed::LoseNode => {
            let (ask, node, generation) = (lab.engine.ask("ktk"), lab.node, lab.generation);
            lab.write(LoseNode { ask, node, generation }).await
        }
        Deed::MoveDue => {
            let (ask, heard_since) = (lab.engine.ask("ktk"), lab.heard_since);
            lab.write(MoveDue { ask, heard_since }).await.map(drop)
        }
    }
}

/// Reports these ends; what the node no longer holds it does not report.
async fn report<S: Store>(
    lab: &mut Lab<S>,
    ends: [(&str, ktk_client::api::worker::Outcome); 2],
) -> Answer<()> {
    let held = ends.into_iter().filter_map(|(name, outcome)| {
        let grant = lab.held.iter().find(|grant| grant.name == name)?;
        Some(Report { task: grant.task, attempt: grant.attempt, fence: grant.fence, outcome })
    });
    let reports: Vec<Report> = held.collect();
    let fences: Vec<_> = reports.iter().map(|report| report.fence).collect();
    let synced = lab.try_sync(SyncParams { reports, ..SyncParams::default() }).await?;
    assert!(synced.accepted.iter().all(|counts| *counts), "an end of our own did not count");
    lab.held.retain(|grant| !fences.contains(&grant.fence));
    Ok(())
}

/// Runs everything to its end, with success; what was deleted, cancelled and restarted comes to its end too.
pub async fn play_out<S: Store>(lab: &mut Lab<S>) {
    if lab.dump.nodes[&lab.node].phase == NodePhase::Lost {
        lab.register().await;
    }
    for _ in 0..200 {
        lab.claim(64).await;
        lab.complete_externals().await;
        let ends: Vec<_> = lab.held.iter().map(|grant| (grant.clone(), success())).collect();
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

/// What each name has come to, and in how many incarnations. Nothing may be left that nothing moves.
pub fn outcome<S: Store>(lab: &Lab<S>) -> BTreeMap<String, (u32, Phase, Option<Reason>)> {
    let mut found = BTreeMap::new();
    for row in lab.dump.newest().values() {
        let is_at_rest = row.phase.is_terminal() || row.reason == Some(Reason::UpstreamFailed);
        assert!(is_at_rest && row.wish.is_none() && row.deleted_at.is_none(), "left undone: {row:#?}");
        found.insert(row.name.clone(), (row.incarnation, row.phase, row.reason));
    }
    for row in lab.dump.pipelines.values() {
        assert!(row.phase.is_terminal() && row.deleted_at.is_none(), "left undone: {row:#?}");
        found.insert(
            format!("pipeline/{}@{}", row.name, row.incarnation),
            (row.incarnation, row.phase, row.reason),
        );
    }
    found
}
