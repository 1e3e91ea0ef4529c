//! `node.*`.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        list::ListParams,
        node::{Node, NodePhase},
    },
};
use ktk_tests::eventually_async;

use crate::on_both_stores;

on_both_stores!(the_server_is_one);

async fn the_server_is_one(client: Client) {
    // A server answers before its own worker has registered.
    let nodes = eventually_async("the node is there", Duration::from_secs(20), || async {
        Some(client.nodes().list(ListParams::default()).await.unwrap().items)
            .filter(|nodes| !nodes.is_empty())
    })
    .await;
    assert_eq!(nodes.len(), 1);
    let node = &nodes[0];
    assert_eq!(
        (node.spec.role.as_str(), node.status.phase, node.status.generation),
        ("server", NodePhase::Ready, 1)
    );
    let all: Vec<Node> = client.nodes().list_all(ListParams::default()).try_collect().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(client.nodes().get(node.metadata.name()).await.unwrap().metadata.id, node.metadata.id);
    assert!(client.nodes().get_opt("nobody").await.unwrap().is_none());
}
