//! What a task is asked to do: one way to do it, what it needs, and how it is tried.
//!
//! ```
//! use ktk_client::api::task::{RunIf, RunSpec, TaskSpec};
//!
//! let run = RunSpec { command: vec!["./clean".into()], ..RunSpec::default() };
//! let clean = TaskSpec { run: Some(run), needs: vec!["build".into()], run_if: RunIf::Always, ..TaskSpec::default() };
//! assert_eq!(clean.needs, ["build"]);
//! ```

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::{
        Duration,
        env_value::EnvValue,
        hook::HooksSpec,
        http::HttpSpec,
        jq::{self, ForEach, Jq},
        unique::UniqueSpec,
    },
    is_default,
};

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
    ///
    /// ```
    /// # use ktk_client::api::task::SemaphoreUse;
    /// assert_eq!(SemaphoreUse::Several { name: "licence".into(), permits: 2 }.name(), "licence");
    /// ```
    pub fn name(&self) -> &str {
        match self {
            Self::One(name) | Self::Several { name, .. } => name,
        }
    }

    /// How many permits.
    ///
    /// ```
    /// # use ktk_client::api::task::SemaphoreUse;
    /// assert_eq!(SemaphoreUse::One("gpu".into()).permits(), 1);
    /// ```
    pub fn permits(&self) -> u32 {
        match self {
            Self::One(_) => 1,
            Self::Several { permits, .. } => *permits,
        }
    }
}

impl TaskSpec {
    /// A spec that runs a command.
    ///
    /// ```
    /// # use ktk_client::api::task::TaskSpec;
    /// assert_eq!(TaskSpec::command(["echo", "hello"]).run.unwrap().command, ["echo", "hello"]);
    /// ```
    pub fn command<S: Into<String>>(command: impl IntoIterator<Item = S>) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        Self { run: Some(RunSpec { command, ..RunSpec::default() }), ..Self::default() }
    }

    /// A spec that a worker's handler of this name carries out.
    ///
    /// ```
    /// # use ktk_client::api::task::TaskSpec;
    /// assert_eq!(TaskSpec::handler("resize@3").type_name.as_deref(), Some("resize@3"));
    /// ```
    pub fn handler(name: impl Into<String>) -> Self {
        Self { type_name: Some(name.into()), ..Self::default() }
    }

    /// A spec of work that somebody else does and reports.
    ///
    /// ```
    /// # use ktk_client::api::task::TaskSpec;
    /// assert!(TaskSpec::external().external.is_some());
    /// ```
    pub fn external() -> Self {
        Self { external: Some(ExternalSpec {}), ..Self::default() }
    }

    /// Whether something in it is evaluated before it starts.
    ///
    /// ```
    /// # use ktk_client::api::task::TaskSpec;
    /// assert!(!TaskSpec::command(["true"]).holds_expression());
    /// ```
    pub fn holds_expression(&self) -> bool {
        self.when.is_some() || self.for_each.is_some() || jq::holds_expression(&self.inputs)
    }

    /// The grace period, 10 s when none is given.
    ///
    /// ```
    /// # use ktk_client::api::task::TaskSpec;
    /// assert_eq!(TaskSpec::command(["true"]).grace_period(), std::time::Duration::from_secs(10));
    /// ```
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
