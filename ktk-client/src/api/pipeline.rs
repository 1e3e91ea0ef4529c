//! Pipelines: DAGs of steps, each of which is a task.
//!
//! ```
//! use ktk_client::api::{Pipeline, pipeline::{PipelineSpec, Step}, task::RunSpec};
//! let run = |command: &str| Some(RunSpec { command: vec![command.into()], ..RunSpec::default() });
//! let fetch = Step { name: "fetch".into(), run: run("./fetch"), ..Step::default() };
//! let load = Step { name: "load".into(), needs: vec!["fetch".into()], run: run("./load"), ..Step::default() };
//! let nightly = Pipeline::new("nightly", PipelineSpec { steps: vec![fetch, load], ..PipelineSpec::default() });
//! assert!(ktk_client::api::check::pipeline(&nightly, &Default::default()).is_empty());
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    API_VERSION, Duration, List, ListParams, Metadata, Method, ObjectRef, Phase, Reason,
    apply::{AppliedObject, ApplyParams},
    entity::NamedParams,
    hook::HooksSpec,
    http::HttpSpec,
    jq::{ForEach, Jq},
    list::Created,
    meta::StringMap,
    patch::{PatchParams, Patched},
    restart::{RestartParams, Restarted},
    rpc,
    task::{
        Affinity, CancelParams, Checked, DeleteParams, Deleted, ExternalSpec, RetrySpec, RunIf, RunSpec,
        SemaphoreUse, TaskSpec, is_default,
    },
    unique::UniqueSpec,
};

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Pipeline`.
    pub kind: String,
    /// Name, labels, identity.
    pub metadata: Metadata,
    /// The steps and what holds for all of them.
    pub spec: PipelineSpec,
    /// What became of it; absent in manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PipelineStatus>,
}

impl Pipeline {
    /// A pipeline to create.
    ///
    /// ```
    /// # use ktk_client::api::{Pipeline, pipeline::PipelineSpec};
    /// assert_eq!(Pipeline::new("nightly", PipelineSpec::default()).metadata.name(), "nightly");
    /// ```
    pub fn new(name: impl Into<String>, spec: PipelineSpec) -> Self {
        let metadata = Metadata { name: Some(name.into()), ..Metadata::default() };
        Self { api_version: API_VERSION.into(), kind: "Pipeline".into(), metadata, spec, status: None }
    }
}

/// The steps of a pipeline and what holds for all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PipelineSpec {
    /// Parameters and their defaults: `{{ params.NAME }}` in a step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// What each step has that does not say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<StepDefaults>,
    /// The most tasks of this pipeline that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
    /// Whether the first failure cancels what does not depend on it.
    #[serde(skip_serializing_if = "is_default")]
    pub fail_fast: bool,
    /// How long it is kept after its end, with all its incarnations and their tasks; as long as the server keeps
    /// what has ended when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_after_finished: Option<Duration>,
    /// Where the steps wait for a slot that say nothing of it, nor do the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Priority of the steps that say nothing of it, nor do the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The longest that all of it may take, from the start of its first step; then it fails, and only `failure` and
    /// `always` steps still run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// The same from its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Permits that the pipeline holds from before its first step starts until it has ended, all or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreUse>,
    /// That there is no second pipeline of the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<UniqueSpec>,
    /// What is called when its first step starts, when its time is over, and when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HooksSpec>,
    /// The steps: at least one.
    pub steps: Vec<Step>,
}

impl PipelineSpec {
    /// The spec of a step's task: the step's own fields, completed by the defaults, then by the pipeline's.
    ///
    /// ```
    /// # use ktk_client::api::pipeline::{PipelineSpec, Step};
    /// let spec = PipelineSpec { queue: Some("nightly".into()), ..PipelineSpec::default() };
    /// assert_eq!(spec.task_spec(&Step::default()).queue.as_deref(), Some("nightly"));
    /// ```
    pub fn task_spec(&self, step: &Step) -> TaskSpec {
        let spec = step.task_spec(self.defaults.as_ref());
        TaskSpec {
            queue: spec.queue.or_else(|| self.queue.clone()),
            priority: spec.priority.or(self.priority),
            ..spec
        }
    }
}

/// What each step of a pipeline has that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StepDefaults {
    /// Where the steps wait for a slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Priority of the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The longest that one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Duration>,
    /// How often a running attempt must say that it is alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Duration>,
    /// What is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// From the creation of each step's task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Permits that each step holds while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreUse>,
    /// Which nodes run the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// Which of those nodes they prefer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

/// A step: a task's spec with a name, and labels of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// A DNS label of up to 100 characters that begins with a letter.
    pub name: String,
    /// Added to the pipeline's labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: StringMap,
    /// Annotations of the step's task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: StringMap,
    /// See [`TaskSpec::run`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// See [`TaskSpec::http`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// See [`TaskSpec::external`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSpec>,
    /// See [`TaskSpec::type_name`].
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// See [`TaskSpec::inputs`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
    /// Names of other steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// See [`TaskSpec::run_if`].
    #[serde(skip_serializing_if = "is_default")]
    pub run_if: RunIf,
    /// False: the step is Skipped, and what needs it goes on. Over `{params, needs, <step>: outputs}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Jq>,
    /// The step is a task for each value: `PIPELINE.STEP.INDEX`, or `.KEY`. All but `when` is the items'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// See [`TaskSpec::queue`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// See [`TaskSpec::priority`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// See [`TaskSpec::timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// See [`TaskSpec::grace_period`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Duration>,
    /// See [`TaskSpec::keepalive`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Duration>,
    /// See [`TaskSpec::retry`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// See [`TaskSpec::run_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_after: Option<Timestamp>,
    /// See [`TaskSpec::deadline`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// See [`TaskSpec::hooks`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HooksSpec>,
    /// See [`TaskSpec::hold`].
    #[serde(skip_serializing_if = "is_default")]
    pub hold: bool,
    /// See [`TaskSpec::semaphores`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreUse>,
    /// See [`TaskSpec::unique`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<UniqueSpec>,
    /// See [`TaskSpec::node_selector`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// See [`TaskSpec::affinity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

impl StepDefaults {
    /// A spec, completed by what it does not say itself.
    ///
    /// ```
    /// # use ktk_client::api::{pipeline::StepDefaults, task::TaskSpec};
    /// let defaults = StepDefaults { priority: Some(5), ..StepDefaults::default() };
    /// assert_eq!(defaults.complete(TaskSpec::external()).priority, Some(5));
    /// ```
    pub fn complete(&self, spec: TaskSpec) -> TaskSpec {
        TaskSpec {
            queue: spec.queue.or_else(|| self.queue.clone()),
            priority: spec.priority.or(self.priority),
            timeout: spec.timeout.or(self.timeout),
            grace_period: spec.grace_period.or(self.grace_period),
            keepalive: spec.keepalive.or(self.keepalive),
            retry: spec.retry.or_else(|| self.retry.clone()),
            deadline: spec.deadline.or(self.deadline),
            semaphores: if spec.semaphores.is_empty() { self.semaphores.clone() } else { spec.semaphores },
            node_selector: spec.node_selector.or_else(|| self.node_selector.clone()),
            affinity: spec.affinity.or(self.affinity),
            ..spec
        }
    }
}

impl Step {
    /// The spec of the step's task: the step's own fields, completed by the defaults.
    ///
    /// ```
    /// # use ktk_client::api::pipeline::{Step, StepDefaults};
    /// let defaults = StepDefaults { priority: Some(5), ..StepDefaults::default() };
    /// let step = Step { priority: Some(7), ..Step::default() };
    /// assert_eq!(step.task_spec(Some(&defaults)).priority, Some(7));
    /// ```
    pub fn task_spec(&self, defaults: Option<&StepDefaults>) -> TaskSpec {
        let own = TaskSpec {
            run: self.run.clone(),
            http: self.http.clone(),
            external: self.external.clone(),
            type_name: self.type_name.clone(),
            inputs: self.inputs.clone(),
            needs: self.needs.clone(),
            run_if: self.run_if,
            when: self.when.clone(),
            for_each: self.for_each.clone(),
            queue: self.queue.clone(),
            priority: self.priority,
            timeout: self.timeout,
            grace_period: self.grace_period,
            keepalive: self.keepalive,
            retry: self.retry.clone(),
            run_after: self.run_after,
            deadline: self.deadline,
            ttl_after_finished: None,
            hooks: self.hooks.clone(),
            hold: self.hold,
            semaphores: self.semaphores.clone(),
            unique: self.unique.clone(),
            node_selector: self.node_selector.clone(),
            affinity: self.affinity,
        };
        match defaults {
            Some(defaults) => defaults.complete(own),
            None => own,
        }
    }
}

/// What became of a pipeline. Written by the server only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineStatus {
    /// Derived from the newest incarnations of its steps.
    pub phase: Phase,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many steps there are, are done, have failed.
    pub steps: StepCounts,
    /// Restarts inside: incarnations of its steps after their first.
    #[serde(default)]
    pub restarts: u32,
    /// `KTK_DIR` of all its steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// When its first step started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When nothing could move any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Steps of a pipeline, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepCounts {
    /// All steps.
    pub total: u32,
    /// Succeeded or skipped.
    pub done: u32,
    /// Failed, cancelled, or waiting behind one that did.
    pub failed: u32,
}

/// `pipeline.create`: makes a pipeline and all its tasks, or nothing.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

rpc::repeatable!(CreateParams);

/// `pipeline.check`: as `task.check`, of a pipeline.
#[derive(Clone, Debug, JsonSchema)]
pub struct Check;

impl Method for Check {
    const NAME: &'static str = "pipeline.check";
    type Params = CreateParams;
    type Output = Checked;
}

/// Parameters of `pipeline.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateParams {
    /// The pipeline: `apiVersion`, `kind`, `metadata`, `spec`.
    pub object: Pipeline,
    /// Replace parameters of the same names; one that names no parameter is refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The caller's own environment, of which the steps' processes start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
    /// Where the name is taken, take `NAME-<two words>` instead of refusing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub new_name_if_taken: bool,
    /// Answers what would be made, and makes nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dry_run: bool,
}

impl Method for Create {
    const NAME: &'static str = "pipeline.create";
    type Params = CreateParams;
    type Output = Created<Pipeline>;
}

/// `pipeline.apply`: makes a pipeline, or changes its labels and annotations until they are as given.
#[derive(Clone, Debug, JsonSchema)]
pub struct Apply;

impl Method for Apply {
    const NAME: &'static str = "pipeline.apply";
    type Params = ApplyParams<Pipeline>;
    type Output = AppliedObject<Pipeline>;
}

/// `pipeline.get`: one pipeline, by any reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "pipeline.get";
    type Params = ObjectRef;
    type Output = Pipeline;
}

/// `pipeline.list`: a page of pipelines.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListPipelines;

impl Method for ListPipelines {
    const NAME: &'static str = "pipeline.list";
    type Params = ListParams;
    type Output = List<Pipeline>;
}

/// `pipeline.restart`: restarts, inside the pipeline, what failed or was cancelled.
#[derive(Clone, Debug, JsonSchema)]
pub struct Restart;

impl Method for Restart {
    const NAME: &'static str = "pipeline.restart";
    type Params = RestartParams;
    type Output = Restarted<Pipeline>;
}

/// `pipeline.cancel`: ends what is pending, stops what runs; `always` steps still run.
#[derive(Clone, Debug, JsonSchema)]
pub struct Cancel;

impl Method for Cancel {
    const NAME: &'static str = "pipeline.cancel";
    type Params = CancelParams;
    type Output = Pipeline;
}

/// `pipeline.pause`: holds all steps that have not ended; what runs goes on.
#[derive(Clone, Debug, JsonSchema)]
pub struct Pause;

impl Method for Pause {
    const NAME: &'static str = "pipeline.pause";
    type Params = NamedParams;
    type Output = Pipeline;
}

/// `pipeline.resume`: lets all steps go.
#[derive(Clone, Debug, JsonSchema)]
pub struct Resume;

impl Method for Resume {
    const NAME: &'static str = "pipeline.resume";
    type Params = NamedParams;
    type Output = Pipeline;
}

/// `pipeline.patch`: changes labels and annotations of a pipeline; those of its tasks stay as they are.
#[derive(Clone, Debug, JsonSchema)]
pub struct Patch;

impl Method for Patch {
    const NAME: &'static str = "pipeline.patch";
    type Params = PatchParams;
    type Output = Patched<Pipeline>;
}

/// `pipeline.delete`: removes a pipeline with all its tasks.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

impl Method for Delete {
    const NAME: &'static str = "pipeline.delete";
    type Params = DeleteParams;
    type Output = Deleted<Pipeline>;
}
