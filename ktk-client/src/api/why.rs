//! `task.why` and `pipeline.why`: everything that a pending task waits for, or that a pipeline does, in one answer.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! let answer = client.tasks().why("thumbnails").await?;
//! for wait in answer.waits {
//!     println!("{}: {}", wait.until, wait.message);
//! }
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Method, ObjectRef, Phase, Reason, semaphore::Holder};

/// Why a task does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhyAnswer {
    /// `NAME@N`.
    pub task: String,
    /// Its phase.
    pub phase: Phase,
    /// Its reason, as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Everything that it waits for; nothing where it is neither pending nor a step that runs its items.
    pub waits: Vec<Wait>,
}

/// Why a pipeline does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineWhyAnswer {
    /// `NAME@N`.
    pub pipeline: String,
    /// Its phase.
    pub phase: Phase,
    /// Its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What it waits for as a whole: whoever holds it or its unique key, permits, its queue.
    pub waits: Vec<Wait>,
    /// Its pending steps and items that wait for something else, 20 at most: those that wait for what is upstream and
    /// has not ended stand last. None where all of them wait for its key or its permits.
    pub steps: Vec<WhyAnswer>,
    /// How many there are beyond these.
    pub more_steps: u64,
}

/// One thing that a task or pipeline waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What kind of thing.
    #[serde(rename = "for")]
    pub what: WaitFor,
    /// Which one: `task/x`, `queue/q`, `semaphore/s`, `pipeline/p`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// How it stands, in a sentence.
    pub message: String,
    /// What would let it go on.
    pub until: String,
    /// Who holds the permits that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// Its place in the line for permits, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
}

/// What a task or pipeline can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WaitFor {
    /// A need.
    Upstream,
    /// Somebody who holds it.
    Hold,
    /// Whoever has its unique key, and is to end before it starts.
    Unique,
    /// `runAfter`, or the end of a backoff.
    Time,
    /// Its queue is paused or full.
    Queue,
    /// A node that can run it.
    Node,
    /// Permits of a semaphore.
    Permit,
    /// Its pipeline's `maxParallel`.
    MaxParallel,
    /// Nothing but a free slot.
    Slot,
}

/// `task.why`: everything that a task waits for.
#[derive(Clone, Debug, JsonSchema)]
pub struct Why;

impl Method for Why {
    const NAME: &'static str = "task.why";
    type Params = ObjectRef;
    type Output = WhyAnswer;
}

/// `pipeline.why`: what a pipeline waits for as a whole, and what its pending steps wait for.
#[derive(Clone, Debug, JsonSchema)]
pub struct WhyPipeline;

impl Method for WhyPipeline {
    const NAME: &'static str = "pipeline.why";
    type Params = ObjectRef;
    type Output = PipelineWhyAnswer;
}
