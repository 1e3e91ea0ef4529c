//! Which fields selectors know, of each kind: what a server can choose by, and what completion offers.
//!
//! ```
//! use ktk_client::api::selector::{FieldSelector, TASK_FIELDS};
//! assert!(FieldSelector::parse("status.exitCode>1", TASK_FIELDS).is_ok());
//! ```

/// Fields of a task that field selectors know.
pub const TASK_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.id",
    "metadata.executionId",
    "metadata.spawnedBy",
    "metadata.pipeline",
    "metadata.pipeline.id",
    "metadata.pipeline.step",
    "metadata.restart.contextId",
    "metadata.restart.incarnation",
    "metadata.createdAt",
    "metadata.source",
    "status.phase",
    "status.reason",
    "status.message",
    "status.node",
    "status.exitCode",
    "status.attempt",
    "status.readyAt",
    "status.startedAt",
    "status.finishedAt",
    "spec.queue",
    "spec.priority",
    "spec.type",
];

/// Fields of a pipeline that field selectors know.
pub const PIPELINE_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.id",
    "metadata.restart.contextId",
    "metadata.restart.incarnation",
    "metadata.createdAt",
    "metadata.source",
    "status.phase",
    "status.reason",
    "status.message",
    "status.startedAt",
    "status.finishedAt",
];

/// Fields of any other object that field selectors know.
pub const ENTITY_FIELDS: &[&str] = &["metadata.name", "metadata.id", "metadata.createdAt", "metadata.source"];
