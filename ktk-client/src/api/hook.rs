//! Hooks: what is called when something happens to a task. A failing hook never changes the task.
//!
//! ```
//! use ktk_client::api::hook::{HookSpec, HooksSpec};
//! let told = HookSpec { command: vec!["./told".into()], ..HookSpec::default() };
//! let hooks = HooksSpec { on_finish: Some(told), ..HooksSpec::default() };
//! assert!(hooks.on_start.is_none());
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Phase, Reason, meta::StringMap};

/// What is called when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HooksSpec {
    /// An attempt has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_start: Option<HookSpec>,
    /// An attempt has said that it is alive. One that waits to be called stands for those that follow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_keepalive: Option<HookSpec>,
    /// An attempt's time was over: its timeout, its silence or the task's deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<HookSpec>,
    /// The task has ended, however; also one that never started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_finish: Option<HookSpec>,
}

impl HooksSpec {
    /// What is called at a moment.
    ///
    /// ```
    /// use ktk_client::api::hook::{HooksSpec, Moment};
    /// assert_eq!(HooksSpec::default().at(Moment::Finish), None);
    /// ```
    pub fn at(&self, moment: Moment) -> Option<&HookSpec> {
        match moment {
            Moment::Start => self.on_start.as_ref(),
            Moment::Keepalive => self.on_keepalive.as_ref(),
            Moment::Timeout => self.on_timeout.as_ref(),
            Moment::Finish => self.on_finish.as_ref(),
        }
    }
}

/// What is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HookSpec {
    /// A program and its arguments. Its standard input is the [`Notice`] as JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Instead of a program: where the [`Notice`] is sent to as JSON, by POST. Any status from 200 to 299 is a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Header fields of that request, besides `Ktk-Hook` (the moment) and `Ktk-Hook-Id` (the delivery).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: StringMap,
}

/// When a hook is called; of one attempt in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// `onStart`.
    Start,
    /// `onKeepalive`.
    Keepalive,
    /// `onTimeout`.
    Timeout,
    /// `onFinish`.
    Finish,
}

impl Moment {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Start, Self::Keepalive, Self::Timeout, Self::Finish];

    /// The field of [`HooksSpec`].
    ///
    /// ```
    /// # use ktk_client::api::hook::Moment;
    /// assert!(Moment::ALL.iter().all(|moment| !moment.as_str().is_empty()));
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "onStart",
            Self::Keepalive => "onKeepalive",
            Self::Timeout => "onTimeout",
            Self::Finish => "onFinish",
        }
    }
}

/// What a hook is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The delivery: the same when it is made again, because the server died in between.
    pub id: Uuid,
    /// `onStart` and so on.
    pub hook: String,
    /// When it happened.
    pub at: Timestamp,
    /// The task, or the pipeline.
    pub task: Uuid,
    /// Whether it is a pipeline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pipeline: bool,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its incarnation.
    pub incarnation: u32,
    /// What all began with.
    pub execution: Uuid,
    /// The attempt; 0 where there was none.
    pub attempt: u32,
    /// The task's phase then.
    pub phase: Phase,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The exit code of the newest attempt that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}
