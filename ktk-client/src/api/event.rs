//! Events: what happened to an object, when, by whom, why.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::event::ListParams;
//! let page = client.events().list(ListParams { limit: Some(20), ..ListParams::default() }).await?;
//! for event in page.items {
//!     println!("{} {} {}: {}", event.at, event.object.name, event.reason, event.message);
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{List, Metadata, Method};

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Event`.
    pub kind: String,
    /// Namespace and name.
    pub metadata: Metadata,
    /// When.
    pub at: Timestamp,
    /// Whether somebody should look at it.
    #[serde(rename = "type")]
    pub severity: Severity,
    /// One CamelCase word.
    pub reason: String,
    /// What it happened to.
    pub object: EventObject,
    /// By whom: a person, a node, the server.
    #[serde(default)]
    pub by: String,
    /// A sentence.
    pub message: String,
}

/// Whether somebody should look at an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// All is as it should be.
    Normal,
    /// Something went wrong.
    Warning,
}

/// The object of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventObject {
    /// `Task`, `Pipeline` or `Node`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its incarnation.
    #[serde(default)]
    pub incarnation: u32,
}

/// `event.list`: events, oldest first.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListEvents;

/// Parameters of `event.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListParams {
    /// One namespace, or all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Events of this object only (and, of a pipeline, of its tasks).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Uuid>,
    /// The newest this many; the server's limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl Method for ListEvents {
    const NAME: &'static str = "event.list";
    type Params = ListParams;
    type Output = List<Event>;
}
