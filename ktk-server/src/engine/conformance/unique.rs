//! Unique keys: one task of a key at a time, whoever comes, and whatever its holder goes through.

use futures_util::future::join_all;
use ktk_client::api::{
    ErrorReason, Reason, Task,
    list::Created,
    restart::RestartParams,
    task,
    unique::{HeldWhile, OnConflict, UniqueSpec},
    why::WaitFor,
};

use super::{
    build::{Job, because, job, pipeline, success},
    calls::{named, pipeline_params, restart},
    lab::{Answer, Lab},
};
use crate::{
    engine::{create_task::CreateTask, why::TaskWhy},
    store::Store,
};

impl Job {
    pub fn unique(mut self, key: &str, held_while: HeldWhile, on_conflict: OnConflict) -> Self {
        self.step.unique = Some(UniqueSpec { key: key.into(), held_while, on_conflict });
        self
    }

    pub fn only(self, key: &str) -> Self {
        self.unique(key, HeldWhile::Unfinished, OnConflict::Reject)
    }

    pub fn replacing(self, key: &str) -> Self {
        self.unique(key, HeldWhile::Unfinished, OnConflict::Replace)
    }

    pub fn or_holder(self, key: &str) -> Self {
        self.unique(key, HeldWhile::Unfinished, OnConflict::Return)
    }
}

fn params(job: &Job) -> task::CreateParams {
    task::CreateParams { object: job.task(), request_id: None, caller_env: None, dry_run: false }
}

impl<S: Store> Lab<S> {
    async fn ask_for(&mut self, params: task::CreateParams) -> Answer<Created<Task>> {
        let operation = CreateTask::new(self.engine.ask("tester"), params, self.engine.types(), Vec::new());
        self.write(operation.map_err(ktk_client::api::ApiError::from)?).await
    }

    async fn refused(&mut self, job: Job) -> String {
        let error = self.create(job).await.unwrap_err();
        assert_eq!(error.reason, ErrorReason::Conflict);
        error.message
    }
}

pub async fn one_at_a_time<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k")).await;
    assert_eq!(
        lab.refused(job("b").only("k")).await,
        "Task \"b\": the unique key \"k\" is held by task a@1 (Pending/Queued)"
    );
    lab.make(job("other").only("l")).await;
    let mut elsewhere = params(&job("a").only("k"));
    elsewhere.object.metadata.namespace = Some("ci".into());
    lab.ask_for(elsewhere).await.unwrap();
    lab.running("a").await;
    assert!(lab.refused(job("b").only("k")).await.ends_with("a@1 (Running)"));
    lab.fail("a").await;
    lab.make(job("b").only("k")).await;
    lab.succeed("b").await;
    lab.make(job("c").only("k").held()).await;
    assert!(lab.refused(job("d").only("k")).await.ends_with("c@1 (Pending/Held)"));
    lab.cancel("c").await.unwrap();
    lab.make(job("d").only("k").needs(["a"])).await;
    assert!(lab.refused(job("e").only("k")).await.ends_with("d@1 (Pending/UpstreamFailed)"));
    lab.delete("d").await.unwrap();
    lab.make(job("e").only("k")).await;
}

pub async fn while_it_is_pending<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let waits =
        |name: &str| job(name).unique("k", HeldWhile::Pending, OnConflict::Reject).limit(1).backoff(10);
    lab.make(waits("a")).await;
    lab.refused(waits("b")).await;
    lab.running("a").await;
    lab.make(waits("b")).await;
    lab.refused(waits("c")).await;
    lab.fail("a").await;
    assert_eq!(lab.state("a").await, "Pending/Backoff", "its own attempts never trip over its key");
    lab.running("b").await;
    assert!(lab.refused(waits("c")).await.ends_with("a@1 (Pending/Backoff)"));
}

pub async fn the_holder_is_the_answer<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let holder = lab.make(job("a").only("k")).await;
    for name in ["a", "b"] {
        let mut asked = params(&job(name).or_holder("k"));
        asked.request_id = Some(format!("r-{name}"));
        for _ in 0..2 {
            let answer = lab.ask_for(asked.clone()).await.unwrap();
            assert_eq!((answer.object.metadata.id, answer.created), (Some(holder), false), "{name}");
        }
    }
    lab.succeed("a").await;
    assert!(lab.ask_for(params(&job("b").or_holder("k"))).await.unwrap().created);
}

pub async fn the_holder_is_replaced<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k")).await;
    lab.make(job("b").replacing("k")).await;
    assert_eq!(lab.state("a").await, "Cancelled/Replaced");
    let grant = lab.running("b").await;
    lab.make(job("c").replacing("k")).await;
    assert_eq!(
        (lab.state("b").await.as_str(), lab.state("c").await.as_str()),
        ("Running/Stopping", "Pending/Queued")
    );
    assert!(lab.claim(64).await.is_empty(), "it waits for the end of b");
    let waits =
        lab.read(TaskWhy { ask: lab.engine.ask("tester"), reference: named("c") }).await.unwrap().waits;
    assert_eq!(
        (waits.len(), waits[0].what, waits[0].object.as_deref()),
        (1, WaitFor::Unique, Some("task/b"))
    );
    assert!(lab.refused(job("x").only("k")).await.contains("c@1"), "the one that is to run");
    lab.make(job("d").replacing("k")).await;
    assert_eq!(lab.state("c").await, "Cancelled/Replaced");
    assert!(lab.claim(64).await.is_empty());
    assert!(lab.report(grant, success()).await);
    assert_eq!(lab.state("b").await, "Cancelled/Replaced");
    lab.succeed("d").await;
}

/// Whoever waits for the end of another goes on whatever that end is, and in whatever form it waits.
pub async fn who_waits_goes_on<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k").limit(5)).await;
    lab.running("a").await;
    lab.make(job("b").replacing("k").external()).await;
    assert_eq!(lab.state("b").await, "Pending/Queued");
    lab.register().await;
    assert_eq!(lab.state("a").await, "Cancelled/Replaced", "a lost attempt is not tried again");
    assert_eq!(lab.state("b").await, "Running");
    lab.make(job("c").replacing("k").held()).await;
    assert_eq!(lab.state("b").await, "Cancelled/Replaced", "nothing runs that would have to end");
    lab.cancel("c").await.unwrap();
    lab.make(job("d").only("k")).await;
    let grant = lab.running("d").await;
    lab.make(job("e").replacing("k").held()).await;
    lab.report(grant, success()).await;
    assert_eq!(lab.state("e").await, "Pending/Held");
    lab.hold("e", false).await.unwrap();
    lab.succeed("e").await;
}

/// What was waited for is cancelled in its own place: that is seen once.
pub async fn who_needs_whom_it_replaces<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k")).await;
    lab.make(job("b").needs(["a"])).await;
    lab.make(job("c").replacing("k").needs(["a", "b"]).always()).await;
    assert_eq!(lab.state("b").await, "Pending/UpstreamFailed");
    lab.succeed("c").await;
    lab.make(job("d").only("k")).await;
    lab.make(job("e").replacing("k").needs(["d"])).await;
    assert_eq!(lab.state("e").await, "Pending/UpstreamFailed");
    lab.make(job("f").replacing("k").needs(["e"]).on_failure()).await;
    assert_eq!(lab.state("e").await, "Cancelled/Replaced");
    lab.succeed("f").await;
}

pub async fn in_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k")).await;
    let running = lab.running("a").await;
    let refused =
        lab.create_pipeline(pipeline_params(pipeline("p", [job("x").only("k")]))).await.unwrap_err();
    assert_eq!(
        refused.message,
        "step \"x\" of Pipeline \"p\": the unique key \"k\" is held by task a@1 (Running)"
    );
    let twice = pipeline("p", [job("x").only("l"), job("y").replacing("l"), job("z").or_holder("m")]);
    let refused = lab.create_pipeline(pipeline_params(twice)).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.steps[2].unique.onConflict");
    let twice = pipeline("p", [job("x").only("l"), job("y").replacing("l")]);
    let refused = lab.create_pipeline(pipeline_params(twice)).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.steps[1].unique.key");
    let mut object = pipeline("p", [job("x").replacing("{{ params.key }}"), job("y").priority(-1)]);
    object.spec.params = [("key".to_owned(), "k".into())].into();
    object.spec.max_parallel = Some(1);
    lab.make_pipeline(object).await;
    assert_eq!(lab.claim_names(64).await, ["p.y"], "who waits takes no place");
    lab.succeed("p.y").await;
    assert!(lab.claim(64).await.is_empty());
    lab.report(running, success()).await;
    lab.succeed("p.x").await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    lab.make(job("b").only("k")).await;
    let all = RestartParams { all: true, ..restart("p") };
    let refused = lab.restart_pipeline(all.clone()).await.unwrap_err();
    assert!(refused.message.contains("\"p.x\": the unique key \"k\" is held by task b@1"), "{refused}");
    let changes = [("params.key".to_owned(), "other".into())].into();
    lab.restart_pipeline(RestartParams { changes, ..all }).await.unwrap();
    lab.refused(job("c").only("other")).await;
}

pub async fn a_restart_needs_its_key<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("a").only("k").limit(1)).await;
    lab.end("a", because(Reason::Interrupted)).await;
    lab.register().await;
    lab.fail("a").await;
    lab.advance(std::time::Duration::from_secs(60)).await;
    lab.fail("a").await;
    lab.restart("a").await.unwrap();
    let force = RestartParams { force: true, ..restart("a") };
    lab.running("a").await;
    lab.restart_with(force.clone()).await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.get("a").await.unwrap().metadata.incarnation(), 3, "its own context never trips over it");
    lab.cancel("a").await.unwrap();
    lab.make(job("b").replacing("k")).await;
    for dry_run in [true, false] {
        let refused = lab.restart_with(RestartParams { dry_run, ..restart("a") }).await.unwrap_err();
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.message.contains("held by task b@1"), "{refused}");
    }
    let changes = [("unique".to_owned(), serde_json::json!({"key": "other"}))].into();
    lab.restart_with(RestartParams { changes, ..restart("a") }).await.unwrap();
    lab.refused(job("c").only("other")).await;
    // A wish is taken back by who replaces.
    let grant = lab.running("a").await;
    lab.restart_with(force).await.unwrap();
    lab.make(job("c").replacing("other")).await;
    lab.report(grant, success()).await;
    assert_eq!(lab.state("a").await, "Cancelled/ByUser", "and it is not restarted");
    lab.succeed("c").await;
}

pub async fn one_of_many_at_once<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let asked = |number: u32| {
        let (ask, types) = (lab.engine.ask("tester"), lab.engine.types());
        let params = params(&job(&format!("t{number}")).or_holder("k"));
        CreateTask::new(ask, params, types, Vec::new()).unwrap()
    };
    let made = join_all((0..64).map(|number| lab.engine.write(asked(number)))).await;
    let made: Vec<Created<Task>> = made.into_iter().map(Result::unwrap).collect();
    lab.check().await;
    assert_eq!(made.iter().filter(|made| made.created).count(), 1);
    assert!(made.iter().all(|one| one.object.metadata.id == made[0].object.metadata.id));
}

pub async fn wrong_keys_are_refused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for key in ["", "a\nb", "{{ inputs.nosuch }}", "{{ params.x }}"] {
        let error = lab.create(job("a").command(&["true"]).only(key)).await.unwrap_err();
        assert_eq!(
            (error.reason, &*error.causes[0].field),
            (ErrorReason::Invalid, "spec.unique.key"),
            "{key:?}"
        );
        let error = lab.create(job("a").only(key)).await.unwrap_err();
        assert_eq!(&*error.causes[0].field, "spec.unique.key", "of a handler: {key:?}");
    }
    lab.make(job("a").input("n", 7.into()).only("n-{{ inputs.n }}")).await;
    assert!(lab.refused(job("b").only("n-7")).await.contains("\"n-7\" is held by task a@1"));
}
