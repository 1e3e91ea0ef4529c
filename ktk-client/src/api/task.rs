//! Tasks: one execution of one unit of work.
//!
//! ```
//! use ktk_client::api::{Duration, Task, check, task::{RetrySpec, SemaphoreUse, TaskSpec}};
//! let retry = RetrySpec { limit: Some(3), ..RetrySpec::default() };
//! let spec = TaskSpec {
//!     timeout: Some(Duration::from_secs(600)),
//!     retry: Some(retry),
//!     semaphores: vec![SemaphoreUse::One("gpu".into())],
//!     ..TaskSpec::command(["convert", "in.png", "out.png"])
//! };
//! assert!(check::task(&Task::new("thumbnails", spec)).is_empty());
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    API_VERSION, Cause, List, ListParams, Metadata, Method, ObjectRef,
    apply::{AppliedObject, ApplyParams},
    entity::NamedParams,
    list::Created,
    meta::StringMap,
    patch::{PatchParams, Patched},
    restart::{AdoptParams, RestartParams, Restarted},
    rpc,
};

mod spec;
mod status;

pub use spec::{Affinity, ExternalSpec, RetrySpec, RunIf, RunSpec, SemaphoreUse, TaskSpec};
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
    ///
    /// ```
    /// # use ktk_client::api::{Task, task::TaskSpec};
    /// assert_eq!(Task::new("hello", TaskSpec::external()).incarnation_name(), "hello@1");
    /// ```
    pub fn incarnation_name(&self) -> String {
        format!("{}@{}", self.metadata.name(), self.metadata.incarnation())
    }
}

/// Whether a value is its type's default: what is left out of output.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    /// Answers what would be made, and makes nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dry_run: bool,
}

impl Method for Create {
    const NAME: &'static str = "task.create";
    type Params = CreateParams;
    type Output = Created<Task>;
}

/// `task.apply`: makes a task, or changes what of it may still change until it is as given.
#[derive(Clone, Debug, JsonSchema)]
pub struct Apply;

impl Method for Apply {
    const NAME: &'static str = "task.apply";
    type Params = ApplyParams<Task>;
    type Output = AppliedObject<Task>;
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

/// `task.patch`: changes labels and annotations of a task, and its priority, queue, hold and runAfter while it is
/// pending.
#[derive(Clone, Debug, JsonSchema)]
pub struct Patch;

impl Method for Patch {
    const NAME: &'static str = "task.patch";
    type Params = PatchParams;
    type Output = Patched<Task>;
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
    /// The version that it is to have: another one is `Conflict`. Any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
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
