//! Queues, holds and node selectors: who may start, and what the others are shown as.

use std::time::Duration;

use ktk_client::api::{
    ErrorReason, Queue, Reason, Semaphore, meta::StringMap, queue::QueueSpec, restart::RestartParams,
    semaphore::ScaleParams, why::WaitFor, worker::RegisterParams,
};
use uuid::Uuid;

use serde_json::json;

use super::{
    build::{HANDLER, Job, because, job, pipeline},
    calls::{named, pipeline_params, restart},
    lab::Lab,
};
use crate::{
    engine::{
        expire::Trim,
        hold::{HoldPipeline, HoldTask, PauseQueue},
        nodes::RegisterNode,
        semaphore::ScaleSemaphore,
        why::TaskWhy,
    },
    store::Store,
};

pub(super) const SECOND: Uuid = Uuid::from_u128(0xcd);

impl<S: Store> Lab<S> {
    /// Makes a task that is younger than all before.
    pub async fn line_up(&mut self, job: Job) {
        self.advance(Duration::from_millis(1)).await;
        self.make(job).await;
    }

    pub async fn make_queue(&mut self, name: &str, max_running: Option<u32>) {
        self.create_entity(Queue::new(name, QueueSpec { paused: false, max_running })).await.unwrap();
    }

    pub async fn make_semaphore(&mut self, name: &str, permits: u32) {
        self.create_entity(Semaphore::new(name, permits)).await.unwrap();
    }

    pub async fn pause_queue(&mut self, name: &str, paused: bool) {
        let ask = self.engine.ask("tester");
        self.write(PauseQueue { ask, reference: named(name), paused }).await.unwrap();
    }

    pub async fn scale(&mut self, name: &str, permits: u32) {
        let params = ScaleParams { reference: named(name), permits, request_id: None };
        self.write(ScaleSemaphore { ask: self.engine.ask("tester"), params }).await.unwrap();
    }

    pub async fn hold(&mut self, name: &str, held: bool) -> super::lab::Answer<()> {
        let ask = self.engine.ask("tester");
        self.write(HoldTask { ask, reference: named(name), held }).await.map(drop)
    }

    /// Another node than the lab's; its generation.
    pub async fn register_second(&mut self, labels: StringMap) -> u32 {
        let params = RegisterParams {
            id: SECOND,
            name: "second".into(),
            role: "worker".into(),
            slots: 1,
            types: vec![HANDLER.into()],
            labels,
            ..RegisterParams::default()
        };
        let (ask, store_id) = (self.engine.ask("lab"), self.engine.store.info().id);
        self.write(RegisterNode { ask, params, store_id }).await.unwrap().generation
    }

    pub async fn hold_pipeline(&mut self, name: &str, held: bool) -> super::lab::Answer<()> {
        let ask = self.engine.ask("tester");
        self.write(HoldPipeline { ask, reference: named(name), held }).await.map(drop)
    }
}

pub async fn what_is_not_there_is_refused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    let refused = lab.create(job("a").queue("nosuch").permits("gpu", 3).permits("x", 1)).await.unwrap_err();
    let fields = |error: &ktk_client::api::ApiError| {
        error.causes.iter().map(|cause| cause.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(&refused), ["spec.queue", "spec.semaphores[0].permits", "spec.semaphores[1]"]);
    let wrong = job("a").permits("gpu", 0).permits("gpu", 1).on_nodes("a in (");
    assert_eq!(
        fields(&lab.create(wrong).await.unwrap_err()),
        ["spec.semaphores[0].permits", "spec.semaphores[1]", "spec.nodeSelector"]
    );
    let object = pipeline("p", [job("a"), job("b").queue("nosuch").permits("gpu", 3)]);
    let refused = lab.create_pipeline(pipeline_params(object)).await.unwrap_err();
    assert_eq!(fields(&refused), ["spec.steps[1].queue", "spec.steps[1].semaphores[0].permits"]);
    lab.line_up(job("a")).await;
    lab.succeed("a").await;
    let changes = [("queue".to_owned(), "nosuch".into())].into();
    let refused = lab.restart_with(RestartParams { changes, ..restart("a") }).await.unwrap_err();
    assert_eq!(fields(&refused), ["spec.queue"]);
}

pub async fn a_paused_queue_starts_nothing_and_starves_nobody<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.line_up(job("runs").queue("q")).await;
    lab.running("runs").await;
    lab.pause_queue("q", true).await;
    for number in 0..20 {
        lab.line_up(job(&format!("q{number}")).queue("q").priority(9)).await;
    }
    lab.line_up(job("other")).await;
    assert_eq!(lab.state("q3").await, "Pending/QueuePaused");
    assert_eq!(lab.claim_names(2).await, ["other"]);
    let status = lab.get_entity::<Queue>("q").await.unwrap().status.unwrap();
    assert_eq!((status.waiting, status.running), (20, 1));
    lab.succeed("runs").await;
    lab.pause_queue("q", false).await;
    assert_eq!(lab.state("q3").await, "Pending/Queued");
    assert_eq!(lab.claim(64).await.len(), 20);
}

pub async fn no_more_run_than_a_queue_takes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", Some(2)).await;
    lab.make_semaphore("gpu", 9).await;
    for name in ["a", "b", "c"] {
        lab.line_up(job(name).queue("q")).await;
    }
    lab.line_up(job("d").queue("q").permits("gpu", 1).priority(1)).await;
    lab.line_up(job("other")).await;
    assert_eq!(lab.claim_names(64).await, ["d", "a", "other"]);
    assert!(lab.claim_names(64).await.is_empty());
    lab.fail("a").await;
    assert_eq!(lab.claim_names(64).await, ["b"]);
    lab.succeed("d").await;
    lab.succeed("b").await;
    assert_eq!(lab.claim_names(64).await, ["c"]);
}

pub async fn the_default_queue_can_be_paused<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.line_up(job("a")).await;
    lab.line_up(job("b").queue("q")).await;
    lab.pause_queue("default", true).await;
    assert_eq!(lab.state("a").await, "Pending/QueuePaused");
    assert_eq!(lab.claim_names(64).await, ["b"]);
    assert!(lab.get_entity::<Queue>("default").await.unwrap().spec.paused);
    lab.pause_queue("default", false).await;
    assert_eq!(lab.claim_names(64).await, ["a"]);
}

/// Nobody claims an external task: the end of the pause starts it.
pub async fn the_default_queue_goes_on_with_external_tasks<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.pause_queue("default", true).await;
    lab.line_up(job("approval").external()).await;
    assert_eq!(lab.state("approval").await, "Pending/QueuePaused");
    lab.pause_queue("default", false).await;
    assert_eq!(lab.state("approval").await, "Running");
}

pub async fn a_restart_needs_its_limits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.create_entity(Semaphore::new("gpu", 1)).await.unwrap();
    lab.make(job("a").queue("q").permits("gpu", 1)).await;
    lab.succeed("a").await;
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    lab.delete_entity::<Queue>("q").await.unwrap();
    for dry_run in [true, false] {
        let refused = lab.restart_with(RestartParams { dry_run, ..restart("a") }).await.unwrap_err();
        let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, ["spec.queue", "spec.semaphores[0]"], "it would wait for ever");
    }
    lab.make_queue("q", None).await;
    lab.create_entity(Semaphore::new("gpu", 1)).await.unwrap();
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
}

/// What is too small is refused to who asks for it. A cascade is asked for by nobody: it waits until there is enough.
pub async fn a_cascade_waits_for_permits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.make(job("a")).await;
    lab.make(job("b").needs(["a"]).permits("gpu", 1)).await;
    lab.make_pipeline(pipeline("p", [job("x").permits("gpu", 1)])).await;
    lab.fail("p.x").await;
    lab.give("a", json!({"n": 1})).await;
    lab.succeed("b").await;
    lab.scale("gpu", 0).await;
    for dry_run in [true, false] {
        let refused = lab.restart_with(RestartParams { dry_run, ..restart("b") }).await.unwrap_err();
        assert_eq!(refused.causes[0].field, "spec.semaphores[0].permits");
        let refused = lab.restart_pipeline(RestartParams { dry_run, ..restart("p") }).await.unwrap_err();
        assert_eq!(refused.causes[0].field, "spec.semaphores[0].permits");
    }
    lab.restart("a").await.unwrap();
    lab.give("a", json!({"n": 2})).await;
    assert_eq!(lab.tree("b").await, ["b@1 <- - Succeeded", "b@2 <- b@1 Pending/WaitingForPermit"]);
    assert!(lab.claim(64).await.is_empty());
    lab.scale("gpu", 1).await;
    lab.succeed("b").await;
}

pub async fn in_use_is_not_deleted<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.make_semaphore("gpu", 1).await;
    lab.line_up(job("a").queue("q").permits("gpu", 1)).await;
    lab.line_up(job("b").queue("q").needs(["a"])).await;
    let refused = lab.delete_entity::<Queue>("q").await.unwrap_err();
    assert_eq!(refused.reason, ErrorReason::Conflict);
    assert!(refused.message.ends_with("in use by task/a (Pending), task/b (Pending)"), "{refused}");
    lab.running("a").await;
    let refused = lab.delete_entity::<Semaphore>("gpu").await.unwrap_err();
    assert!(refused.message.ends_with("in use by task/a (Running)"), "{refused}");
    lab.succeed("a").await;
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    lab.cancel("b").await.unwrap();
    lab.delete_entity::<Queue>("q").await.unwrap();
    let gone = lab.restart("b").await.unwrap_err();
    assert_eq!(
        (gone.reason, &*gone.causes[0].field),
        (ErrorReason::Invalid, "spec.queue"),
        "an unknown one is refused"
    );
}

pub async fn held_until_it_is_resumed<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.line_up(job("a").held()).await;
    assert_eq!(lab.state("a").await, "Pending/Held");
    assert!(lab.get("a").await.unwrap().spec.hold);
    assert!(lab.claim(64).await.is_empty());
    lab.hold("a", false).await.unwrap();
    assert_eq!(lab.state("a").await, "Pending/Queued");
    lab.hold("a", true).await.unwrap();
    lab.hold("a", true).await.unwrap();
    assert_eq!(lab.state("a").await, "Pending/Held");
    lab.line_up(job("b").needs(["a"]).held()).await;
    assert_eq!(lab.state("b").await, "Pending/WaitingForUpstream");
    lab.hold("a", false).await.unwrap();
    lab.succeed("a").await;
    assert_eq!(lab.state("b").await, "Pending/Held");
    assert_eq!(lab.hold("a", true).await.unwrap_err().reason, ErrorReason::Conflict);
    lab.restart("a").await.unwrap();
    assert_eq!(lab.state("a").await, "Pending/Queued", "a hold is not inherited");
    lab.cancel("b").await.unwrap();
    assert_eq!(lab.state("b").await, "Cancelled/ByUser");
}

pub async fn what_runs_goes_on_and_is_held_after_it<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.line_up(job("a").limit(3).backoff(10)).await;
    lab.running("a").await;
    lab.hold("a", true).await.unwrap();
    assert_eq!(lab.state("a").await, "Running");
    lab.end("a", because(Reason::Interrupted)).await;
    assert_eq!(lab.state("a").await, "Pending/Held");
    lab.hold("a", false).await.unwrap();
    lab.fail("a").await;
    lab.hold("a", true).await.unwrap();
    assert_eq!(lab.state("a").await, "Pending/Backoff");
    lab.advance(Duration::from_secs(10)).await;
    assert_eq!(lab.state("a").await, "Pending/Held");
    lab.hold("a", false).await.unwrap();
    lab.succeed("a").await;
}

pub async fn a_pipeline_is_held_with_all_its_steps<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a").priority(1), job("b"), job("c").needs(["a"]).priority(-1)]);
    object.spec.max_parallel = Some(1);
    lab.make_pipeline(object).await;
    lab.running("p.a").await;
    lab.hold_pipeline("p", true).await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running/Held");
    lab.succeed("p.a").await;
    for step in ["p.b", "p.c"] {
        assert_eq!(lab.state(step).await, "Pending/Held");
    }
    lab.restart("p.a").await.unwrap();
    assert_eq!(lab.state("p.a").await, "Pending/Held", "what is made in it is held too");
    lab.hold_pipeline("p", false).await.unwrap();
    for step in ["p.a", "p.b", "p.c"] {
        lab.succeed(step).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
    assert_eq!(lab.hold_pipeline("p", true).await.unwrap_err().reason, ErrorReason::Conflict);
}

/// A step has its own hold beside its pipeline's: each is let go by itself.
pub async fn a_pipeline_lets_go_what_it_holds<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let each = job("each").each("1, 2");
    let gate = job("gate").held();
    lab.make_pipeline(pipeline("p", [job("a"), gate, job("b"), each])).await;
    lab.evaluate().await;
    lab.hold("p.b", true).await.unwrap();
    lab.hold("p.each.1", true).await.unwrap();
    lab.hold_pipeline("p", false).await.unwrap();
    assert_eq!(lab.state("p.gate").await, "Pending/Held", "it was never its pipeline's hold");
    lab.hold_pipeline("p", true).await.unwrap();
    let ask = lab.engine.ask("tester");
    let why = lab.read(TaskWhy { ask, reference: named("p.b") }).await.unwrap().waits;
    let who: Vec<Option<String>> = why.into_iter().map(|wait| wait.object).collect();
    assert_eq!(who, [Some("pipeline/p".to_owned()), None], "both holds are named");
    // One of its steps is let go, another one is held for good.
    lab.hold("p.each.0", false).await.unwrap();
    lab.hold("p.a", true).await.unwrap();
    lab.succeed("p.each.0").await;
    lab.hold_pipeline("p", false).await.unwrap();
    for name in ["p.a", "p.b", "p.gate", "p.each.1"] {
        assert_eq!(lab.state(name).await, "Pending/Held", "{name}");
        lab.hold(name, false).await.unwrap();
        lab.succeed(name).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn only_nodes_with_the_labels<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.line_up(job("eu").on_nodes("zone=eu,gpu")).await;
    lab.line_up(job("any")).await;
    assert_eq!(lab.state("eu").await, "Pending/NoMatchingNode");
    assert_eq!(lab.claim_names(64).await, ["any"]);
    let labels = StringMap::from([("zone".into(), "eu".into()), ("gpu".into(), String::new())]);
    let generation = lab.register_second(labels).await;
    assert_eq!(lab.state("eu").await, "Pending/Queued");
    assert!(lab.claim_names(64).await.is_empty(), "it is not for the first node");
    let first = std::mem::replace(&mut lab.node, SECOND);
    let first_generation = std::mem::replace(&mut lab.generation, generation);
    assert_eq!(lab.claim_names(1).await, ["eu"]);
    lab.succeed("eu").await;
    (lab.node, lab.generation) = (first, first_generation);
}

pub async fn empty_lanes_are_forgotten<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.line_up(job("a").permits("gpu", 1)).await;
    lab.line_up(job("b").permits("gpu", 1)).await;
    lab.succeed("a").await;
    let trim = async |lab: &mut Lab<S>| {
        let ask = lab.engine.ask("ktk");
        lab.write(Trim { ask }).await.unwrap();
    };
    trim(&mut lab).await;
    lab.succeed("b").await;
    trim(&mut lab).await;
    lab.line_up(job("c").permits("gpu", 1)).await;
    lab.succeed("c").await;
    lab.restart("a").await.unwrap();
    lab.succeed("a").await;
}

pub async fn why_names_everything<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.make_semaphore("gpu", 1).await;
    lab.line_up(job("holder").permits("gpu", 1)).await;
    lab.running("holder").await;
    lab.line_up(job("up")).await;
    lab.line_up(job("first").permits("gpu", 1)).await;
    let later = super::lab::start() + Duration::from_secs(3600);
    lab.line_up(job("x").needs(["up"]).queue("q").permits("gpu", 1).on_nodes("zone=eu").run_after(later))
        .await;
    lab.hold("x", true).await.unwrap();
    lab.pause_queue("q", true).await;
    let why = async |lab: &Lab<S>, name: &str| {
        let ask = lab.engine.ask("tester");
        lab.read(TaskWhy { ask, reference: named(name) }).await.unwrap().waits
    };
    let waits = why(&lab, "x").await;
    let kinds: Vec<WaitFor> = waits.iter().map(|wait| wait.what).collect();
    use WaitFor::{Hold, MaxParallel, Node, Permit, Queue, Slot, Time, Upstream};
    assert_eq!(kinds, [Upstream, Hold, Time, Queue, Node, Permit]);
    assert_eq!(waits[0].object.as_deref(), Some("task/up"));
    assert_eq!(waits[3].until, "ktk resume queue/q");
    assert_eq!((waits[5].holders.len(), &*waits[5].holders[0].task, waits[5].place), (1, "holder@1", None));
    lab.line_up(job("second").permits("gpu", 1)).await;
    let waits = why(&lab, "second").await;
    assert_eq!((waits.len(), waits[0].what, waits[0].place), (1, Permit, Some(2)));
    let mut object = pipeline("p", [job("a"), job("b").priority(-1)]);
    object.spec.max_parallel = Some(1);
    lab.make_pipeline(object).await;
    assert_eq!(why(&lab, "p.b").await[0].what, MaxParallel);
    assert_eq!(why(&lab, "p.a").await[0].what, Slot);
    assert!(why(&lab, "holder").await.is_empty(), "it runs");
    lab.fail("up").await;
    assert_eq!(why(&lab, "x").await[0].until, "ktk restart up succeeds");
}
