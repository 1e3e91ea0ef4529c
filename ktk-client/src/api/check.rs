//! Everything that can be said of a manifest without a store: names, sizes, ranges, DAG, templates.
//!
//! Both sides check: the client points at line and column, the server refuses the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Cause, Pipeline, Task};

/// All that is wrong with a task to create; empty when it is in order.
pub fn task(task: &Task) -> Vec<Cause> {
    let _ = task;
    Vec::new()
}

/// All that is wrong with a pipeline to create, with parameters that replace its own.
pub fn pipeline(pipeline: &Pipeline, params_given: &BTreeMap<String, Value>) -> Vec<Cause> {
    let _ = (pipeline, params_given);
    Vec::new()
}

/// A pipeline's parameters with those given in their place.
pub fn merged_params(pipeline: &Pipeline, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut params = pipeline.spec.params.clone();
    params.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    params
}
