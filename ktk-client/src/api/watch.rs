//! `GET /watch`: changes in version order, as Server-Sent Events.
//!
//! The query has [`WatchParams`]' fields. Each SSE event has `id:` the version, `event:` one of
//! `change`, `delete`, `bookmark`, `stopping`, `error`, and `data:` a [`WatchEvent`] as JSON.
//! `Last-Event-ID` resumes.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use futures_util::TryStreamExt;
//! use ktk_client::api::watch::{WatchEvent, WatchParams};
//! let mut changes = client.watch(WatchParams { kinds: Some("Queue".into()), ..WatchParams::default() });
//! while let Some(event) = changes.try_next().await? {
//!     if let WatchEvent::Delete { object, .. } = event {
//!         println!("{} is gone", object["metadata"]["name"]);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchParams {
    /// Kinds, comma-separated: `Task`, `Pipeline`, `Queue`, `Semaphore`. Tasks and pipelines when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<String>,
    /// One namespace, or all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// kubectl's label selector grammar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// `status.phase=Failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_selector: Option<String>,
    /// Only tasks of this pipeline (and the pipeline itself), by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<uuid::Uuid>,
    /// Only this restart context (all its incarnations), by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<uuid::Uuid>,
    /// Everything that changed after this version; from now on when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// As `summary` of the list methods.
    pub summary: bool,
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum WatchEvent {
    /// The object as it is now, of its `kind`.
    Change {
        /// The version of this change.
        version: u64,
        /// The object.
        object: Value,
    },
    /// The object is gone, or does not match the selector any more.
    Delete {
        /// The version of this change.
        version: u64,
        /// The object as it was last; at least kind, name, namespace and id.
        object: Value,
    },
    /// Everything up to this version has been sent.
    Bookmark {
        /// That version.
        version: u64,
    },
    /// The server is being stopped; the stream ends.
    Stopping {
        /// Everything up to this version has been sent.
        version: u64,
    },
}

impl WatchEvent {
    /// The version that a resumed watch goes on from.
    ///
    /// ```
    /// # use ktk_client::api::watch::WatchEvent;
    /// assert_eq!(WatchEvent::Bookmark { version: 7 }.version(), 7);
    /// ```
    pub fn version(&self) -> u64 {
        match self {
            Self::Change { version, .. }
            | Self::Delete { version, .. }
            | Self::Bookmark { version }
            | Self::Stopping { version } => *version,
        }
    }
}
