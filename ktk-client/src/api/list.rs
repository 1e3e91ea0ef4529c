//! References, lists and pages: what the methods of all kinds share.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::ListParams;
//! let params = ListParams { label_selector: Some("team=media".into()), limit: Some(100), ..ListParams::default() };
//! let page = client.tasks().list(params).await?;
//! println!("{} tasks at version {}", page.items.len(), page.version);
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{API_VERSION, DEFAULT_NAMESPACE, task::is_default};

/// Names one object: by exact name, `name@N`, human name, full id, or a unique prefix of at
/// least 4 digits of the digest, tried in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef {
    /// Where to look.
    pub namespace: String,
    /// What the user typed.
    pub name: String,
}

impl Default for ObjectRef {
    fn default() -> Self {
        Self::new(DEFAULT_NAMESPACE, "")
    }
}

impl ObjectRef {
    /// A reference in a namespace.
    ///
    /// ```
    /// # use ktk_client::api::ObjectRef;
    /// assert_eq!(ObjectRef::new("media", "thumbnails@2").name, "thumbnails@2");
    /// ```
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// What the `create` methods answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Created{T}")]
pub struct Created<T> {
    /// The object.
    pub object: T,
    /// Whether this call made it.
    pub created: bool,
}

/// Parameters of the `list` methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ListParams {
    /// One namespace, or all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// kubectl's label selector grammar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// `status.phase=Failed,status.finishedAt>2026-11-21T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_selector: Option<String>,
    /// Older incarnations too.
    #[serde(skip_serializing_if = "is_default")]
    pub all_incarnations: bool,
    /// Only failures after which no incarnation succeeded or was skipped: of each task the newest that failed, or
    /// with `allIncarnations` all of them (tasks only).
    #[serde(skip_serializing_if = "is_default")]
    pub unresolved: bool,
    /// Only what tables show: `metadata`'s identity and place, `status` without attempts,
    /// outputs and resolved; `spec` holds the command alone.
    #[serde(skip_serializing_if = "is_default")]
    pub summary: bool,
    /// The most items of one page; the server's limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended: its `continue`.
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    pub continue_from: Option<String>,
}

/// A page of objects: by namespace, name and incarnation, bytewise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// `ktk/v1`.
    pub api_version: String,
    /// `List`.
    pub kind: String,
    /// The version from which a watch goes on.
    #[serde(default)]
    pub version: u64,
    /// Where the next page begins; absent on the last.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub continue_from: Option<String>,
    /// The objects.
    pub items: Vec<T>,
}

impl<T> List<T> {
    /// A list of everything there is.
    ///
    /// ```
    /// use ktk_client::api::{List, Semaphore};
    /// let list = List::new(vec![Semaphore::new("gpu", 2)], 17);
    /// assert_eq!((list.items.len(), list.version), (1, 17));
    /// ```
    pub fn new(items: Vec<T>, version: u64) -> Self {
        Self { api_version: API_VERSION.into(), kind: "List".into(), version, continue_from: None, items }
    }
}
