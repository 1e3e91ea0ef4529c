//! `task.complete`, `task.fail`, `task.keepalive`, `task.progress`.

use ktk_client::{
    Client,
    api::{
        Phase, Reason, Task,
        attempt::{CompleteParams, FailParams, KeepaliveParams, ProgressParams},
        task::TaskSpec,
    },
};
use serde_json::json;

use crate::{ended, on_both_stores};

on_both_stores!(completed, failed, alive_and_on_its_way);

async fn completed(client: Client) {
    client.tasks().create(&Task::new("x", TaskSpec::external())).await.unwrap();
    let outputs = serde_json::from_value(json!({"by": "ada"})).unwrap();
    let task = client.tasks().complete("x", Some(outputs)).await.unwrap();
    let status = task.status.unwrap();
    assert_eq!((status.phase, status.outputs), (Phase::Succeeded, Some(json!({"by": "ada"}))));
    assert!(client.tasks().complete("x", None).await.unwrap_err().is_conflict());
    let reference = client.tasks().reference("x");
    let params = CompleteParams { reference, attempt: Some(2), ..CompleteParams::default() };
    let fenced = client.tasks().complete_with(params).await.unwrap_err();
    assert!(fenced.to_string().contains("attempt 2"), "{fenced}");
}

async fn failed(client: Client) {
    client.tasks().create(&Task::new("x", TaskSpec::external())).await.unwrap();
    client.tasks().fail("x", "no").await.unwrap();
    let status = ended(&client, "x").await.status.unwrap();
    assert_eq!((status.phase, status.reason), (Phase::Failed, Some(Reason::Reported)));
    let params = FailParams { reference: client.tasks().reference("none"), ..FailParams::default() };
    assert!(client.tasks().fail_with(params).await.unwrap_err().is_not_found());
}

async fn alive_and_on_its_way(client: Client) {
    client.tasks().create(&Task::new("x", TaskSpec::external())).await.unwrap();
    client.tasks().keepalive("x").await.unwrap();
    client.tasks().progress("x", 40.0, Some("half way".into())).await.unwrap();
    let progress = client.tasks().get("x").await.unwrap().status.unwrap().progress.unwrap();
    assert_eq!((progress.percent, progress.message.as_deref()), (40.0, Some("half way")));
    // Only an attempt may leave out of whom it speaks.
    assert!(client.tasks().keepalive_with(KeepaliveParams::default()).await.unwrap_err().is_invalid());
    let params = ProgressParams { percent: 200.0, ..ProgressParams::default() };
    assert!(client.tasks().progress_with(params).await.unwrap_err().is_invalid());
    client.tasks().complete("x", None).await.unwrap();
    assert!(client.tasks().keepalive("x").await.unwrap_err().is_conflict());
}
