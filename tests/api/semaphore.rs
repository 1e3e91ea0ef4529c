//! `semaphore.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{Semaphore, list::ListParams},
};

use crate::on_both_stores;

on_both_stores!(made_listed_and_deleted);

async fn made_listed_and_deleted(client: Client) {
    let semaphores = client.semaphores();
    assert!(semaphores.create(&Semaphore::new("gpu", 2)).await.unwrap().created);
    assert_eq!(semaphores.get("gpu").await.unwrap().spec.permits, 2);
    let all: Vec<Semaphore> = semaphores.list_all(ListParams::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
    assert!(semaphores.delete("gpu").await.unwrap().gone);
    assert!(semaphores.get_opt("gpu").await.unwrap().is_none());
}
