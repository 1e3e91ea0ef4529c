//! What a pipeline waits for: as a whole, or each of its steps.

use std::time::Duration;

use ktk_client::api::{
    Pipeline, Queue,
    queue::QueueSpec,
    task::SemaphoreUse,
    unique::{OnConflict, UniqueSpec},
    why::{PipelineWhyAnswer, WaitFor},
};
use serde_json::json;

use super::{
    build::{job, pipeline},
    calls::named,
    lab::{Lab, start},
};
use crate::{
    engine::{hold::HoldPipeline, why_pipeline::PipelineWhy},
    limits,
    store::Store,
};

impl<S: Store> Lab<S> {
    async fn why_pipeline(&self, name: &str) -> PipelineWhyAnswer {
        let ask = self.engine.ask("tester");
        self.read(PipelineWhy { ask, reference: named(name) }).await.unwrap()
    }
}

/// Each thing that the pipeline waits for as a whole, and the first that each of its steps does.
fn words(answer: &PipelineWhyAnswer) -> Vec<String> {
    let whole = answer.waits.iter().map(|wait| (&answer.pipeline, wait));
    let steps = answer.steps.iter().map(|step| (&step.task, &step.waits[0]));
    let word = |(name, wait): (&String, &ktk_client::api::why::Wait)| {
        format!("{name} {:?} {}", wait.what, wait.object.as_deref().unwrap_or("-"))
    };
    whole.chain(steps).map(word).collect()
}

fn of_two(name: &str) -> Pipeline {
    pipeline(name, [job("a"), job("b").needs(["a"])])
}

pub async fn of_a_pipeline_as_a_whole<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make_semaphore("gpu", 1).await;
    for name in ["p", "q"] {
        let mut object = of_two(name);
        object.spec.semaphores = vec![SemaphoreUse::Several { name: "gpu".into(), permits: 1 }];
        lab.make_pipeline(object).await;
        lab.advance(Duration::from_secs(1)).await;
    }
    assert_eq!(lab.claim_names(64).await, ["p.a"]);
    let why = lab.why_pipeline("q").await;
    assert_eq!(words(&why), ["q@1 Permit semaphore/gpu"]);
    assert_eq!((why.waits[0].place, &*why.waits[0].holders[0].task), (Some(1), "pipeline/p@1"));
    let keyed = |name, on_conflict| {
        let unique = Some(UniqueSpec { key: "k".into(), on_conflict, ..UniqueSpec::default() });
        let mut object = of_two(name);
        object.spec.unique = unique;
        object
    };
    lab.make_pipeline(keyed("r", OnConflict::Reject)).await;
    assert_eq!(lab.claim_names(64).await, ["r.a"]);
    lab.make_pipeline(keyed("s", OnConflict::Replace)).await;
    assert_eq!(words(&lab.why_pipeline("s").await), ["s@1 Unique pipeline/r"]);
    let ask = lab.engine.ask("tester");
    lab.write(HoldPipeline { ask, reference: named("s"), held: true }).await.unwrap();
    let both = ["s@1 Hold pipeline/s", "s@1 Unique pipeline/r"];
    assert_eq!(words(&lab.why_pipeline("s").await), both);
    lab.create_entity(Queue::new("slow", QueueSpec { paused: true, ..QueueSpec::default() })).await.unwrap();
    let steps = [job("a"), job("b"), job("c").needs(["a"])];
    let mut object = pipeline("t", steps);
    object.spec.queue = Some("slow".into());
    lab.make_pipeline(object).await;
    assert_eq!(words(&lab.why_pipeline("t").await), ["t@1 Queue queue/slow", "t.c@1 Upstream task/t.a"]);
}

pub async fn of_the_steps_of_a_pipeline<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let steps = [
        job("a"),
        job("b").needs(["a"]),
        job("c").held(),
        job("d").run_after(start() + Duration::from_secs(60)),
        job("e"),
        job("f").needs(["e"]),
    ];
    lab.make_pipeline(pipeline("p", steps)).await;
    lab.running("p.e").await;
    lab.fail("p.a").await;
    let expected = ["p.b@1 Upstream task/p.a", "p.c@1 Hold -", "p.d@1 Time -", "p.f@1 Upstream task/p.e"];
    assert_eq!(words(&lab.why_pipeline("p").await), expected, "what can still move stands last");
    lab.make_pipeline(pipeline("q", [job("list"), job("each").needs(["list"]).each(".list.n[]")])).await;
    let count = limits::WHY_STEPS + 3;
    lab.give("q.list", json!({"n": (0..count).collect::<Vec<_>>()})).await;
    lab.evaluate().await;
    let why = lab.why_pipeline("q").await;
    assert_eq!((why.waits.len(), why.steps.len(), why.more_steps), (0, limits::WHY_STEPS, 3));
    assert_eq!((&*why.steps[0].task, why.steps[0].waits[0].what), ("q.each.0@1", WaitFor::Slot));
    lab.cancel_pipeline("q", true).await.unwrap();
    let why = lab.why_pipeline("q").await;
    assert!(why.phase.is_terminal() && words(&why).is_empty(), "{why:?}");
}
