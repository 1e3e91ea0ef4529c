//! Restarts: a new task in the tree of the old one, and the plan that says so beforehand.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{ObjectRef, restart::{Cascade, RestartParams}, task};
//! let reference = ObjectRef::new("default", "thumbnails");
//! let params = RestartParams { reference, cascade: Cascade::None, dry_run: true, ..RestartParams::default() };
//! for row in client.call_once::<task::Restart>(params).await?.plan {
//!     println!("{} {}: {}", row.task, row.action.as_str(), row.why);
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApiError, Method, ObjectRef, change::Changes, rpc, task::is_default};

/// The most restarts of one plan.
pub const MAX_PLANNED: usize = 10_000;

/// Parameters of the `restart` methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RestartParams {
    /// Which object. A bare name means the newest incarnation.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// What happens to dependents that have finished.
    #[serde(skip_serializing_if = "is_default")]
    pub cascade: Cascade,
    /// Cancel what lives and restart when it has ended. For a pipeline it goes with `from` or `all`.
    #[serde(skip_serializing_if = "is_default")]
    pub force: bool,
    /// Answer with the plan and change nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Refuse unless the newest incarnation is this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_newest: Option<u32>,
    /// For a pipeline: restart this step instead of what failed.
    #[serde(rename = "from", skip_serializing_if = "Option::is_none")]
    pub from_step: Option<String>,
    /// For a pipeline: a new incarnation of it, whose tasks all run again and reuse nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub all: bool,
    /// What the new incarnation has that the old one had not; kept in `metadata.restart.changes`. Of a task fields of
    /// its spec; of a pipeline, with `all`, its parameters (`params.date`).
    #[serde(skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// Recorded in `metadata.restart.reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Parameters of `task.adopt`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AdoptParams {
    /// Which incarnation's outputs are taken back.
    #[serde(rename = "ref")]
    pub reference: ObjectRef,
    /// Answer with the plan and change nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// Refuse unless the newest incarnation is this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_newest: Option<u32>,
    /// Recorded in `metadata.restart.reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Makes the call repeatable: the same id and body give the first answer again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

rpc::repeatable!(RestartParams, AdoptParams);

/// What happens to dependents that have finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Cascade {
    /// Those run again that took something else than what is there once the restarted task has ended.
    #[default]
    Auto,
    /// Each transitive dependent is restarted.
    All,
    /// None is.
    None,
}

impl Cascade {
    /// The number that stores keep.
    ///
    /// ```
    /// # use ktk_client::api::restart::Cascade;
    /// assert_eq!(Cascade::from_number(Cascade::All.number()), Some(Cascade::All));
    /// ```
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The value of a stored number.
    ///
    /// ```
    /// # use ktk_client::api::restart::Cascade;
    /// assert_eq!(Cascade::from_number(200), None);
    /// ```
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Auto, Self::All, Self::None].into_iter().find(|cascade| cascade.number() == number)
    }
}

/// What the `restart` methods and `task.adopt` answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Restarted{T}")]
pub struct Restarted<T> {
    /// The new task (or the one that was restarted already), or the pipeline; with `dryRun` the pipeline as lists
    /// show it, without its manifest.
    pub object: T,
    /// Whether this call made something.
    pub created: bool,
    /// The tasks that this call made (`NAME@N`), in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarted: Vec<RestartedTask>,
    /// What was, or with `dryRun` would be, done to each task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanRow>,
}

/// A task that a restart made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestartedTask {
    /// Its id.
    pub id: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// Its incarnation.
    pub incarnation: u32,
    /// The incarnation it restarts.
    pub parent_incarnation: u32,
}

/// What a plan does to one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// A new incarnation runs.
    Restart,
    /// It was waiting and goes on by itself.
    Continue,
    /// Nothing happens to it.
    Keep,
    /// It runs again only if what it took changes.
    Decide,
    /// An old result is taken back.
    Adopt,
}

impl Action {
    /// The word in plans.
    ///
    /// ```
    /// # use ktk_client::api::restart::Action;
    /// assert_eq!(Action::Restart.as_str(), "restart");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Continue => "continue",
            Self::Keep => "keep",
            Self::Decide => "decide",
            Self::Adopt => "adopt",
        }
    }
}

/// Which way a row of a plan that said `decide` went, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// `restart` or `keep`.
    pub action: Action,
    /// Why.
    pub why: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// One row of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanRow {
    /// The task's name.
    pub task: String,
    /// What happens to it.
    pub action: Action,
    /// Why.
    pub why: String,
}

/// `restart.plan`: what many restarts would do, each after those before it. Nothing is changed.
#[derive(Clone, Debug, JsonSchema)]
pub struct Plan;

/// Parameters of `restart.plan`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlanParams {
    /// In the order in which they would be asked for; 10,000 at most.
    pub restarts: Vec<Wanted>,
}

/// What is planned with others. In none of them `dryRun` or `requestId` says anything; what `force` cancels has ended for
/// those after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Wanted {
    /// As `task.restart`.
    Task(RestartParams),
    /// As `pipeline.restart`.
    Pipeline(RestartParams),
    /// As `task.adopt`.
    Adopt(AdoptParams),
}

/// What `restart.plan` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Plans {
    /// One for each restart, in their order; all plans together have 100,000 rows at most.
    pub plans: Vec<Planned>,
}

/// What one of many restarts would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Planned {
    /// This would be done to each task.
    Plan(Vec<PlanRow>),
    /// It would be refused, and those after it would not see it.
    Refused(ApiError),
}

impl Method for Plan {
    const NAME: &'static str = "restart.plan";
    type Params = PlanParams;
    type Output = Plans;
}
