//! What holds for a pipeline as a whole: its queue and priority, its time, its unique key, its hooks.

use std::time::Duration;

use ktk_client::api::{
    ErrorReason, Pipeline, Reason, Semaphore,
    hook::{HookSpec, HooksSpec},
    list::Created,
    restart::RestartParams,
    task::SemaphoreUse,
    unique::{OnConflict, UniqueSpec},
    why::WaitFor,
};

use super::{
    build::{because, job, pipeline, success},
    calls::{named, pipeline_params, restart},
    lab::{Answer, Lab},
};
use crate::{
    engine::{
        create_pipeline::CreatePipeline,
        hooks::{NextHooks, Order},
        why::TaskWhy,
    },
    store::Store,
};

fn seconds(seconds: u64) -> Option<ktk_client::api::Duration> {
    Some(ktk_client::api::Duration::from_secs(seconds))
}

fn keyed(mut object: Pipeline, on_conflict: OnConflict) -> Pipeline {
    object.spec.unique = Some(UniqueSpec { key: "k".into(), on_conflict, ..UniqueSpec::default() });
    object
}

impl<S: Store> Lab<S> {
    async fn ask_for_pipeline(&mut self, object: Pipeline) -> Answer<Created<Pipeline>> {
        let (ask, types) = (self.engine.ask("tester"), self.engine.types());
        let operation = CreatePipeline::new(ask, pipeline_params(object), &types, Vec::new());
        self.write(operation.map_err(ktk_client::api::ApiError::from)?).await
    }

    async fn message(&self, name: &str) -> Option<String> {
        self.dump.pipelines.values().find(|row| row.name == name && row.newest).unwrap().message.clone()
    }
}

pub async fn its_queue_and_priority_are_its_steps<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_queue("q", None).await;
    lab.make_queue("r", None).await;
    let mut object = pipeline("p", [job("a"), job("b").queue("r").priority(3)]);
    object.spec.queue = Some("q".into());
    object.spec.priority = Some(-2);
    lab.make_pipeline(object.clone()).await;
    for (name, queue, priority) in [("p.a", "q", -2), ("p.b", "r", 3)] {
        let spec = lab.get(name).await.unwrap().spec;
        assert_eq!((spec.queue.as_deref(), spec.priority), (Some(queue), Some(priority)));
    }
    object.spec.queue = Some("nosuch".into());
    object.spec.priority = Some(2_000_000);
    object.spec.timeout = seconds(0);
    object.spec.hooks = Some(HooksSpec { on_keepalive: Some(HookSpec::default()), ..HooksSpec::default() });
    let refused = lab.create_pipeline(pipeline_params(object.clone())).await.unwrap_err();
    let fields: Vec<&str> = refused.causes.iter().map(|cause| cause.field.as_str()).collect();
    assert!(fields.starts_with(&["spec.priority", "spec.timeout"]), "{fields:?}");
    assert!(fields.contains(&"spec.hooks.onKeepalive"), "{fields:?}");
    (object.spec.priority, object.spec.timeout, object.spec.hooks) = (None, None, None);
    let refused = lab.create_pipeline(pipeline_params(object)).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.queue");
}

pub async fn its_time_is_over<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [
        job("a"),
        job("b").needs(["a"]),
        job("alarm").needs(["b"]).on_failure(),
        job("clean").needs(["b"]).always(),
    ];
    let mut object = pipeline("p", steps);
    object.spec.timeout = seconds(10);
    lab.make_pipeline(object).await;
    lab.advance(Duration::from_secs(60)).await;
    assert_eq!(lab.pipeline_state("p").await, "Pending", "it counts from the start of the first step");
    let grant = lab.running("p.a").await;
    lab.advance(Duration::from_secs(9)).await;
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.advance(Duration::from_secs(1)).await;
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping");
    assert_eq!(lab.state("p.b").await, "Cancelled/PipelineCancelled");
    lab.report(grant, success()).await;
    assert_eq!(lab.state("p.a").await, "Cancelled/PipelineCancelled");
    lab.succeed("p.alarm").await;
    lab.succeed("p.clean").await;
    assert_eq!(lab.pipeline_state("p").await, "Failed/Timeout");
    assert_eq!(lab.message("p").await.as_deref(), Some("it took longer than its timeout of 10s"));
    lab.restart_pipeline(restart("p")).await.unwrap();
    lab.succeed("p.a").await;
    lab.advance(Duration::from_secs(5)).await;
    for step in ["p.b", "p.clean"] {
        lab.succeed(step).await;
    }
    assert_eq!(lab.pipeline_state("p").await, "Succeeded", "a restart has its own time");
    assert_eq!(lab.message("p").await, None);
    lab.advance(Duration::from_secs(60)).await;
    assert_eq!(lab.pipeline_state("p").await, "Succeeded");
}

pub async fn its_deadline_passes<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a").held(), job("b").needs(["a"])]);
    object.spec.deadline = seconds(10);
    object.spec.timeout = seconds(100);
    lab.make_pipeline(object).await;
    lab.advance(Duration::from_secs(10)).await;
    assert_eq!(lab.pipeline_state("p").await, "Failed/DeadlineExceeded");
    let all = RestartParams { all: true, ..restart("p") };
    lab.restart_pipeline(all).await.unwrap();
    lab.running("p.a").await;
    lab.cancel_pipeline("p", false).await.unwrap();
    lab.advance(Duration::from_secs(10)).await;
    lab.end("p.a", success()).await;
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/ByUser", "somebody cancelled it before");
}

pub async fn one_of_a_key<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(job("task").only("k")).await;
    let first = lab.make_pipeline(keyed(pipeline("p", [job("a")]), OnConflict::Reject)).await;
    let refused =
        lab.ask_for_pipeline(keyed(pipeline("q", [job("a")]), OnConflict::Reject)).await.unwrap_err();
    let words = "Pipeline \"q\": the unique key \"k\" is held by pipeline p@1 (Pending)";
    assert_eq!(
        (refused.reason, &*refused.message),
        (ErrorReason::Conflict, words),
        "a task's key is another"
    );
    let answer = lab.ask_for_pipeline(keyed(pipeline("p", [job("a")]), OnConflict::Return)).await.unwrap();
    assert_eq!((answer.object.metadata.id, answer.created), (first.metadata.id, false));
    let grant = lab.running("p.a").await;
    let replacing = pipeline("q", [job("a"), job("x").external(), job("b").needs(["a"])]);
    lab.make_pipeline(keyed(replacing, OnConflict::Replace)).await;
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping");
    assert!(lab.claim(64).await.is_empty(), "they wait for the end of p");
    assert_eq!(lab.state("q.x").await, "Pending/Queued");
    let waits =
        lab.read(TaskWhy { ask: lab.engine.ask("tester"), reference: named("q.a") }).await.unwrap().waits;
    assert_eq!(
        (waits.len(), waits[0].what, waits[0].object.as_deref()),
        (1, WaitFor::Unique, Some("pipeline/p"))
    );
    lab.report(grant, success()).await;
    assert_eq!(lab.pipeline_state("p").await, "Cancelled/Replaced");
    assert_eq!(
        (lab.state("q.x").await.as_str(), lab.pipeline_state("q").await.as_str()),
        ("Running", "Running")
    );
    for refused in [
        lab.restart_pipeline(restart("p")).await.unwrap_err(),
        lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap_err(),
        lab.restart("p.a").await.unwrap_err(),
    ] {
        assert_eq!(refused.reason, ErrorReason::Conflict);
        assert!(refused.message.contains("held by pipeline q@1"), "{refused}");
    }
    lab.succeed("q.a").await;
    lab.cancel_pipeline("q", true).await.unwrap();
    lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap();
    lab.succeed("p.a").await;
    lab.restart("p.a").await.unwrap();
}

/// What passed while it was being cancelled counts anew once something in it is restarted.
pub async fn its_time_after_a_cancel<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut object = pipeline("p", [job("a"), job("b").needs(["a"])]);
    object.spec.timeout = Some(ktk_client::api::Duration::from_secs(10));
    lab.make_pipeline(object).await;
    let grant = lab.running("p.a").await;
    lab.cancel_pipeline("p", false).await.unwrap();
    lab.advance(Duration::from_secs(11)).await;
    lab.restart("p.b").await.unwrap();
    assert_eq!(lab.pipeline_state("p").await, "Running");
    lab.advance(Duration::from_secs(11)).await;
    assert_eq!(lab.pipeline_state("p").await, "Running/Stopping");
    lab.report(grant, success()).await;
    assert_eq!(lab.pipeline_state("p").await, "Failed/Timeout");
}

/// Who was cancelled while it waited for its key has it when something in it is restarted.
pub async fn a_key_that_was_waited_for<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_pipeline(keyed(pipeline("p", [job("a")]), OnConflict::Reject)).await;
    let grant = lab.running("p.a").await;
    lab.make_pipeline(keyed(pipeline("q", [job("a")]), OnConflict::Replace)).await;
    lab.cancel_pipeline("q", true).await.unwrap();
    let refused = lab.restart("q.a").await.unwrap_err();
    assert!(refused.message.contains("held by pipeline p@1"), "{refused}");
    lab.report(grant, success()).await;
    lab.restart("q.a").await.unwrap();
    lab.succeed("q.a").await;
    assert_eq!(lab.pipeline_state("q").await, "Succeeded");
}

pub async fn its_hooks<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let hook = |word: &str| Some(HookSpec { command: vec![word.to_owned()], ..HookSpec::default() });
    let mut object = pipeline("p", [job("a"), job("b")]);
    object.spec.timeout = seconds(10);
    object.spec.hooks = Some(HooksSpec {
        on_start: hook("start"),
        on_timeout: hook("timeout"),
        on_finish: hook("finish"),
        ..HooksSpec::default()
    });
    lab.make_pipeline(object).await;
    let called = async |lab: &Lab<S>| -> Vec<String> {
        let rows = lab.read(NextHooks).await.unwrap();
        let orders = rows.iter().map(|row| Order::of(row).unwrap());
        orders
            .map(|order| {
                let (notice, word) = (order.notice, &order.hook.command[0]);
                let reason = notice.reason.map(|reason| format!("/{reason}")).unwrap_or_default();
                format!("{word} {} {}{reason}", notice.name, notice.phase)
            })
            .collect()
    };
    assert!(called(&lab).await.is_empty());
    lab.running("p.a").await;
    lab.succeed("p.b").await;
    assert_eq!(called(&lab).await, ["start p Running"]);
    lab.advance(Duration::from_secs(10)).await;
    lab.end("p.a", success()).await;
    assert_eq!(
        called(&lab).await,
        ["start p Running", "timeout p Running/Timeout", "finish p Failed/Timeout"]
    );
}

fn limited(name: &str, semaphore: &str, permits: u32) -> Pipeline {
    let mut object = pipeline(name, [job("a"), job("b").needs(["a"])]);
    object.spec.semaphores = vec![SemaphoreUse::Several { name: semaphore.into(), permits }];
    object
}

pub async fn its_permits<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    lab.make_pipeline(limited("p", "gpu", 1)).await;
    lab.advance(Duration::from_secs(1)).await;
    lab.make_pipeline(limited("q", "gpu", 1)).await;
    assert_eq!(lab.claim_names(64).await, ["p.a"]);
    lab.line_up(job("t").permits("gpu", 1)).await;
    lab.line_up(job("u").permits("gpu", 1).priority(1).external()).await;
    assert_eq!(lab.state("u").await, "Pending/WaitingForPermit");
    let status = lab.get_entity::<Semaphore>("gpu").await.unwrap().status.unwrap();
    let waiters: Vec<&str> = status.waiters.iter().map(|waiter| &*waiter.task).collect();
    assert_eq!((status.held, status.waiting, &*status.holders[0].task), (1, 3, "pipeline/p@1"));
    assert_eq!(waiters, ["u@1", "pipeline/q@1", "t@1"]);
    let waits =
        lab.read(TaskWhy { ask: lab.engine.ask("tester"), reference: named("q.a") }).await.unwrap().waits;
    assert_eq!((waits.len(), waits[0].what, waits[0].place), (1, WaitFor::Permit, Some(2)));
    assert_eq!(waits[0].holders[0].task, "pipeline/p@1");
    let refused = lab.delete_entity::<Semaphore>("gpu").await.unwrap_err();
    assert!(refused.message.contains("pipeline/p (Running), pipeline/q (Pending)"), "{refused}");
    lab.succeed("p.a").await;
    assert_eq!(lab.claim_names(64).await, ["p.b"], "it holds them from step to step");
    lab.succeed("p.b").await;
    assert_eq!(lab.state("u").await, "Running", "given back with its end, to the first in the line");
    lab.cancel("u").await.unwrap();
    assert_eq!(lab.claim_names(64).await, ["q.a"]);
    lab.cancel_pipeline("q", true).await.unwrap();
    lab.end("q.a", success()).await;
    assert_eq!(lab.claim_names(64).await, ["t"]);
    lab.restart("p.b").await.unwrap();
    assert!(lab.claim(64).await.is_empty(), "a restart inside takes them again");
    assert_eq!(lab.state("p.b").await, "Pending/Queued");
    lab.succeed("t").await;
    lab.succeed("p.b").await;
    lab.delete_entity::<Semaphore>("gpu").await.unwrap();
    let refused = lab.restart("p.b").await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.semaphores[0]");
    let refused = lab.restart_pipeline(RestartParams { all: true, ..restart("p") }).await.unwrap_err();
    assert_eq!(refused.causes[0].field, "spec.semaphores[0]");
}

/// Who was passed for long waits for permits of a pipeline whose own steps need what is kept for it.
pub async fn its_steps_wait_behind_nobody<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    for name in ["seat", "gpu"] {
        lab.make_semaphore(name, 1).await;
    }
    let mut object = pipeline("p", [job("a").permits("gpu", 1), job("b").needs(["a"]).permits("gpu", 1)]);
    object.spec.semaphores = vec![SemaphoreUse::One("seat".into())];
    lab.make_pipeline(object).await;
    lab.running("p.a").await;
    lab.line_up(job("both").permits("seat", 1).permits("gpu", 1)).await;
    lab.advance(Duration::from_millis(1)).await;
    lab.succeed("p.a").await;
    lab.line_up(job("small").permits("gpu", 1)).await;
    lab.running("p.b").await;
    lab.end("p.b", because(Reason::Interrupted)).await;
    lab.advance(Duration::from_secs(31)).await;
    assert_eq!(lab.claim_names(64).await, ["p.b"], "it goes on, and others wait");
    lab.end("p.b", success()).await;
    assert_eq!(lab.claim_names(64).await, ["both"]);
    lab.succeed("both").await;
    lab.succeed("small").await;
}

pub async fn only_who_is_ready_stands_in_the_line<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    lab.make_queue("q", None).await;
    lab.line_up(job("holder").permits("gpu", 2)).await;
    lab.running("holder").await;
    let mut held = limited("held", "gpu", 1);
    held.spec.steps[0].hold = true;
    lab.make_pipeline(held).await;
    lab.advance(Duration::from_secs(1)).await;
    let mut paused = limited("paused", "gpu", 2);
    paused.spec.queue = Some("q".into());
    lab.make_pipeline(paused).await;
    lab.pause_queue("q", true).await;
    lab.advance(Duration::from_secs(1)).await;
    lab.make_pipeline(limited("left", "gpu", 2)).await;
    lab.advance(Duration::from_secs(1)).await;
    lab.hold_pipeline("left", true).await.unwrap();
    let mut external = pipeline("x", [job("a").external(), job("b")]);
    external.spec.semaphores = vec![SemaphoreUse::One("gpu".into())];
    external.spec.max_parallel = Some(1);
    lab.make_pipeline(external).await;
    lab.succeed("holder").await;
    assert_eq!(lab.state("x.a").await, "Running", "nobody before it can use them");
    assert_eq!(lab.claim_names(64).await, ["x.b"]);
    lab.hold("held.a", false).await.unwrap();
    assert_eq!(lab.claim_names(64).await, ["held.a"]);
    lab.hold_pipeline("left", false).await.unwrap();
    lab.pause_queue("q", false).await;
    for end in ["held.a", "held.b", "x.b"] {
        assert_eq!(lab.state("paused.a").await, "Pending/Queued");
        lab.succeed(end).await;
    }
    lab.cancel("x.a").await.unwrap();
    assert_eq!(lab.claim_names(64).await, ["paused.a"]);
    for end in ["paused.a", "paused.b", "left.a", "left.b"] {
        lab.succeed(end).await;
    }
}

pub async fn permits_that_it_can_never_have<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 2).await;
    for (mut object, field) in [
        (limited("p", "nosuch", 1), "spec.semaphores[0]"),
        (limited("p", "gpu", 3), "spec.semaphores[0].permits"),
        (limited("p", "gpu", 0), "spec.semaphores[0].permits"),
        (limited("p", "gpu", 1), "spec.steps[1].semaphores[0]"),
    ] {
        object.spec.steps[1].semaphores = vec![SemaphoreUse::Several { name: "gpu".into(), permits: 2 }];
        let refused = lab.create_pipeline(pipeline_params(object)).await.unwrap_err();
        assert_eq!(refused.causes[0].field, field);
    }
    assert!(lab.dump.pipelines.is_empty());
}
