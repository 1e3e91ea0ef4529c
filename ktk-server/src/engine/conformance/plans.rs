//! The plan of a restart, and that what then happens is what it said.

use std::collections::BTreeMap;

use ktk_client::api::{
    ErrorReason, Semaphore,
    restart::{Action, Cascade, PlanRow, RestartParams},
};

use serde_json::json;

use super::{
    build::{exit, job, pipeline, success},
    calls::{plan_text, restart},
    lab::Lab,
};
use crate::store::Store;

/// A pipeline in which each kind of dependent has ended in its own way.
async fn mixed<S: Store>(lab: &mut Lab<S>) {
    let steps = [
        job("a"),
        job("kept").needs(["a"]),
        job("cancelled").needs(["a"]),
        job("failing").needs(["a"]),
        job("behind").needs(["failing"]),
        job("cleanup").needs(["behind"]).always(),
        job("alarm").needs(["kept"]).on_failure(),
        job("apart"),
    ];
    lab.make_pipeline(pipeline("p", steps)).await;
    lab.cancel("p.cancelled").await.unwrap();
    for name in ["p.a", "p.kept", "p.apart"] {
        lab.succeed(name).await;
    }
    lab.fail("p.failing").await;
    lab.succeed("p.cleanup").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed");
}

fn incarnations<S: Store>(lab: &Lab<S>) -> BTreeMap<String, u32> {
    lab.dump.newest().values().map(|row| (row.name.clone(), row.incarnation)).collect()
}

/// Runs everything to its end with success.
async fn run_out<S: Store>(lab: &mut Lab<S>) {
    while let Some(grant) = lab.claim(64).await.first().cloned().or_else(|| lab.held.first().cloned()) {
        assert!(lab.report(grant, success()).await);
    }
}

fn kept_its_word(plan: &[PlanRow], before: &BTreeMap<String, u32>, after: &BTreeMap<String, u32>) {
    for row in plan {
        let restarts = after[&row.task] - before[&row.task];
        match row.action {
            Action::Restart => assert_eq!(restarts, 1, "{row:?}"),
            Action::Continue | Action::Keep => assert_eq!(restarts, 0, "{row:?}"),
            Action::Decide => assert!(restarts <= 1, "{row:?}"),
            Action::Adopt => panic!("nothing adopts: {row:?}"),
        }
    }
    assert_eq!(plan.len(), after.len(), "a row for every step");
}

pub async fn plan_and_deed_are_one<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    mixed(&mut lab).await;
    for cascade in [Cascade::Auto, Cascade::None, Cascade::All] {
        for name in ["p.failing", "p.a", "p.kept"] {
            let before = incarnations(&lab);
            let params = RestartParams { cascade, ..restart(name) };
            let dry = lab.restart_with(RestartParams { dry_run: true, ..params.clone() }).await.unwrap();
            let real = lab.restart_with(params).await.unwrap();
            assert_eq!(dry.plan, real.plan);
            let made: Vec<&String> = real.restarted.iter().map(|task| &task.name).collect();
            let said = dry.plan.iter().filter(|row| row.action == Action::Restart).map(|row| &row.task);
            assert_eq!(made.len(), said.count());
            run_out(&mut lab).await;
            kept_its_word(&dry.plan, &before, &incarnations(&lab));
        }
    }
    assert_eq!(lab.state("p.cancelled").await, "Cancelled/ByUser");
}

pub async fn a_plan_changes_nothing<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    mixed(&mut lab).await;
    let before = lab.dump.clone();
    let params = RestartParams { dry_run: true, cascade: Cascade::All, ..restart("p.a") };
    let answer = lab.restart_with(params).await.unwrap();
    assert!(!answer.created && answer.restarted.is_empty());
    let params = RestartParams { dry_run: true, ..restart("p") };
    lab.restart_pipeline(params).await.unwrap();
    assert_eq!(lab.dump.tasks, before.tasks);
    assert_eq!(lab.dump.pipelines, before.pipelines);
}

pub async fn of_an_older_incarnation<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    let before = lab.dump.clone();
    let dry = lab.restart_with(RestartParams { dry_run: true, ..restart("a@1") }).await.unwrap();
    assert_eq!(lab.dump.tasks, before.tasks);
    assert_eq!(plan_text(&dry.plan), ["a restart", "b continue"]);
    assert!(!dry.created);
    let real = lab.restart_with(restart("a@1")).await.unwrap();
    assert_eq!(dry.plan, real.plan);
}

/// What would be refused is refused in a plan too: a key that another one holds, a semaphore that is gone.
pub async fn what_cannot_be_done_is_no_plan<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.make_pipeline(pipeline("p", [job("a").only("k"), job("b").permits("gpu", 1)])).await;
    lab.fail("p.a").await;
    lab.fail("p.b").await;
    let plan = async |lab: &mut Lab<S>, dry_run| {
        let answer = lab.restart_pipeline(RestartParams { dry_run, ..restart("p") }).await;
        answer.map(|answer| answer.plan).map_err(|error| error.reason)
    };
    lab.make(job("holder").only("k")).await;
    for dry_run in [true, false] {
        assert_eq!(plan(&mut lab, dry_run).await, Err(ErrorReason::Conflict));
    }
    lab.cancel("holder").await.unwrap();
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    for dry_run in [true, false] {
        assert_eq!(plan(&mut lab, dry_run).await, Err(ErrorReason::Invalid));
    }
    lab.make_semaphore("gpu", 1).await;
    let promised = plan(&mut lab, true).await.unwrap();
    assert_eq!(plan(&mut lab, false).await.unwrap(), promised);
}

pub async fn rows_are_in_order<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    mixed(&mut lab).await;
    let params = RestartParams { dry_run: true, ..restart("p") };
    let answer = lab.restart_pipeline(params).await.unwrap();
    assert_eq!(
        plan_text(&answer.plan),
        [
            "p.cancelled restart",
            "p.failing restart",
            "p.behind continue",
            "p.cleanup decide",
            "p.a keep",
            "p.alarm keep",
            "p.apart keep",
            "p.kept keep",
        ]
    );
}

/// A step that runs on old outputs and would run again is not promised to be kept.
pub async fn running_steps_are_decided<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    lab.make(job("z").needs(["a"]).always()).await;
    lab.make(job("b").needs(["a"])).await;
    lab.fail("a").await;
    let grant = lab.running("z").await;
    let plan = lab.restart("a").await.unwrap().plan;
    assert_eq!(plan_text(&plan), ["a restart", "b continue", "z decide"]);
    lab.report(grant, success()).await;
    lab.succeed("a").await;
    assert_eq!(lab.tree("z").await.len(), 2);
}

/// Who starts before it is decided whether a need of it runs again may run twice, and the plan says so.
pub async fn who_may_run_twice_is_decided<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a")).await;
    for (name, need) in [("b", "a"), ("c", "b")] {
        lab.make(job(name).needs([need])).await;
    }
    for name in ["a", "b", "c"] {
        lab.give(name, json!({"n": 1})).await;
    }
    lab.restart("a").await.unwrap();
    lab.fail("a").await;
    lab.make(job("at-once").needs(["a", "b"])).await;
    lab.make(job("early").needs(["a", "c"])).await;
    lab.make(job("behind").needs(["early"])).await;
    let plan = lab.restart("a").await.unwrap().plan;
    assert_eq!(
        plan_text(&plan),
        ["a restart", "b decide", "at-once continue", "c decide", "early decide", "behind decide"]
    );
    let early = plan.iter().find(|row| row.task == "early").unwrap();
    assert_eq!(early.why, "was waiting for a, and runs again if c changes later");
    lab.give("a", json!({"n": 2})).await;
    lab.succeed("early").await;
    lab.give("b", json!({"n": 2})).await;
    lab.give("c", json!({"n": 2})).await;
    assert_eq!(lab.state("early").await, "Pending/Queued");
    assert_eq!(lab.tree("early").await.len(), 2, "it had started on the old c");
    assert_eq!(lab.tree("at-once").await.len(), 1);
}

/// An item that is restarted before its step is expanded, once more or at last, may have to run again then.
pub async fn items_that_may_run_twice_say_so<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]).always().each("1, 2")])).await;
    lab.fail("p.a").await;
    lab.fail("p.b.0").await;
    let again = "failed: exit code 1, and runs again if b changes later";
    let plan = lab.restart_pipeline(restart("p")).await.unwrap().plan;
    assert_eq!(plan_text(&plan), ["p.a restart", "p.b.0 restart", "p.b decide", "p.b.1 decide"]);
    assert_eq!((plan[1].task.as_str(), plan[1].why.as_str()), ("p.b.0", again));
    for (name, end) in [("p.b.1", success()), ("p.b.0", exit(1)), ("p.a", success())] {
        lab.end(name, end).await;
    }
    // The step is to be expanded again, and has not been.
    assert_eq!(lab.state("p.b").await, "Pending/WaitingForUpstream");
    let plan = lab.restart("p.b.0").await.unwrap().plan;
    assert_eq!(plan_text(&plan), ["p.b.0 restart", "p.b continue", "p.a keep", "p.b.1 keep"]);
    assert_eq!(plan[0].why, again);
}

/// Whatever the cascade: a step that runs stays as it is as long as none of its items fails.
pub async fn a_step_that_runs_may_be_expanded_again<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(pipeline("p", [job("a"), job("b").needs(["a"]).each("1, 2")])).await;
    lab.succeed("p.a").await;
    lab.succeed("p.b.0").await;
    let params = RestartParams { cascade: Cascade::None, ..restart("p.a") };
    let plan = lab.restart_with(params).await.unwrap().plan;
    assert_eq!(plan_text(&plan), ["p.a restart", "p.b decide", "p.b.0 decide", "p.b.1 decide"]);
    assert_eq!(plan[1].why, "runs on a's old outputs: again if an item of it fails");
    lab.fail("p.b.1").await;
    lab.succeed("p.a").await;
    lab.evaluate().await;
    assert_eq!((lab.tree("p.b").await.len(), lab.tree("p.b.1").await.len()), (1, 2));
}

/// Of what may run again, the plan names all that decides it, and what has nothing to compare; a step stands above its
/// items.
pub async fn all_that_decides_is_named<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [
        job("root"),
        job("x").needs(["root"]),
        job("y").needs(["root"]),
        job("z").needs(["x", "y"]),
        job("each").needs(["root"]).each("1, 2"),
    ];
    lab.make_pipeline(pipeline("p", steps)).await;
    for name in ["p.root", "p.x", "p.y"] {
        lab.give(name, json!({"n": 1})).await;
    }
    for name in ["p.z", "p.each.0", "p.each.1"] {
        lab.succeed(name).await;
    }
    let params = RestartParams { dry_run: true, ..restart("p.root") };
    let plan = lab.restart_with(params.clone()).await.unwrap().plan;
    let why = |plan: &[PlanRow], name| plan.iter().find(|row| row.task == name).unwrap().why.clone();
    assert_eq!(why(&plan, "p.x"), "runs again only if root's outputs change");
    assert_eq!(why(&plan, "p.z"), "runs again only if x's or y's outputs change");
    assert_eq!(why(&plan, "p.each.0"), "runs again only if each gives it other inputs");
    let place = |name| plan.iter().position(|row| row.task == name).unwrap();
    assert!(place("p.root") < place("p.each") && place("p.each") < place("p.each.0"), "{plan:#?}");
    lab.restart("p.y").await.unwrap();
    lab.succeed("p.y").await;
    lab.succeed("p.z").await;
    let all = lab.restart_with(params).await.unwrap().plan;
    assert_eq!(why(&all, "p.z"), "runs again if y succeeds: it put out nothing to compare");
    let whole = RestartParams { all: true, dry_run: true, ..restart("p") };
    let whole = lab.restart_pipeline(whole).await.unwrap().plan;
    assert_eq!(why(&whole, "p.each.0"), "runs again if each still has it");
}
