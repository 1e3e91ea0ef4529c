//! `tasktype.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        TaskType,
        list::ListParams,
        patch::Patch,
        task_type::{ApplyParams, TaskTypeSpec},
    },
};

use crate::on_both_stores;

on_both_stores!(made_listed_applied_and_deleted, patched);

async fn made_listed_applied_and_deleted(client: Client) {
    let types = client.task_types();
    let of = |version| TaskType::new("resize", TaskTypeSpec { version, ..TaskTypeSpec::default() });
    assert!(types.create(&of(1)).await.unwrap().created);
    let applied =
        types.apply(&ApplyParams { objects: vec![of(1), of(2)], ..ApplyParams::default() }).await.unwrap();
    let outcomes: Vec<&str> = applied.results.iter().map(|result| result.outcome.as_str()).collect();
    // That it was made otherwise and belongs to apply now is a change of it.
    assert_eq!(outcomes, ["configured", "created"]);
    assert_eq!(types.get("resize").await.unwrap().spec.version, 2);
    let all: Vec<TaskType> = types.list_all(ListParams::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(types.delete("resize@2").await.unwrap().gone);
    assert!(types.get_opt("resize@2").await.unwrap().is_none());
}

async fn patched(client: Client) {
    let types = client.task_types();
    types
        .create(&TaskType::new("crop", TaskTypeSpec { version: 1, ..TaskTypeSpec::default() }))
        .await
        .unwrap();
    let change = serde_json::json!({"metadata": {"labels": {"team": "media"}}});
    assert!(types.patch("crop@1", Patch::Merge(change)).await.unwrap().changed);
    assert_eq!(types.get("crop").await.unwrap().metadata.labels["team"], "media");
    let spec = Patch::Merge(serde_json::json!({"spec": {"version": 2}}));
    assert!(types.patch("crop@1", spec).await.unwrap_err().is_invalid());
}
