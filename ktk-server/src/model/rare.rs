//! What few tasks and pipelines have: facts that no query searches by, stored together as JSON in one column that is
//! empty for all others.

use serde::{Deserialize, Serialize};

/// Of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRare {}

/// Of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineRare {}
