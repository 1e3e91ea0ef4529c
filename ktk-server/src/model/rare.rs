//! What few tasks and pipelines have: facts that no query searches by, stored together as JSON in one column that is
//! empty for all others.

use ktk_client::api::task::TaskProgress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::clocks::Clocks;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskRare {
    #[serde(skip_serializing_if = "is_default")]
    pub clocks: Clocks,
    /// The task whose running attempt made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned_by: Option<Uuid>,
    /// What its newest attempt last said of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<TaskProgress>,
    /// How far its expressions are; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jq: Option<Stage>,
}

/// How far the expressions of a task are. The store finds those that are to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Its needs have not settled.
    Waiting,
    /// Its needs have settled: the evaluator takes it.
    Evaluating,
    /// They were evaluated on what its needs have come to.
    Evaluated,
}

/// Of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineRare {}
