//! Hooks: written down with what happened, in its order, and forgotten once they have been called.

use std::time::Duration;

use ktk_client::api::{
    attempt::CompleteParams,
    hook::{HookSpec, HooksSpec, Moment, Notice},
    worker::SyncParams,
};

use super::{
    build::{Job, exit, job, pipeline},
    calls::named,
    lab::Lab,
};
use crate::{
    engine::hooks::{NextHooks, Order, SettleHook},
    model::row::HookRow,
    store::Store,
};

fn hooked(name: &str) -> Job {
    let hook =
        |word: &str| Some(HookSpec { command: vec!["notify".into(), word.into()], ..HookSpec::default() });
    let mut job = job(name);
    job.step.hooks = Some(HooksSpec {
        on_start: hook("start"),
        on_keepalive: hook("keepalive"),
        on_timeout: hook("timeout"),
        on_finish: hook("finish"),
    });
    job
}

async fn waiting<S: Store>(lab: &Lab<S>) -> Vec<HookRow> {
    lab.read(NextHooks).await.unwrap()
}

/// `name attempt hook phase/reason`, a line for each that waits to be called.
async fn told<S: Store>(lab: &Lab<S>) -> Vec<String> {
    let line = |row: HookRow| {
        let Notice { name, attempt, hook, phase, reason, id, .. } = Order::of(&row).unwrap().notice;
        assert_eq!((id, attempt, hook.as_str()), (row.id, row.attempt, row.moment.as_str()));
        let reason = reason.map(|reason| format!("/{reason}")).unwrap_or_default();
        format!("{name} {attempt} {hook} {phase}{reason}")
    };
    waiting(lab).await.into_iter().map(line).collect()
}

/// Calls all that wait.
async fn call_all<S: Store>(lab: &mut Lab<S>) {
    for row in waiting(lab).await {
        let ask = lab.engine.ask("ktk");
        lab.write(SettleHook { ask, row, failure: None }).await.unwrap();
    }
}

pub async fn in_the_order_of_what_happened<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    let mut wakes = lab.engine.hub.hooks();
    lab.make(hooked("a").keepalive(30).limit(1).backoff(10)).await;
    assert!(told(&lab).await.is_empty() && !wakes.has_changed().unwrap());
    let grant = lab.running("a").await;
    assert!(wakes.has_changed().unwrap(), "whoever calls them is told");
    lab.keepalive("a").await.unwrap();
    lab.keepalive("a").await.unwrap();
    wakes.borrow_and_update();
    lab.advance(Duration::from_secs(30)).await;
    lab.report(grant, exit(1)).await;
    let first = ["a 1 onStart Running", "a 1 onKeepalive Running", "a 1 onTimeout Running/Stopping"];
    assert_eq!(told(&lab).await, first);
    call_all(&mut lab).await;
    assert!(told(&lab).await.is_empty());
    lab.advance(Duration::from_secs(10)).await;
    lab.succeed("a").await;
    assert_eq!(told(&lab).await, ["a 2 onStart Running", "a 2 onFinish Succeeded"]);
}

pub async fn finish_is_for_every_end<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(hooked("pending")).await;
    lab.cancel("pending").await.unwrap();
    lab.make(hooked("late").deadline(10)).await;
    lab.make(hooked("outside").external()).await;
    lab.complete(CompleteParams { reference: named("outside"), ..Default::default() }).await.unwrap();
    lab.make_pipeline(pipeline(
        "p",
        [job("a"), {
            let mut alarm = hooked("alarm").needs(["a"]);
            alarm.step.run_if = ktk_client::api::task::RunIf::Failure;
            alarm
        }],
    ))
    .await;
    lab.make(hooked("goes")).await;
    lab.sync(SyncParams::default()).await;
    lab.delete("goes").await.unwrap();
    let expected =
        ["pending 0 onFinish Cancelled/ByUser", "outside 1 onStart Running", "outside 1 onFinish Succeeded"];
    let finished = told(&lab).await;
    assert_eq!(finished[..3], expected);
    call_all(&mut lab).await;
    lab.advance(Duration::from_secs(10)).await;
    assert_eq!(told(&lab).await, ["late 0 onFinish Failed/DeadlineExceeded"]);
    call_all(&mut lab).await;
    lab.succeed("p.a").await;
    assert_eq!(told(&lab).await, ["p.alarm 0 onFinish Skipped/NotNeeded"]);
}

/// Whoever called one and died before saying so calls it again, and it is the same delivery.
pub async fn called_again_until_somebody_says_so<S: Store>(store: S) {
    let mut lab = Lab::new(store).await;
    lab.make(hooked("a")).await;
    lab.claim(1).await;
    let first = waiting(&lab).await;
    assert_eq!(first, waiting(&lab).await);
    assert_eq!((first.len(), first[0].moment), (1, Moment::Start));
    let failure = Some("exit code 3: no such host".to_owned());
    let settle =
        || SettleHook { ask: lab.engine.ask("ktk"), row: first[0].clone(), failure: failure.clone() };
    let settle = settle();
    lab.write(settle).await.unwrap();
    assert!(waiting(&lab).await.is_empty());
    assert_eq!(lab.state("a").await, "Running", "whatever a hook comes to");
    let events =
        lab.engine.read(crate::engine::events::ListEvents { params: Default::default() }).await.unwrap();
    let failed: Vec<&str> =
        events.items.iter().filter(|event| event.reason == "HookFailed").map(|e| &*e.message).collect();
    assert_eq!(failed, ["onStart of attempt 1: exit code 3: no such host"]);
    // Of a task that is gone nothing is recorded.
    lab.succeed("a").await;
    lab.delete("a").await.unwrap();
    let row = waiting(&lab).await.remove(0);
    let ask = lab.engine.ask("ktk");
    lab.write(SettleHook { ask, row, failure: Some("no".into()) }).await.unwrap();
    assert!(waiting(&lab).await.is_empty());
}
