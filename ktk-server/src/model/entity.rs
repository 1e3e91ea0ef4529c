//! Objects without a namespace that are stored as they were given: queues, semaphores. What their kinds mean is not
//! known here.

use jiff::Timestamp;
use uuid::Uuid;

/// An object of such a kind: one row, found by kind and name.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityRow {
    pub id: Uuid,
    /// As in manifests: `Queue`.
    pub kind: String,
    pub name: String,
    /// Labels as a JSON object; absent when there are none.
    pub labels: Option<String>,
    /// JSON text; `engine::entity` knows its form.
    pub body: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The server-wide number of its last change.
    pub version: u64,
}
