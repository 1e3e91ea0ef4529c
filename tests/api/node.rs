//! `node.*`.

use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{
        list::ListParams,
        node::{Node, NodePhase},
    },
};

use crate::on_both_stores;

on_both_stores!(the_server_is_one);

async fn the_server_is_one(client: Client) {
    let nodes = client.nodes().list(ListParams::default()).await.unwrap().items;
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
