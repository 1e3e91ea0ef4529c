//! Tasks: one execution of one unit of work.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::env_value::EnvValue;
use super::{
    API_VERSION, Cause, Duration, List, ListParams, Metadata, Method, ObjectRef,
    entity::NamedParams,
    hook::HooksSpec,
    http::HttpSpec,
    jq::{self, ForEach, Jq},
    list::Created,
    meta::StringMap,
    restart::{AdoptParams, RestartParams, Restarted},
    rpc,
    unique::UniqueSpec,
};

mod status;

pub use status::{Attempt, ItemCounts, Resolved, TaskProgress, TaskStatus};

/// A task: what it was asked to do never changes, `status` is the server's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// `ktk/v1`.
    pub api_version: String,
    /// `Task`.
    pub kind: String,
    /// Name, labels, identity, place in pipeline and tree.
    pub metadata: Metadata,
    /// What to do.
    pub spec: TaskSpec,
    /// What became of it; absent in manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
}

impl Task {
    /// A task to create.
    ///
    /// ```
    /// use ktk_client::api::{Task, task::TaskSpec};
    /// let task = Task::new("hello", TaskSpec::command(["echo", "hello"]));
    /// assert_eq!(task.metadata.name(), "hello");
    /// ```
    pub fn new(name: impl Into<String>, spec: TaskSpec) -> Self {
        let metadata = Metadata { name: Some(name.into()), ..Metadata::default() };
        Self { api_version: API_VERSION.into(), kind: "Task".into(), metadata, spec, status: None }
    }

    /// `NAME@N`, the name of this very incarnation.
    pub fn incarnation_name(&self) -> String {
        format!("{}@{}", self.metadata.name(), self.metadata.incarnation())
    }
}

/// What a task does and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSpec {
    /// A process to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// A request to send, instead of `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// Work that somebody else does and reports, instead of `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalSpec>,
    /// The name of a handler in an SDK worker, instead of `run`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// Any JSON object; `KTK_INPUTS` names a file that holds it. An object with the one member `jq`, at any
    /// depth, is an expression over what the needs put out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
    /// Other tasks of the namespace, by name or id; in a pipeline, other steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// On what the needs must have come to.
    #[serde(skip_serializing_if = "is_default")]
    pub run_if: RunIf,
    /// For steps: false is Skipped, and what needs it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Jq>,
    /// For steps: a task for each value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// Where it waits for a slot; `default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Higher first; oldest first within a priority. 0 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The longest that one attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL; 10 s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<Duration>,
    /// How often a running attempt must say that it is alive, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Duration>,
    /// What is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
    /// Not before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_after: Option<Timestamp>,
    /// From its creation: past it the task fails, whatever it does then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// How long it is kept after its end, and all its incarnations with it; as long as the server keeps what has
    /// ended when absent. A pipeline's tasks go with their pipeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_after_finished: Option<Duration>,
    /// What is called when something happens to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HooksSpec>,
    /// Whether somebody holds it: set and cleared by `pause` and `resume`.
    #[serde(skip_serializing_if = "is_default")]
    pub hold: bool,
    /// Permits that it holds while it runs, all or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<SemaphoreUse>,
    /// That there is no second task of the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique: Option<UniqueSpec>,
    /// kubectl's label selector grammar: only nodes with such labels run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<String>,
    /// Which of several nodes that could run it is preferred. It never waits for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
}

/// Which node a task prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Affinity {
    /// One that ran earlier tasks of its execution.
    Execution,
}

impl fmt::Display for Affinity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execution => f.write_str("execution"),
        }
    }
}

/// Whether a value is its type's default: what is left out of output.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Permits of one semaphore: its name alone stands for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SemaphoreUse {
    /// One permit.
    One(String),
    /// Several permits.
    Several {
        /// The semaphore's name.
        name: String,
        /// How many; 1 when absent.
        #[serde(default = "one")]
        permits: u32,
    },
}

fn one() -> u32 {
    1
}

impl SemaphoreUse {
    /// The semaphore's name.
    pub fn name(&self) -> &str {
        match self {
            Self::One(name) | Self::Several { name, .. } => name,
        }
    }

    /// How many permits.
    pub fn permits(&self) -> u32 {
        match self {
            Self::One(_) => 1,
            Self::Several { permits, .. } => *permits,
        }
    }
}

impl TaskSpec {
    /// A spec that runs a command.
    pub fn command<S: Into<String>>(command: impl IntoIterator<Item = S>) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        Self { run: Some(RunSpec { command, ..RunSpec::default() }), ..Self::default() }
    }

    /// A spec that a worker's handler of this name carries out.
    pub fn handler(name: impl Into<String>) -> Self {
        Self { type_name: Some(name.into()), ..Self::default() }
    }

    /// A spec of work that somebody else does and reports.
    pub fn external() -> Self {
        Self { external: Some(ExternalSpec {}), ..Self::default() }
    }

    /// Whether something in it is evaluated before it starts.
    pub fn holds_expression(&self) -> bool {
        self.when.is_some() || self.for_each.is_some() || jq::holds_expression(&self.inputs)
    }

    /// The grace period, 10 s when none is given.
    pub fn grace_period(&self) -> std::time::Duration {
        self.grace_period.map_or(std::time::Duration::from_secs(10), Duration::get)
    }
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunSpec {
    /// The program, looked up in the task's PATH, and its arguments.
    pub command: Vec<String>,
    /// Added to the environment: texts, which may hold `{{ params.x }}` and `{{ inputs.x }}`, and secrets that the
    /// worker reads at each start and that are stored nowhere: `{fromEnv: NAME}`, `{fromFile: PATH}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, EnvValue>,
    /// Where it runs: an absolute path once stored; a fresh directory when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Its standard input; empty when absent. 1 MiB at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
}

/// Work that runs nowhere here: the task is Running until somebody says how it ended, or its
/// time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalSpec {}

/// What its needs must have come to before a task starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunIf {
    /// Each need succeeded or was skipped.
    #[default]
    Success,
    /// All needs are settled and one is Failed, Cancelled or UpstreamFailed.
    Failure,
    /// All needs are settled.
    Always,
}

/// What is tried again, how often, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RetrySpec {
    /// How many attempts after the first. Absent: 0, but a lost attempt is retried once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Pause before the second attempt; 1 s when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Duration>,
    /// What each pause is longer than the one before; 2 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The longest pause; 1 m when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_backoff: Option<Duration>,
    /// A pause is longer by up to this share, by chance; 0.2 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Only these exit codes are retried; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_exit_codes: Option<Vec<i32>>,
}

rpc::repeatable!(CreateParams, CancelParams, DeleteParams);

/// `task.check`: what would be refused of a task for what the server alone knows: limits, needs, types, expressions.
/// Nothing is made.
#[derive(Clone, Debug, JsonSchema)]
pub struct Check;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Checked {
    /// What is wrong, beyond what the manifest says by itself.
    pub causes: Vec<Cause>,
}

impl Method for Check {
    const NAME: &'static str = "task.check";
    type Params = CreateParams;
    type Output = Checked;
}

/// `task.create`: makes a task; with a `requestId` at most once in 24 h.
#[derive(Clone, Debug, JsonSchema)]
pub struct Create;

/// Parameters of `task.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateParams {
    /// The task: `apiVersion`, `kind`, `metadata`, `spec`.
    pub object: Task,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The caller's own environment (`PATH HOME USER …`): what the process starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_env: Option<StringMap>,
}

impl Method for Create {
    const NAME: &'static str = "task.create";
    type Params = CreateParams;
    type Output = Created<Task>;
}

/// `task.get`: one task, by any reference.
#[derive(Clone, Debug, JsonSchema)]
pub struct Get;

impl Method for Get {
    const NAME: &'static str = "task.get";
    type Params = ObjectRef;
    type Output = Task;
}

/// `task.list`: a page of tasks, the newest incarnations unless asked otherwise.
#[derive(Clone, Debug, JsonSchema)]
pub struct ListTasks;

impl Method for ListTasks {
    const NAME: &'static str = "task.list";
    type Params = ListParams;
    type Output = List<Task>;
}

/// `task.tree`: all incarnations of a task's restart context, oldest first.
#[derive(Clone, Debug, JsonSchema)]
pub struct Tree;

impl Method for Tree {
    const NAME: &'static str = "task.tree";
    type Params = ObjectRef;
    type Output = List<Task>;
}

/// `task.restart`: a new task in the same context, or the plan for it.
#[derive(Clone, Debug, JsonSchema)]
pub struct Restart;

impl Method for Restart {
    const NAME: &'static str = "task.restart";
    type Params = RestartParams;
    type Output = Restarted<Task>;
}

/// `task.adopt`: a new incarnation that carries the outputs of an older one without running.
#[derive(Clone, Debug, JsonSchema)]
pub struct Adopt;

impl Method for Adopt {
    const NAME: &'static str = "task.adopt";
    type Params = AdoptParams;
    type Output = Restarted<Task>;
}

/// `task.cancel`: ends a pending task, stops a running one.
#[derive(Clone, Debug, JsonSchema)]
pub struct Cancel;

/// Parameters of the `cancel` methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CancelParams {
    /// Which object.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// SIGKILL at once; in a pipeline, `always` steps too.
    pub now: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Method for Cancel {
    const NAME: &'static str = "task.cancel";
    type Params = CancelParams;
    type Output = Task;
}

/// `task.pause`: holds a task, so that it does not start; an attempt that runs goes on.
#[derive(Clone, Debug, JsonSchema)]
pub struct Pause;

impl Method for Pause {
    const NAME: &'static str = "task.pause";
    type Params = NamedParams;
    type Output = Task;
}

/// `task.resume`: lets a task go that was held.
#[derive(Clone, Debug, JsonSchema)]
pub struct Resume;

impl Method for Resume {
    const NAME: &'static str = "task.resume";
    type Params = NamedParams;
    type Output = Task;
}

/// `task.delete`: removes a task's whole restart context, or one older incarnation.
#[derive(Clone, Debug, JsonSchema)]
pub struct Delete;

/// Parameters of the `delete` methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DeleteParams {
    /// Which object.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// What runs is stopped with SIGKILL, `always` steps included.
    pub now: bool,
    /// Tasks that wait for it go too, instead of keeping it.
    #[serde(skip_serializing_if = "is_default")]
    pub cascade: bool,
    /// Answer with what would go and change nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Answer of the `delete` methods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Deleted{T}")]
pub struct Deleted<T> {
    /// The object as it was last.
    pub object: T,
    /// Whether it is gone already; otherwise it goes when its last attempt has ended.
    pub gone: bool,
    /// The tasks that waited for it, and go too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ObjectRef>,
}

impl Method for Delete {
    const NAME: &'static str = "task.delete";
    type Params = DeleteParams;
    type Output = Deleted<Task>;
}
