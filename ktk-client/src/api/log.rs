//! `GET /logs`: an attempt's output, as Server-Sent Events.
//!
//! The query has [`LogParams`]' fields. Each SSE event has `id:` the position after it
//! (opaque; `Last-Event-ID` resumes) and `data:` a [`LogEvent`] as JSON.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use futures_util::TryStreamExt;
//! use ktk_client::api::log::{LogEvent, LogParams};
//! let mut log = client.logs(LogParams { name: "build-web".into(), tail: Some(10), ..LogParams::default() });
//! while let Some(event) = log.try_next().await? {
//!     if let LogEvent::End { .. } = event {
//!         println!("that was all");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose log, and which part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogParams {
    /// The task's namespace; `default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The task: any reference.
    pub name: String,
    /// Attempt number; the newest when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Goes on while the task is not terminal, over its further attempts.
    pub follow: bool,
    /// Only the last this many lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail: Option<u64>,
    /// Only what was written at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Where a process wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum LogEvent {
    /// Bytes as written: not a line, whatever was read at once.
    Chunk {
        /// Attempt number.
        attempt: u32,
        /// When they were read.
        time: Timestamp,
        /// Where they were written.
        stream: Stream,
        /// The bytes, where they are UTF-8.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The bytes in base64, where they are not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    },
    /// Bytes are missing here: the log is capped.
    Dropped {
        /// Attempt number.
        attempt: u32,
        /// How many bytes.
        bytes: u64,
    },
    /// The attempt's log is complete.
    AttemptEnded {
        /// Attempt number.
        attempt: u32,
    },
    /// Nothing follows: the task is terminal, or `follow` was not asked for.
    End,
    /// The server is being stopped; the stream ends.
    Stopping,
}
