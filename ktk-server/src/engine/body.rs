//! The cold part of tasks and pipelines: the JSON text that stores keep beside the row.

use std::collections::BTreeMap;

use ktk_client::api::{
    change::Changes, meta::StringMap, pipeline::PipelineSpec, restart::RestartParams, task::TaskSpec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    apply::Applied,
    error::{EngineError, EngineResult},
    typed::TypeUse,
};

/// What a task was asked to do and by whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskBody {
    pub spec: TaskSpec,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: StringMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Absent for steps: their pipeline has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
    /// The needs as contexts, in the order of `spec.needs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartBody>,
    /// What its type gave it; `spec` is what came of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_type: Option<Box<TypeUse>>,
    /// The value of an item under `forEach`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Box<RawValue>>,
    /// What an apply has set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Box<Applied>>,
}

impl TaskBody {
    /// What its restart changed against its parent.
    pub fn changes(&self) -> Changes {
        self.restart.as_ref().map(|restart| restart.changes.clone()).unwrap_or_default()
    }
}

/// Why a task was restarted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl RestartBody {
    /// Of a restart that somebody asks for.
    pub fn asked(params: &RestartParams, by: &str) -> Self {
        Self { reason: params.reason.clone(), changes: params.changes.clone(), by: Some(by.to_owned()) }
    }
}

/// A pipeline's manifest and what its steps share.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineBody {
    pub header: PipelineHeader,
    pub spec: PipelineSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartBody>,
    /// What an apply has set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Box<Applied>>,
}

impl PipelineBody {
    /// What its restart changed against its parent.
    pub fn changes(&self) -> Changes {
        self.restart.as_ref().map(|restart| restart.changes.clone()).unwrap_or_default()
    }
}

/// What each attempt of a step needs of its pipeline. Never changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineHeader {
    /// The manifest's parameters with those that were given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: StringMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// Reads only the header of a pipeline's text.
#[derive(Deserialize)]
struct HeaderOnly {
    header: PipelineHeader,
}

/// The text that is stored.
pub fn to_text<T: Serialize>(body: &T) -> EngineResult<String> {
    serde_json::to_string(body).map_err(|error| EngineError::Bug(format!("a body has no JSON: {error}")))
}

/// The same as a value.
pub fn to_value<T: Serialize>(object: &T) -> EngineResult<Value> {
    serde_json::to_value(object).map_err(|error| EngineError::Bug(format!("an object has no JSON: {error}")))
}

/// Reads stored text; `what` names the object in the error.
pub fn from_text<T: DeserializeOwned>(what: &str, text: &str) -> EngineResult<T> {
    serde_json::from_str(text)
        .map_err(|error| EngineError::Bug(format!("the stored manifest of {what} cannot be read: {error}")))
}

/// Reads the header of a pipeline's text.
pub fn header_from_text(what: &str, text: &str) -> EngineResult<PipelineHeader> {
    let read: HeaderOnly = serde_json::from_str(text).map_err(|error| {
        EngineError::Bug(format!("the stored manifest of {what} cannot be read: {error}"))
    })?;
    Ok(read.header)
}

/// Labels as the row keeps them: absent when there are none.
pub fn labels_text(labels: &StringMap) -> EngineResult<Option<String>> {
    if labels.is_empty() { Ok(None) } else { to_text(labels).map(Some) }
}

/// Labels of a row. Unreadable ones are shown as none.
pub fn labels(text: Option<&str>) -> StringMap {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
