//! Task types: named, versioned definitions of work. A task that names one gets its executor, its defaults, and its
//! schemas for inputs and outputs.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::task_type::{TaskType, TaskTypeSpec};
//! use serde_json::json;
//! let inputs = Some(json!({"type": "object", "required": ["width"]}));
//! let resize = TaskType::new("resize", TaskTypeSpec { version: 3, inputs, ..TaskTypeSpec::default() });
//! client.task_types().create(&resize).await?;
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Cause, Duration, List, ListParams, Metadata, Method, ObjectRef, check,
    entity::{CreateParams, Entity, NamedParams, entity},
    http::HttpSpec,
    list::Created,
    names,
    patch::{PatchParams, Patched},
    pipeline::StepDefaults,
    rpc,
    task::{Affinity, Deleted, ExternalSpec, RetrySpec, RunSpec, SemaphoreUse, TaskSpec, is_default},
};

/// Aliases of one type.
const MAX_ALIASES: usize = 16;

/// A task type: one version of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskType {
    /// `ktk/v1`.
    pub api_version: String,
    /// `TaskType`.
    pub kind: String,
    /// Name, labels, identity; not namespaced. Versions of one type share its name.
    pub metadata: Metadata,
    /// What its tasks do.
    pub spec: TaskTypeSpec,
    /// Its place among the versions; absent in manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskTypeStatus>,
}

impl TaskType {
    /// A type to create.
    ///
    /// ```
    /// use ktk_client::api::{TaskType, task_type::TaskTypeSpec};
    /// let resize = TaskType::new("resize", TaskTypeSpec { version: 3, ..TaskTypeSpec::default() });
    /// assert_eq!(resize.reference(), "resize@3");
    /// ```
    pub fn new(name: impl Into<String>, spec: TaskTypeSpec) -> Self {
        Self::assemble(Metadata { name: Some(name.into()), ..Metadata::default() }, spec)
    }

    /// `NAME@VERSION`, which names this very version.
    ///
    /// ```
    /// # use ktk_client::api::task_type::{TaskType, TaskTypeSpec};
    /// let spec = TaskTypeSpec { version: 3, ..TaskTypeSpec::default() };
    /// assert_eq!(TaskType::new("resize", spec).reference(), "resize@3");
    /// ```
    pub fn reference(&self) -> String {
        format!("{}@{}", self.metadata.name(), self.spec.version)
    }
}

/// What the tasks of a type do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskTypeSpec {
    /// From 1. A task that names the type without a version gets the greatest one there is.
    pub version: u32,
    /// Other names of the type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The set that it was applied with: `ktk apply --prune` removes what is gone from the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// JSON Schema (draft 2020-12) of the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// JSON Schema (draft 2020-12) of the outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// What its tasks have that do not say otherwise.
    #[serde(skip_serializing_if = "is_default")]
    pub defaults: TypeDefaults,
    /// The process of its tasks. Neither this nor `http` nor `external`: a handler of the type's name carries them
    /// out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// The request of its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// Its tasks are finished from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSpec>,
}

impl Default for TaskTypeSpec {
    fn default() -> Self {
        Self {
            version: 1,
            aliases: Vec::new(),
            source: None,
            inputs: None,
            outputs: None,
            defaults: TypeDefaults::default(),
            run: None,
            http: None,
            external: None,
        }
    }
}

impl TaskTypeSpec {
    /// What a task of this type does: what it was asked to do, completed by the type.
    ///
    /// ```
    /// # use ktk_client::api::{task::TaskSpec, task_type::{TaskTypeSpec, TypeDefaults}};
    /// let defaults = TypeDefaults { priority: Some(5), ..TypeDefaults::default() };
    /// let spec = TaskTypeSpec { defaults, ..TaskTypeSpec::default() };
    /// assert_eq!(spec.complete(&TaskSpec::handler("resize")).priority, Some(5));
    /// ```
    pub fn complete(&self, asked: &TaskSpec) -> TaskSpec {
        let mut spec = asked.clone();
        let defaults = &self.defaults;
        for (name, value) in &defaults.inputs {
            spec.inputs.entry(name.clone()).or_insert_with(|| value.clone());
        }
        spec.run = self.run.clone();
        spec.http = self.http.clone();
        spec.external = self.external.clone();
        spec.ttl_after_finished = spec.ttl_after_finished.or(defaults.ttl_after_finished);
        defaults.policies().complete(spec)
    }
}

/// What the tasks of a type have that do not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TypeDefaults {
    /// Inputs that a task does not give.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
    /// Where the tasks wait for a slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Their priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The longest that one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Duration>,
    /// How often a running attempt must say that it is alive, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Duration>,
    /// What is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// From their creation: past it they fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// How long they are kept after their end; in a pipeline they go with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_after_finished: Option<Duration>,
    /// Permits that each holds while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreUse>,
    /// Which nodes run them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// Which of those nodes they prefer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

impl TypeDefaults {
    /// All but the inputs: what the defaults of a pipeline's steps can say too.
    ///
    /// ```
    /// # use ktk_client::api::task_type::TypeDefaults;
    /// assert_eq!(TypeDefaults { priority: Some(5), ..TypeDefaults::default() }.policies().priority, Some(5));
    /// ```
    pub fn policies(&self) -> StepDefaults {
        StepDefaults {
            queue: self.queue.clone(),
            priority: self.priority,
            timeout: self.timeout,
            grace_period: self.grace_period,
            keepalive: self.keepalive,
            retry: self.retry.clone(),
            deadline: self.deadline,
            semaphores: self.semaphores.clone(),
            node_selector: self.node_selector.clone(),
            affinity: self.affinity,
        }
    }
}

/// The place of a version among those of its type. Written by the server only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskTypeStatus {
    /// Whether a task that names no version gets this one.
    pub newest: bool,
}

entity!(
    TaskType,
    TaskTypeSpec,
    check,
    fn key(&self) -> String {
        self.reference()
    }
);

fn check(spec: &TaskTypeSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    if spec.version == 0 {
        causes.push(Cause::new("spec.version", "must be at least 1"));
    }
    if spec.aliases.len() > MAX_ALIASES {
        let message = format!("{} aliases: {MAX_ALIASES} are allowed", spec.aliases.len());
        causes.push(Cause::new("spec.aliases", message));
    }
    let mut seen = BTreeSet::new();
    for (index, alias) in spec.aliases.iter().enumerate() {
        let field = format!("spec.aliases[{index}]");
        match names::type_name(alias) {
            Err(why) => causes.push(Cause::new(field, why.to_string())),
            Ok(()) if !seen.insert(alias) => {
                causes.push(Cause::new(field, format!("{alias:?} is there twice")))
            }
            Ok(()) => {}
        }
    }
    if let Some(Err(why)) = spec.source.as_deref().map(names::type_name) {
        causes.push(Cause::new("spec.source", why.to_string()));
    }
    causes.extend(check::task_type(spec));
    causes
}

/// `tasktype.create`: makes a version of a type.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

impl Method for Create {
    const NAME: &'static str = "tasktype.create";
    type Params = CreateParams<TaskType>;
    type Output = Created<TaskType>;
}

/// `tasktype.get`: one version by `NAME@VERSION`, or the newest by name, alias or any other reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "tasktype.get";
    type Params = ObjectRef;
    type Output = TaskType;
}

/// `tasktype.list`: a page of types, by name.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListTaskTypes;

impl Method for ListTaskTypes {
    const NAME: &'static str = "tasktype.list";
    type Params = ListParams;
    type Output = List<TaskType>;
}

/// `tasktype.patch`: changes labels and annotations of a version of a task type.
#[derive(Clone, Debug, JsonSchema)]
pub struct Patch;

impl Method for Patch {
    const NAME: &'static str = "tasktype.patch";
    type Params = PatchParams;
    type Output = Patched<TaskType>;
}

/// `tasktype.delete`: removes a version. Tasks keep what they were made with.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

impl Method for Delete {
    const NAME: &'static str = "tasktype.delete";
    type Params = NamedParams;
    type Output = Deleted<TaskType>;
}

rpc::repeatable!(ApplyParams);

/// `tasktype.apply`: makes and changes types until they are as given, all or none of them.
#[derive(Clone, Debug, JsonSchema)]
pub struct Apply;

impl Method for Apply {
    const NAME: &'static str = "tasktype.apply";
    type Params = ApplyParams;
    type Output = Applied;
}

/// Parameters of `tasktype.apply`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplyParams {
    /// The types as they are to be; 1,000 at most.
    pub objects: Vec<TaskType>,
    /// The set that they are: what each has as its source from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Removes what has this source and is not among the objects.
    #[serde(skip_serializing_if = "is_default")]
    pub prune: bool,
    /// Only says what would be done.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What an apply came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// One for each object in the order given, then those that are gone.
    pub results: Vec<AppliedType>,
}

/// What an apply did to one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedType {
    /// `NAME@VERSION`.
    pub name: String,
    /// What was done.
    pub outcome: ApplyOutcome,
    /// The version as it is now, or would be; nothing of one that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<TaskType>,
    /// It was there, and not by an apply.
    #[serde(default, skip_serializing_if = "is_default")]
    pub adopted: bool,
}

/// What an apply does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApplyOutcome {
    /// It was not there.
    Created,
    /// It was different.
    Configured,
    /// It was so already.
    Unchanged,
    /// It is gone from its set.
    Pruned,
}

impl ApplyOutcome {
    /// `created`, as commands say it.
    ///
    /// ```
    /// # use ktk_client::api::task_type::ApplyOutcome;
    /// assert_eq!(ApplyOutcome::Created.as_str(), "created");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Pruned => "pruned",
        }
    }
}
