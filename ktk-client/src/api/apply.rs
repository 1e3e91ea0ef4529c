//! Applying: an object is made as a manifest says, or changed until it is so. The server remembers what was applied.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{Queue, queue::QueueSpec};
//! let batch = Queue::new("batch", QueueSpec { max_running: Some(4), ..QueueSpec::default() });
//! println!("queue/batch {}", client.queues().apply(&batch).await?.outcome.as_str());
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::task_type::ApplyOutcome;
use super::{Method, ObjectRef, meta::StringMap, rpc, task::is_default};

/// Parameters of the `apply` methods of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyParams<T> {
    /// The object as it is to be: `apiVersion`, `kind`, `metadata` with a name, `spec`. What an earlier apply set and
    /// is not in it any more goes back to its default; what others set and is not in it stays.
    pub object: T,
    /// The set that it belongs to from now on, so that what is gone from the set can be found; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The caller's own environment, of which processes start; for what is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
    /// The directory of processes for which the manifest names none; for what is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_dir: Option<String>,
    /// Answers what would come of it, and changes nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

rpc::repeatable!(@one [T] ApplyParams<T>);

impl<T> ApplyParams<T> {
    /// Applies this object, as a member of no set.
    ///
    /// ```
    /// use ktk_client::api::{Semaphore, apply::ApplyParams};
    /// let params = ApplyParams { source: Some("team".into()), ..ApplyParams::new(Semaphore::new("gpu", 2)) };
    /// assert!(!params.dry_run);
    /// ```
    pub fn new(object: T) -> Self {
        Self { object, source: None, caller_env: None, caller_dir: None, dry_run: false, request_id: None }
    }
}

/// What an apply came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AppliedObject{T}")]
pub struct AppliedObject<T> {
    /// The object as it is now.
    pub object: T,
    /// What was done.
    pub outcome: ApplyOutcome,
    /// It was there, and not by an apply: from now on what this one set is known.
    #[serde(default, skip_serializing_if = "is_default")]
    pub adopted: bool,
}

/// `object.applied`: what the last apply of an object has set.
#[derive(Clone, Debug, JsonSchema)]
pub struct LastApplied;

/// Parameters of `object.applied`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LastAppliedParams {
    /// `Task`, `Pipeline`, `Queue`, `Semaphore` or `TaskType`.
    pub kind: String,
    /// Which object.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
}

/// What an apply has set of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The set that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its manifest, as far as it was given: labels, annotations and `spec`. Nothing where it was never applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Value>,
}

impl Method for LastApplied {
    const NAME: &'static str = "object.applied";
    type Params = LastAppliedParams;
    type Output = Record;
}
