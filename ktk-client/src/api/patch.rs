//! Patches: changes of an object that exists, made to it as it is at that moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ObjectRef, rpc};

/// A change of an object.
///
/// ```
/// use ktk_client::api::patch::Patch;
/// use serde_json::json;
/// let patch = Patch::Merge(json!({"metadata": {"labels": {"team": "media", "old": null}}}));
/// assert_eq!(json!(patch), json!({"merge": {"metadata": {"labels": {"team": "media", "old": null}}}}));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Patch {
    /// The members that change, as deep as they lie; `null` takes one away (merge patch, RFC 7386).
    Merge(Value),
    /// Operations, done one after the other, all or none (JSON Patch, RFC 6902).
    Json(Vec<Value>),
}

/// Parameters of the `patch` methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchParams {
    /// Which object. Where it belongs to no namespace, that does not matter.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// What changes.
    pub patch: Patch,
    /// The version that the patch was made for: another one is `Conflict`. Any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Answers what would come of it, and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

rpc::repeatable!(PatchParams);

impl PatchParams {
    /// A patch of this object, whatever its version.
    ///
    /// ```
    /// use ktk_client::api::{ObjectRef, patch::{Patch, PatchParams}};
    /// let patch = Patch::Json(vec![serde_json::json!({"op": "remove", "path": "/metadata/labels/old"})]);
    /// let params = PatchParams { dry_run: true, ..PatchParams::new(ObjectRef::new("default", "thumbnails"), patch) };
    /// assert_eq!(params.version, None);
    /// ```
    pub fn new(reference: ObjectRef, patch: Patch) -> Self {
        Self { reference, patch, version: None, dry_run: false, request_id: None }
    }
}

/// What the `patch` methods answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Patched{T}")]
pub struct Patched<T> {
    /// The object as it is now.
    pub object: T,
    /// Whether the patch changed anything.
    pub changed: bool,
}
