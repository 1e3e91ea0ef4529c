//! Collecting: what is past its time goes whole, what has not ended stays and so does what it needs, and a clock that
//! jumps lets nothing go.

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Duration, ErrorReason, restart::RestartParams, task};
use uuid::Uuid;

use super::{
    build::{Job, job, pipeline},
    calls::{pipeline_params, restart},
    lab::Lab,
};
use crate::{
    engine::{
        collect::{Collect, Going, PlanHarvest},
        collector,
        remove::FindGone,
    },
    limits,
    model::retention::Retention,
    store::Store,
};

const DAY: u64 = 86_400;

/// A task that is kept so many seconds after its end.
async fn make_kept<S: Store>(lab: &mut Lab<S>, job: Job, seconds: u64) -> Uuid {
    let mut object = job.task();
    object.spec.ttl_after_finished = Some(Duration::from_secs(seconds));
    let params = task::CreateParams { object, request_id: None, caller_env: None, dry_run: false };
    lab.create_task(params).await.unwrap().metadata.id.unwrap()
}

fn keep<S: Store>(lab: &Lab<S>, retention: &str) {
    lab.engine.set_retention(retention.parse().unwrap());
}

/// What the collector removes now, by name.
async fn pass<S: Store>(lab: &mut Lab<S>) -> Vec<String> {
    let gone = collector::pass(&lab.engine).await.unwrap();
    lab.check().await;
    names(&gone)
}

fn names(going: &[Going]) -> Vec<String> {
    let mut names: Vec<String> = going.iter().map(|going| going.whole.name.clone()).collect();
    names.sort_unstable();
    names
}

async fn later<S: Store>(lab: &mut Lab<S>, seconds: u64) {
    lab.advance(std::time::Duration::from_secs(seconds)).await;
}

fn next<S: Store>(lab: &Lab<S>) -> Option<Timestamp> {
    *lab.engine.hub.expiry().borrow()
}

/// With all incarnations, so long after the end of the newest; the time is told to the timer.
pub async fn by_its_own_time<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make_kept(&mut lab, job("a"), 60).await;
    lab.make(job("plain")).await;
    lab.succeed("plain").await;
    assert_eq!((pass(&mut lab).await, next(&lab)), (vec![], None), "it has not ended");
    lab.fail("a").await;
    let first = lab.now() + SignedDuration::from_secs(60);
    assert_eq!(next(&lab), Some(first));
    later(&mut lab, 59).await;
    assert_eq!((pass(&mut lab).await, next(&lab)), (vec![], Some(first)));
    lab.restart("a").await.unwrap();
    later(&mut lab, 10).await;
    assert_eq!((pass(&mut lab).await, next(&lab)), (vec![], None), "its newest runs again");
    lab.succeed("a").await;
    let second = lab.now() + SignedDuration::from_secs(60);
    assert_eq!(next(&lab), Some(second));
    later(&mut lab, 60).await;
    assert_eq!((pass(&mut lab).await, next(&lab)), (vec!["a".to_owned()], None));
    assert_eq!(lab.dump.tasks.len(), 1, "both incarnations are gone");
    assert!(lab.dump.attempts.iter().all(|row| lab.dump.tasks.contains_key(&row.task_id)));
    assert_eq!(lab.get("a").await.unwrap_err().reason, ErrorReason::NotFound);
    make_kept(&mut lab, job("a"), 0).await;
    lab.succeed("a").await;
    assert_eq!(pass(&mut lab).await, [""; 0], "whoever follows it learns of its end first");
    later(&mut lab, limits::FAREWELL.as_secs()).await;
    assert_eq!(pass(&mut lab).await, ["a"], "soon, where nothing is to be kept");
}

/// What is taken back was kept as long as what it stands for, and a change of a restart counts for the newest.
pub async fn the_newest_incarnation_s_time_counts<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make_kept(&mut lab, job("a"), 60).await;
    lab.give("a", serde_json::json!({"n": 1})).await;
    let changes = [("ttlAfterFinished".to_owned(), serde_json::json!("10s"))].into();
    lab.restart_with(RestartParams { changes, ..restart("a") }).await.unwrap();
    lab.fail("a").await;
    assert_eq!(next(&lab), Some(lab.now() + SignedDuration::from_secs(10)));
    lab.adopt("a@1").await.unwrap();
    later(&mut lab, 59).await;
    assert_eq!(pass(&mut lab).await, [""; 0]);
    later(&mut lab, 1).await;
    assert_eq!(pass(&mut lab).await, ["a"]);
}

/// A pipeline goes with all its incarnations and their tasks, and none of them alone.
pub async fn a_pipeline_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"])]);
    object.spec.ttl_after_finished = Some(Duration::from_secs(60));
    lab.create_pipeline(pipeline_params(object)).await.unwrap();
    lab.succeed("p.a").await;
    lab.fail("p.b").await;
    later(&mut lab, 30).await;
    lab.restart("p.b").await.unwrap();
    later(&mut lab, 60).await;
    assert_eq!(pass(&mut lab).await, [""; 0], "it runs again");
    lab.succeed("p.b").await;
    later(&mut lab, 30).await;
    lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap();
    later(&mut lab, 60).await;
    assert_eq!(pass(&mut lab).await, [""; 0], "its newest incarnation runs");
    lab.succeed("p.a").await;
    lab.fail("p.b").await;
    later(&mut lab, 60).await;
    let changes = [("ttlAfterFinished".to_owned(), serde_json::json!("1s"))].into();
    let refused = lab.restart_with(RestartParams { changes, ..restart("p.b") }).await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Invalid);
    assert_eq!(pass(&mut lab).await, ["p"]);
    assert!(lab.dump.tasks.is_empty() && lab.dump.pipelines.is_empty() && lab.dump.needs.is_empty());
}

/// By age and by phase; and what ended first goes where there is too much.
pub async fn what_the_retention_does_not_keep<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    keep(&lab, "10d,failed=20d,cancelled=none");
    for name in ["succeeded", "failed", "cancelled"] {
        lab.make(job(name)).await;
    }
    lab.succeed("succeeded").await;
    lab.fail("failed").await;
    lab.cancel("cancelled").await.unwrap();
    lab.register().await;
    lab.cancel("cancelled").await.unwrap_err();
    assert_eq!(pass(&mut lab).await, [""; 0]);
    // A little later, so that there is more than one.
    let slack = SignedDuration::from_secs(3600);
    assert_eq!(next(&lab), Some(lab.now() + SignedDuration::from_secs(10 * DAY as i64) + slack));
    later(&mut lab, 10 * DAY).await;
    assert_eq!(pass(&mut lab).await, ["succeeded"]);
    later(&mut lab, 10 * DAY).await;
    assert_eq!(pass(&mut lab).await, ["failed"]);
    assert_eq!(lab.dump.tasks.len(), 1);
    keep(&lab, "3");
    for name in ["a", "b", "c", "d"] {
        lab.make(job(name)).await;
    }
    for name in ["c", "b", "d"] {
        lab.succeed(name).await;
        later(&mut lab, 1).await;
    }
    assert_eq!(pass(&mut lab).await, ["cancelled"], "what ended first");
    // What runs counts for nothing, until it has ended.
    assert_eq!(pass(&mut lab).await, [""; 0]);
    lab.fail("a").await;
    assert_eq!(pass(&mut lab).await, ["c"]);
    keep(&lab, "none");
    later(&mut lab, 1_000 * DAY).await;
    assert_eq!((pass(&mut lab).await, next(&lab)), (vec![], None));
}

/// Whoever has not ended keeps what it needs, also by way of others that have ended.
pub async fn not_what_something_unfinished_needs<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    keep(&lab, "0s");
    lab.make(job("top")).await;
    lab.make(job("middle").needs(["top"])).await;
    lab.make(job("bottom").needs(["middle"])).await;
    lab.make(job("aside").needs(["top"])).await;
    lab.make_pipeline(pipeline("p", [job("x")])).await;
    lab.make(job("after").needs(["p.x"])).await;
    lab.succeed("top").await;
    lab.fail("middle").await;
    lab.succeed("aside").await;
    lab.fail("p.x").await;
    assert_eq!(lab.state("bottom").await, "Pending/UpstreamFailed");
    assert_eq!(pass(&mut lab).await, ["aside"], "nobody needs it");
    // All goes on as if nothing had gone.
    lab.restart("middle").await.unwrap();
    lab.succeed("middle").await;
    lab.running("bottom").await;
    assert_eq!(pass(&mut lab).await, [""; 0]);
    lab.succeed("bottom").await;
    lab.cancel("after").await.unwrap();
    assert_eq!(pass(&mut lab).await, ["after", "bottom", "middle", "p", "top"]);
    assert!(lab.dump.tasks.is_empty() && lab.dump.needs.is_empty());
}

/// One that needed what has gone stays as it is, and says so to whoever wants it again.
pub async fn who_needed_it_and_has_ended_stays<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    make_kept(&mut lab, job("up"), 10).await;
    lab.make(job("down").needs(["up"])).await;
    lab.succeed("up").await;
    lab.fail("down").await;
    later(&mut lab, 10).await;
    assert_eq!(pass(&mut lab).await, ["up"]);
    assert_eq!(lab.state("down").await, "Failed/ExitCode");
    let refused = lab.restart("down").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
}

/// Whatever happened since the plan was made counts.
pub async fn what_moved_since_the_plan_stays<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["again", "gone", "needed", "rests", "p"] {
        match name {
            "p" => drop(lab.make_pipeline(pipeline("p", [job("x")])).await),
            name => drop(lab.make(job(name)).await),
        }
    }
    for name in ["again", "gone", "needed", "rests", "p.x"] {
        lab.fail(name).await;
    }
    let retention: Retention = "0s".parse().unwrap();
    let plan = PlanHarvest { retention, now: lab.now(), jump: None, after: None };
    let going = lab.read(plan).await.unwrap().going;
    assert_eq!(names(&going), ["again", "gone", "needed", "p", "rests"]);
    lab.restart("again").await.unwrap();
    lab.delete("gone").await.unwrap();
    lab.make(job("needs").needs(["needed"])).await;
    lab.restart("p.x").await.unwrap();
    lab.fail("p.x").await;
    later(&mut lab, 1).await;
    let ask = lab.engine.ask("ktk");
    let going_on = going.clone();
    let gone = lab.write(Collect { ask, going: going_on }).await.unwrap();
    assert!(names(&gone).starts_with(&["p".into(), "rests".into()][..]) || names(&gone) == ["rests"]);
    let ask = lab.engine.ask("ktk");
    assert_eq!(lab.write(Collect { ask, going }).await.unwrap(), [], "twice is as once");
}

/// Its files go with it.
pub async fn files_go_with_it<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let root = make_kept(&mut lab, job("a"), 0).await;
    lab.fail("a").await;
    let second = lab.restart("a").await.unwrap().object.metadata.id.unwrap();
    lab.fail("a").await;
    later(&mut lab, limits::FAREWELL.as_secs()).await;
    let retention = Retention::none();
    let plan = PlanHarvest { retention, now: lab.now(), jump: None, after: None };
    let going = lab.read(plan).await.unwrap().going;
    let done = lab.engine.store.write(Collect { ask: lab.engine.ask("ktk"), going }).await.unwrap();
    assert_eq!((done.effects.removed_tasks, done.effects.removed_owners), (vec![root, second], vec![root]));
    let left = lab.read(FindGone { ids: vec![root, second] }).await.unwrap();
    assert_eq!(left, [root, second], "what a killed server left is found by the next");
}

/// Many at once go in several transactions, and a plan goes on where the last one ended.
pub async fn in_small_batches<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let object = pipeline("large", std::array::from_fn::<_, 250, _>(|n| job(&format!("s{n}"))));
    lab.make_pipeline(object).await;
    lab.cancel_pipeline("large", true).await.unwrap();
    for n in 0..5 {
        lab.make(job(&format!("t{n}"))).await;
        lab.cancel(&format!("t{n}")).await.unwrap();
    }
    keep(&lab, "0s");
    let before = lab.dump.version;
    assert_eq!(pass(&mut lab).await, ["large", "t0", "t1", "t2", "t3", "t4"]);
    assert!(lab.dump.tasks.is_empty());
    assert_eq!(lab.dump.version, before + 256, "each is told to those who watch");
}

/// Promise P55: what ended before a jump of the clock is kept as if no time had passed.
pub async fn a_jump_of_the_clock_lets_nothing_go<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    keep(&lab, "30d");
    for n in 0..5 {
        lab.make(job(&format!("t{n}"))).await;
        lab.succeed(&format!("t{n}")).await;
    }
    make_kept(&mut lab, job("kept"), 3 * DAY).await;
    lab.succeed("kept").await;
    assert_eq!(pass(&mut lab).await, [""; 0]);
    let years = SignedDuration::from_secs(5 * 365 * DAY as i64);
    lab.engine.clock.jump(years);
    assert_eq!(pass(&mut lab).await, [""; 0]);
    assert!(collector::kept_until(&lab.engine).await.unwrap().is_some());
    lab.make(job("new")).await;
    lab.succeed("new").await;
    later(&mut lab, 3 * DAY).await;
    assert_eq!(pass(&mut lab).await, ["kept"], "time passes all the same");
    later(&mut lab, 27 * DAY).await;
    assert_eq!(pass(&mut lab).await, ["new", "t0", "t1", "t2", "t3", "t4"]);
}

/// A person takes the clock at its word; and once it has been put right, nothing is kept for its sake.
pub async fn a_jump_is_over_when_somebody_says_so<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    keep(&lab, "30d");
    lab.make(job("old")).await;
    lab.succeed("old").await;
    assert_eq!(pass(&mut lab).await, [""; 0]);
    let years = SignedDuration::from_secs(5 * 365 * DAY as i64);
    lab.engine.clock.jump(years);
    assert_eq!(pass(&mut lab).await, [""; 0]);
    lab.engine.clock.jump(-years);
    assert_eq!(pass(&mut lab).await, [""; 0]);
    assert_eq!(collector::kept_until(&lab.engine).await.unwrap(), None, "it was put right");
    lab.engine.clock.jump(years);
    assert_eq!(pass(&mut lab).await, [""; 0], "again");
    let (gone, has_more) = collector::collect_now(&lab.engine, "tester").await.unwrap();
    lab.check().await;
    assert_eq!((names(&gone), has_more), (vec!["old".to_owned()], false));
    assert_eq!(collector::kept_until(&lab.engine).await.unwrap(), None);
}

/// The collector is told when more has ended than there was room for.
pub async fn ends_wake_the_collector<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    keep(&lab, "2");
    assert_eq!(pass(&mut lab).await, [""; 0]);
    let mut wakes = lab.engine.hub.collections();
    for n in 0..4 {
        wakes.borrow_and_update();
        lab.make(job(&format!("t{n}"))).await;
        lab.succeed(&format!("t{n}")).await;
        if wakes.has_changed().unwrap() {
            pass(&mut lab).await;
        }
        later(&mut lab, 1).await;
        assert!(lab.dump.tasks.len() <= 3, "{:?}", lab.states());
    }
    keep(&lab, "none");
    pass(&mut lab).await;
    wakes.borrow_and_update();
    lab.make(job("more")).await;
    lab.succeed("more").await;
    assert!(!wakes.has_changed().unwrap(), "nobody counts");
}
