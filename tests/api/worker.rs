//! `worker.register`, `worker.sync`: a worker in a program, its fences, its handlers.

use ktk_client::{
    Client,
    api::{
        Phase, Reason, Task,
        task::TaskSpec,
        worker::{Fence, Outcome, Register, RegisterParams, Report, Sync, SyncParams},
    },
    worker::{HandlerError, Outputs, Shutdown, Worker},
};
use serde_json::json;

use crate::{ended, on_both_stores, process};

on_both_stores!(
    handlers_carry_out_their_type,
    a_handler_speaks_for_its_attempt,
    an_old_fence_changes_nothing,
    a_new_generation_takes_over
);

fn of_type(name: &str, type_name: &str) -> Task {
    let mut spec = TaskSpec { type_name: Some(type_name.into()), ..TaskSpec::default() };
    spec.inputs.insert("width".into(), json!(21));
    Task::new(name, spec)
}

async fn handlers_carry_out_their_type(client: Client) {
    let (shutdown, signal) = Shutdown::new();
    let worker = Worker::builder(client.clone())
        .name("resizer")
        .slots(2)
        .handler("resize", |context| async move {
            #[derive(serde::Deserialize)]
            struct Inputs {
                width: u32,
            }
            let inputs: Inputs = context.inputs()?;
            Ok::<_, HandlerError>(Outputs::from_iter([("width", json!(inputs.width * 2))]))
        })
        .handler("refuse", |_| async move { Err::<Outputs, _>(HandlerError::new("not today")) })
        .build();
    let running = tokio::spawn(worker.run(signal));
    ktk_tests::eventually_async("the worker is there", std::time::Duration::from_secs(20), || async {
        client.nodes().get_opt("resizer").await.unwrap()
    })
    .await;
    client.tasks().create(&of_type("x", "resize")).await.unwrap();
    let status = ended(&client, "x").await.status.unwrap();
    assert_eq!((status.phase, json!(status.outputs)), (Phase::Succeeded, json!({"width": 42})));
    assert_eq!(status.node.as_deref(), Some("resizer.g1"));
    client.tasks().create(&of_type("y", "refuse")).await.unwrap();
    let status = ended(&client, "y").await.status.unwrap();
    assert_eq!((status.phase, status.reason), (Phase::Failed, Some(Reason::HandlerError)));
    assert!(status.message.unwrap().contains("not today"));
    shutdown.drain(None);
    running.await.unwrap().unwrap();
}

async fn a_handler_speaks_for_its_attempt(client: Client) {
    let (shutdown, signal) = Shutdown::new();
    let worker = Worker::builder(client.clone())
        .name("talker")
        .handler("talk", |context| async move {
            context.keepalive().await?;
            context.progress(40.0, Some("half way".into())).await?;
            let child = context.client.tasks().create(&process("child", &["true"])).await?;
            // What it did not make it does not see, and nothing is taken from it as its own.
            let stranger = context.client.tasks().get("stranger").await.unwrap_err();
            let refused = context.client.tasks().cancel("child").await.unwrap_err();
            let refusals = [stranger.to_string(), refused.to_string()];
            Ok::<_, HandlerError>(Outputs::from_iter([
                ("child", json!(child.object.metadata.name())),
                ("refusals", json!(refusals)),
            ]))
        })
        .build();
    let running = tokio::spawn(worker.run(signal));
    ktk_tests::eventually_async("the worker is there", std::time::Duration::from_secs(20), || async {
        client.nodes().get_opt("talker").await.unwrap()
    })
    .await;
    client.tasks().create(&process("stranger", &["true"])).await.unwrap();
    client.tasks().create(&of_type("x", "talk")).await.unwrap();
    let task = ended(&client, "x").await;
    let status = task.status.unwrap();
    assert_eq!(status.phase, Phase::Succeeded, "{:?}", status.message);
    assert_eq!(status.progress.unwrap().percent, 40.0);
    let outputs = status.outputs.unwrap();
    for (index, part) in [(0, "stranger"), (1, "task.cancel")] {
        assert!(outputs["refusals"][index].as_str().unwrap().contains(part), "{outputs}");
    }
    assert_eq!(ended(&client, "child").await.metadata.spawned_by, task.metadata.id);
    shutdown.drain(None);
    running.await.unwrap().unwrap();
}

fn node(id: &str) -> RegisterParams {
    let params = json!({"id": id, "name": "by-hand", "role": "worker", "slots": 1, "types": ["by-hand"]});
    serde_json::from_value(params).unwrap()
}

const NODE: &str = "01a20103-473e-72ec-b27e-a9d389fd08c3";

fn outcome() -> Outcome {
    serde_json::from_value(json!({"outputs": {"done": true}})).unwrap()
}

async fn an_old_fence_changes_nothing(client: Client) {
    let params = node(NODE);
    let registered = client.call::<Register>(&params).await.unwrap();
    assert_eq!(registered.generation, 1);
    client.tasks().create(&of_type("x", "by-hand")).await.unwrap();
    let sync = SyncParams { node: params.id, generation: 1, free: 1, ..SyncParams::default() };
    let synced = client.call::<Sync>(&sync).await.unwrap();
    let grant = &synced.grants[0];
    assert_eq!((grant.name.as_str(), grant.attempt), ("x", 1));
    let report = |fence: Fence| Report { task: grant.task, attempt: 1, fence, outcome: outcome() };
    let stale = Fence { epoch: grant.fence.epoch, counter: grant.fence.counter + 1_000 };
    let late = SyncParams { reports: vec![report(stale)], free: 0, running: 1, ..sync.clone() };
    assert_eq!(client.call::<Sync>(&late).await.unwrap().accepted, [false]);
    assert_eq!(client.tasks().get("x").await.unwrap().status.unwrap().phase, Phase::Running);
    let right = SyncParams { reports: vec![report(grant.fence)], free: 0, ..sync.clone() };
    assert_eq!(client.call::<Sync>(&right).await.unwrap().accepted, [true]);
    let status = client.tasks().get("x").await.unwrap().status.unwrap();
    assert_eq!((status.phase, json!(status.outputs)), (Phase::Succeeded, json!({"done": true})));
    // The same report again: it has ended already, and ends no second time.
    client.call::<Sync>(&right).await.unwrap();
    assert_eq!(client.tasks().get("x").await.unwrap().status.unwrap().attempts.len(), 1);
    let leaving = SyncParams { leaving: true, free: 0, ..sync };
    client.call::<Sync>(&leaving).await.unwrap();
}

async fn a_new_generation_takes_over(client: Client) {
    let params = node(NODE);
    client.call::<Register>(&params).await.unwrap();
    client.tasks().create(&of_type("x", "by-hand")).await.unwrap();
    let first = SyncParams { node: params.id, generation: 1, free: 1, ..SyncParams::default() };
    let old = client.call::<Sync>(&first).await.unwrap().grants.remove(0);
    assert_eq!(client.call::<Register>(&params).await.unwrap().generation, 2);
    assert!(client.call::<Sync>(&first).await.unwrap().unknown_node, "the old generation is told to go");
    let second = SyncParams { generation: 2, ..first };
    let new = client.call::<Sync>(&second).await.unwrap().grants.remove(0);
    assert_eq!((new.task, new.attempt), (old.task, 2));
    let report = |grant: &ktk_client::api::worker::Grant| Report {
        task: grant.task,
        attempt: grant.attempt,
        fence: grant.fence,
        outcome: outcome(),
    };
    let both = SyncParams { reports: vec![report(&old), report(&new)], free: 0, ..second };
    assert_eq!(client.call::<Sync>(&both).await.unwrap().accepted, [false, true]);
    let status = client.tasks().get("x").await.unwrap().status.unwrap();
    assert_eq!(status.phase, Phase::Succeeded);
    assert_eq!(status.attempts[0].reason, Some(Reason::NodeLost));
}
