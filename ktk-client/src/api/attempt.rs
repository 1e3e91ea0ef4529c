//! What is said of an attempt while it runs: that it is alive, how far it is, and, of an external task, how it ended.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{ObjectRef, attempt::{Complete, CompleteParams}};
//! let reference = ObjectRef::new("default", "approval");
//! let outputs = Some([("approved".to_owned(), true.into())].into());
//! client.call_once::<Complete>(CompleteParams { reference, outputs, ..CompleteParams::default() }).await?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Method, ObjectRef, Task, rpc};

/// `task.complete`: an external task has done its work.
#[derive(Clone, Debug, JsonSchema)]
pub struct Complete;

/// Parameters of `task.complete`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CompleteParams {
    /// Which task.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// Only this attempt is meant: `Fenced` when another one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What those get that need it; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeMap<String, Value>>,
    /// Makes the call repeatable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Complete {
    const NAME: &'static str = "task.complete";
    type Params = CompleteParams;
    type Output = Task;
}

/// `task.fail`: an external task could not do its work.
#[derive(Clone, Debug, JsonSchema)]
pub struct Fail;

/// Parameters of `task.fail`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FailParams {
    /// Which task.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// Only this attempt is meant: `Fenced` when another one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Another attempt follows where the task's `retry` has one left; otherwise this is the end.
    pub retry: bool,
    /// Makes the call repeatable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Fail {
    const NAME: &'static str = "task.fail";
    type Params = FailParams;
    type Output = Task;
}

/// `task.keepalive`: a running attempt is alive.
#[derive(Clone, Debug, JsonSchema)]
pub struct Keepalive;

/// Parameters of `task.keepalive`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KeepaliveParams {
    /// Which task; absent for the one whose attempt calls.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<ObjectRef>,
    /// Only this attempt is meant: `Fenced` when another one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Keepalive {
    const NAME: &'static str = "task.keepalive";
    type Params = KeepaliveParams;
    type Output = Task;
}

/// `task.progress`: how far a running attempt is.
#[derive(Clone, Debug, JsonSchema)]
pub struct Progress;

/// Parameters of `task.progress`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ProgressParams {
    /// Which task; absent for the one whose attempt calls.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<ObjectRef>,
    /// Only this attempt is meant: `Fenced` when another one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// From 0 to 100.
    pub percent: f64,
    /// What it is doing, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Progress {
    const NAME: &'static str = "task.progress";
    type Params = ProgressParams;
    type Output = Task;
}

rpc::repeatable!(CompleteParams, FailParams, KeepaliveParams, ProgressParams);
