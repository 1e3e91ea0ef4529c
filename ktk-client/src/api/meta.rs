//! `metadata`: what every object has.
//!
//! ```
//! use ktk_client::api::Metadata;
//! let labels = [("team".to_owned(), "media".to_owned())].into();
//! let metadata = Metadata { generate_name: Some("thumbnails-".into()), labels, ..Metadata::default() };
//! assert_eq!(metadata.namespace(), "default");
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Labels and annotations.
///
/// ```
/// use ktk_client::api::meta::StringMap;
/// let labels = StringMap::from([("team".to_owned(), "media".to_owned())]);
/// assert_eq!(labels["team"], "media");
/// ```
pub type StringMap = BTreeMap<String, String>;

/// `metadata` of any object. What a manifest may give are `name`, `generateName`, `namespace`,
/// `labels` and `annotations`; all else is the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The logical name: shared by all incarnations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Beginning of a name that the server completes with words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_name: Option<String>,
    /// The namespace; `default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels, for selectors.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: StringMap,
    /// Annotations: any text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: StringMap,
    /// UUIDv7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// 32 hexadecimal digits; a unique prefix of at least 4 names the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A few words derived from the digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_name: Option<String>,
    /// When the object was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When the object last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Who made it: `uid:1000`, a task, a spawner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The server-wide number of the object's last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The pipeline or root task that all this began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Uuid>,
    /// The running task that made this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_by: Option<Uuid>,
    /// The pipeline that the task is a step of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineRef>,
    /// The place in the tree of restarts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartMeta>,
    /// Set while a deletion waits for the last attempt to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Metadata {
    /// The name, or an empty string where there is none yet.
    ///
    /// ```
    /// # use ktk_client::api::Metadata;
    /// assert_eq!(Metadata { name: Some("hello".into()), ..Metadata::default() }.name(), "hello");
    /// ```
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The namespace, `default` when absent.
    ///
    /// ```
    /// # use ktk_client::api::Metadata;
    /// assert_eq!(Metadata::default().namespace(), "default");
    /// ```
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(super::DEFAULT_NAMESPACE)
    }

    /// The incarnation, 1 when the object was never restarted.
    ///
    /// ```
    /// # use ktk_client::api::Metadata;
    /// assert_eq!(Metadata::default().incarnation(), 1);
    /// ```
    pub fn incarnation(&self) -> u32 {
        self.restart.as_ref().map_or(1, |restart| restart.incarnation)
    }

    /// The server's own fields that are set here, though only the server may set them.
    ///
    /// ```
    /// # use ktk_client::api::Metadata;
    /// assert_eq!(Metadata { version: Some(7), ..Metadata::default() }.forged_fields(), ["version"]);
    /// ```
    pub fn forged_fields(&self) -> Vec<&'static str> {
        let set = [
            ("id", self.id.is_some()),
            ("digest", self.digest.is_some()),
            ("humanName", self.human_name.is_some()),
            ("createdAt", self.created_at.is_some()),
            ("updatedAt", self.updated_at.is_some()),
            ("createdBy", self.created_by.is_some()),
            ("version", self.version.is_some()),
            ("executionId", self.execution_id.is_some()),
            ("spawnedBy", self.spawned_by.is_some()),
            ("pipeline", self.pipeline.is_some()),
            ("restart", self.restart.is_some()),
            ("deletedAt", self.deleted_at.is_some()),
        ];
        set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect()
    }
}

/// A task's place in its pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineRef {
    /// The pipeline's id.
    pub id: Uuid,
    /// The pipeline's name.
    pub name: String,
    /// The step's name.
    pub step: String,
    /// The item's number under `forEach`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
}

/// A task's or pipeline's place in its tree of restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestartMeta {
    /// The root's id: the same for all incarnations.
    pub context_id: Uuid,
    /// The incarnation that this one restarts; a root has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// 1 for the root, then 2, 3, …
    pub incarnation: u32,
    /// Why it was restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was changed against the parent: field to new value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, Value>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
