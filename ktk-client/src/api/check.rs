//! Everything that can be said of a manifest without a store: names, sizes, ranges, DAG, templates.
//!
//! Both sides check: the client points at line and column, the server refuses the same.

mod causes;
mod entity;
mod http;
mod metadata;
mod params;
mod process;
mod task_type;
mod work;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::{Cause, Metadata, Pipeline, Task, dag, field, names, task::TaskSpec};
use causes::Causes;
pub use entity::entity;
pub(super) use http::is_no_text;
pub(super) use task_type::task_type;
use work::Work;

/// The most bytes of a task's inputs, and of a pipeline's parameters, as JSON.
pub const MAX_INPUTS: usize = 1 << 20;

/// The most bytes of a task's standard input.
pub const MAX_STDIN: usize = 1 << 20;

/// The longest argument or environment variable in bytes: what Linux takes.
pub const MAX_ARGUMENT: usize = 131_071;

/// The most needs of a task outside a pipeline.
pub const MAX_NEEDS: usize = 10_000;

/// The highest `retry.limit`.
pub const MAX_RETRIES: u32 = 1_000;

/// The highest priority; the lowest is its negative.
pub const MAX_PRIORITY: i32 = 1_000_000;

/// The most semaphores of one task.
pub const MAX_SEMAPHORES: usize = 16;

/// The longest grace period.
pub const MAX_GRACE_PERIOD: std::time::Duration = std::time::Duration::from_secs(3600);

/// All that is wrong with a task to create; empty when it is in order.
///
/// ```
/// use ktk_client::api::{Task, check, task::TaskSpec};
/// let task = Task::new("No_Name", TaskSpec::command(["true"]));
/// assert_eq!(check::task(&task)[0].field, "metadata.name");
/// ```
pub fn task(task: &Task) -> Vec<Cause> {
    let mut causes = Causes::default();
    metadata::header(&mut causes, &task.api_version, &task.kind, "Task");
    metadata::of_object(&mut causes, &task.metadata, task.status.is_some());
    let work = Work::from(&task.spec);
    work.check(&mut causes, "spec");
    work.check_of_task(&mut causes);
    work.check_needs_of_task(&mut causes, task.metadata.name.as_deref());
    work.check_key(&mut causes, "spec", &BTreeMap::new());
    work.check_references(&mut causes, "spec", &BTreeMap::new());
    causes.into_vec()
}

/// All that is wrong with the spec of a task that exists, as a restart would change it; its needs are not looked
/// at. `params` are its pipeline's.
///
/// ```
/// use ktk_client::api::{check, task::TaskSpec};
/// let spec = TaskSpec { priority: Some(2_000_000), ..TaskSpec::external() };
/// assert_eq!(check::changed(&spec, &Default::default())[0].field, "spec.priority");
/// ```
pub fn changed(spec: &TaskSpec, params: &BTreeMap<String, Value>) -> Vec<Cause> {
    let mut causes = Causes::default();
    let work = Work::from(spec);
    work.check(&mut causes, "spec");
    work.check_key(&mut causes, "spec", params);
    work.check_references(&mut causes, "spec", params);
    causes.into_vec()
}

/// All that is wrong with the labels and annotations of an object that exists, as a patch would have them.
///
/// ```
/// use ktk_client::api::{Metadata, check};
/// let labels = [("team".to_owned(), "a b".to_owned())].into();
/// assert_eq!(check::amended(&Metadata { labels, ..Metadata::default() })[0].field, "metadata.labels.team");
/// ```
pub fn amended(metadata: &Metadata) -> Vec<Cause> {
    let mut causes = Causes::default();
    metadata::labels(&mut causes, "metadata", &metadata.labels, &metadata.annotations);
    causes.into_vec()
}

/// All that is wrong with a pipeline to create, with parameters that replace its own; a wrong one
/// among those has the field `params.NAME`.
///
/// ```
/// use ktk_client::api::{Pipeline, check, pipeline::PipelineSpec};
/// let empty = Pipeline::new("nightly", PipelineSpec::default());
/// assert_eq!(check::pipeline(&empty, &Default::default())[0].field, "spec.steps");
/// ```
pub fn pipeline(pipeline: &Pipeline, params_given: &BTreeMap<String, Value>) -> Vec<Cause> {
    let mut causes = Causes::default();
    let spec = &pipeline.spec;
    metadata::header(&mut causes, &pipeline.api_version, &pipeline.kind, "Pipeline");
    metadata::of_object(&mut causes, &pipeline.metadata, pipeline.status.is_some());
    params::check(&mut causes, &spec.params, params_given);
    Work::from(spec).check_policies(&mut causes, "spec");
    work::check_whole(&mut causes, spec, &merged(&spec.params, params_given));
    if let Some(defaults) = &spec.defaults {
        Work::from(defaults).check_policies(&mut causes, "spec.defaults");
    }
    if spec.max_parallel == Some(0) {
        causes.push("spec.maxParallel", "must be at least 1: leave it out for no limit");
    }
    if spec.steps.is_empty() {
        causes.push("spec.steps", "must not be empty: a pipeline has at least one step");
    }
    if spec.steps.len() > dag::MAX_STEPS {
        causes.push("spec.steps", format!("{} steps: {} are allowed", spec.steps.len(), dag::MAX_STEPS));
        return causes.into_vec();
    }
    let merged = merged(&spec.params, params_given);
    for (index, step) in spec.steps.iter().enumerate() {
        let prefix = field::item("spec.steps", index);
        if let Err(why) = names::step(&step.name) {
            causes.push(field::member(&prefix, "name"), why.to_string());
        }
        metadata::labels(&mut causes, &prefix, &step.labels, &step.annotations);
        let work = Work::from(step);
        work.check(&mut causes, &prefix);
        work.check_of_step(&mut causes, &prefix);
        work.check_key(&mut causes, &prefix, &merged);
        work.check_references(&mut causes, &prefix, &merged);
    }
    let nodes: Vec<dag::Node<'_>> =
        spec.steps.iter().map(|step| dag::Node { name: &step.name, needs: &step.needs }).collect();
    for problem in dag::check(&nodes).err().unwrap_or_default() {
        causes.push(dag_field(&problem), problem.message);
    }
    causes.into_vec()
}

/// Every expression of a task, with its field: what the server compiles before it takes the task.
///
/// ```
/// use ktk_client::api::{check, task::TaskSpec};
/// use serde_json::json;
/// let mut spec = TaskSpec::handler("resize");
/// spec.inputs.insert("file".into(), json!({"jq": ".fetch.path"}));
/// assert_eq!(check::task_expressions(&spec), [("spec.inputs.file.jq".into(), ".fetch.path".into())]);
/// ```
pub fn task_expressions(spec: &TaskSpec) -> Vec<(String, String)> {
    Work::from(spec).expressions("spec")
}

/// Every expression of a pipeline, with its field.
///
/// ```
/// use ktk_client::api::{Pipeline, check, pipeline::{PipelineSpec, Step}};
/// use serde_json::json;
/// let inputs = [("file".to_owned(), json!({"jq": ".fetch.path"}))].into();
/// let spec = PipelineSpec { steps: vec![Step { inputs, ..Step::default() }], ..PipelineSpec::default() };
/// let found = check::pipeline_expressions(&Pipeline::new("nightly", spec));
/// assert_eq!(found, [("spec.steps[0].inputs.file.jq".into(), ".fetch.path".into())]);
/// ```
pub fn pipeline_expressions(pipeline: &Pipeline) -> Vec<(String, String)> {
    let steps = pipeline.spec.steps.iter().enumerate();
    steps.flat_map(|(index, step)| Work::from(step).expressions(&field::item("spec.steps", index))).collect()
}

/// A pipeline's parameters with those given in their place.
///
/// ```
/// use ktk_client::api::{Pipeline, check, pipeline::PipelineSpec};
/// let params = [("date".to_owned(), "2026-11-21".into()), ("size".to_owned(), 3.into())].into();
/// let nightly = Pipeline::new("nightly", PipelineSpec { params, ..PipelineSpec::default() });
/// let merged = check::merged_params(&nightly, &[("size".to_owned(), 4.into())].into());
/// assert_eq!(merged["size"], 4);
/// ```
pub fn merged_params(pipeline: &Pipeline, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    merged(&pipeline.spec.params, given).into_owned()
}

fn merged<'a>(
    own: &'a BTreeMap<String, Value>,
    given: &BTreeMap<String, Value>,
) -> Cow<'a, BTreeMap<String, Value>> {
    let mut params = Cow::Borrowed(own);
    if !given.is_empty() {
        params.to_mut().extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    params
}

fn dag_field(problem: &dag::Problem) -> String {
    let Some(step) = problem.step else { return "spec.steps".to_owned() };
    let prefix = field::item("spec.steps", step);
    match problem.need {
        Some(need) => field::item(&field::member(&prefix, "needs"), need),
        None => field::member(&prefix, "name"),
    }
}

#[cfg(test)]
mod tests;
