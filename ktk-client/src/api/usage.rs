//! What running attempts take of the machine that they run on.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! for task in client.tasks().usage(Default::default()).await?.items {
//!     match task.usage {
//!         Some(usage) => println!("{}: {} bytes", task.metadata.name(), usage.memory_bytes),
//!         None => println!("{}: nobody here knows", task.metadata.name()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{List, ListParams, Metadata, Method};

/// `task.usage`: what the running attempts of a page of tasks take. It is measured over half a second, and so long the
/// answer takes.
#[derive(Clone, Debug, JsonSchema)]
pub struct Usage;

impl Method for Usage {
    const NAME: &'static str = "task.usage";
    type Params = ListParams;
    type Output = List<TaskUsage>;
}

/// A running task, and what its attempt takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskUsage {
    /// Its identity.
    pub metadata: Metadata,
    /// The queue that it came from.
    pub queue: String,
    /// The node that runs it, as `local.g3`; none of an external task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The attempt that runs.
    pub attempt: u32,
    /// Since when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What was measured; absent where this server cannot know: on another node, without a process, or ended meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Measured>,
}

/// What the processes of an attempt take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// How many they are.
    pub processes: u32,
    /// Thousandths of a processor.
    pub cpu_millis: u64,
    /// Memory, what is shared with others divided among all that share it.
    pub memory_bytes: u64,
}
