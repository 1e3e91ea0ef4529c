//! Nodes: running servers and workers.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! for node in client.nodes().list(Default::default()).await?.items {
//!     println!("{}: {:?}", node.metadata.name(), node.status);
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{List, ListParams, Metadata, Method, ObjectRef, meta::StringMap};

/// A server or worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Node`.
    pub kind: String,
    /// Name and persistent id; not namespaced.
    pub metadata: Metadata,
    /// What it offers.
    pub spec: NodeSpec,
    /// How it is.
    pub status: NodeStatus,
}

/// What a node offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSpec {
    /// `server` or `worker`.
    pub role: String,
    /// How many attempts it runs at once.
    pub slots: u32,
    /// Labels for node selectors.
    pub labels: StringMap,
    /// Handlers it has.
    pub types: Vec<String>,
}

/// How a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// `Ready`, `Stopping`, `Stopped` or `Lost`.
    pub phase: NodePhase,
    /// How many times it has started.
    pub generation: u32,
    /// Attempts it runs now.
    pub running: u32,
    /// When it was last heard of.
    pub last_heartbeat_at: Timestamp,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NodePhase {
    /// Takes work.
    Ready,
    /// Finishes its work and takes none.
    Stopping,
    /// Said goodbye.
    Stopped,
    /// Missed its lease.
    Lost,
}

/// `node.list`: all nodes.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListNodes;

impl Method for ListNodes {
    const NAME: &'static str = "node.list";
    type Params = ListParams;
    type Output = List<Node>;
}

/// `node.get`: one node, by name or id.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "node.get";
    type Params = ObjectRef;
    type Output = Node;
}
