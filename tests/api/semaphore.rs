//! `semaphore.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        Phase, Pipeline, Reason, Semaphore,
        list::ListParams,
        patch::Patch,
        pipeline::{PipelineSpec, Step},
        task::SemaphoreUse,
    },
};

use crate::on_both_stores;

on_both_stores!(made_listed_and_deleted, scaled, patched, applied, tasks_and_pipelines_are_held);

async fn made_listed_and_deleted(client: Client) {
    let semaphores = client.semaphores();
    assert!(semaphores.create(&Semaphore::new("gpu", 2)).await.unwrap().created);
    assert_eq!(semaphores.get("gpu").await.unwrap().spec.permits, 2);
    let all: Vec<Semaphore> = semaphores.list_all(ListParams::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
    assert!(semaphores.delete("gpu").await.unwrap().gone);
    assert!(semaphores.get_opt("gpu").await.unwrap().is_none());
}

async fn scaled(client: Client) {
    let semaphores = client.semaphores();
    semaphores.create(&Semaphore::new("gpu", 1)).await.unwrap();
    assert_eq!(semaphores.scale("gpu", 0).await.unwrap().spec.permits, 0);
    let mut task = crate::process("a", &["true"]);
    task.spec.semaphores = vec![SemaphoreUse::One("gpu".into())];
    assert!(client.tasks().create(&task).await.is_err(), "more than there are");
    semaphores.scale("gpu", 2).await.unwrap();
    client.tasks().create(&task).await.unwrap();
    assert_eq!(crate::ended(&client, "a").await.status.unwrap().phase, Phase::Succeeded);
    assert_eq!(semaphores.get("gpu").await.unwrap().status.unwrap().held, 0);
}

async fn tasks_and_pipelines_are_held(client: Client) {
    let mut task = crate::process("a", &["true"]);
    task.spec.hold = true;
    client.tasks().create(&task).await.unwrap();
    let status = client.tasks().get("a").await.unwrap().status.unwrap();
    assert_eq!(status.reason, Some(Reason::Held));
    assert!(!client.tasks().resume("a").await.unwrap().spec.hold);
    crate::ended(&client, "a").await;
    assert!(client.tasks().pause("a").await.is_err(), "it has ended");
    let step = Step { name: "s".into(), run: task.spec.run, hold: true, ..Step::default() };
    let spec = PipelineSpec { steps: vec![step], ..PipelineSpec::default() };
    client.pipelines().create(&Pipeline::new("p", spec)).await.unwrap();
    let held = client.pipelines().pause("p").await.unwrap().status.unwrap();
    assert_eq!(held.reason, Some(Reason::Held));
    client.pipelines().resume("p").await.unwrap();
    let reason = client.tasks().get("p.s").await.unwrap().status.unwrap().reason;
    assert_eq!(reason, Some(Reason::Held), "its own hold is not its pipeline's");
    client.tasks().resume("p.s").await.unwrap();
    assert_eq!(crate::ended(&client, "p.s").await.status.unwrap().phase, Phase::Succeeded);
}

async fn patched(client: Client) {
    let semaphores = client.semaphores();
    semaphores.create(&Semaphore::new("gpu", 1)).await.unwrap();
    let change = serde_json::json!({"spec": {"permits": 2}, "metadata": {"labels": {"room": "b"}}});
    let patched = semaphores.patch("gpu", Patch::Merge(change)).await.unwrap();
    assert_eq!((patched.changed, patched.object.spec.permits), (true, 2));
    assert_eq!(semaphores.get("gpu").await.unwrap().metadata.labels["room"], "b");
}

async fn applied(client: Client) {
    let semaphores = client.semaphores();
    semaphores.create(&Semaphore::new("gpu", 1)).await.unwrap();
    let taken = semaphores.apply(&Semaphore::new("gpu", 2)).await.unwrap();
    assert!(taken.adopted && taken.object.spec.permits == 2);
    assert!(!semaphores.apply(&Semaphore::new("gpu", 2)).await.unwrap().adopted);
}
