//! `queue.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{Queue, list::ListParams, queue::QueueSpec},
};

use crate::on_both_stores;

on_both_stores!(made_listed_and_deleted);

async fn made_listed_and_deleted(client: Client) {
    let queues = client.queues();
    let spec = QueueSpec { max_running: Some(4), ..QueueSpec::default() };
    let made = queues.create(&Queue::new("batch", spec.clone())).await.unwrap();
    assert!(made.created);
    assert_eq!(queues.get("batch").await.unwrap().spec, spec);
    let all: Vec<Queue> = queues.list_all(ListParams::default()).try_collect().await.unwrap();
    let names: Vec<&str> = all.iter().map(|queue| queue.metadata.name()).collect();
    assert_eq!(names, ["batch", "default"]);
    assert!(queues.delete("batch").await.unwrap().gone);
    assert!(queues.get_opt("batch").await.unwrap().is_none());
}
