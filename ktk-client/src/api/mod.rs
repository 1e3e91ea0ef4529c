//! The contract: every type that crosses the wire and every method's parameters and result.
//!
//! Types and names only: no async, no I/O. What is true on both sides of the wire (names,
//! selectors, DAG checks, templates) is checked by the functions here, so that the client can
//! point at a line and the server can refuse the same thing.

pub mod age;
pub mod apply;
pub mod attempt;
pub mod auth;
pub mod change;
pub mod check;
pub mod dag;
pub mod discover;
pub mod duration;
pub mod entity;
pub mod env_value;
pub mod error;
pub mod event;
pub mod field;
pub mod hook;
pub mod http;
pub mod id;
pub mod jq;
pub mod list;
pub mod log;
pub mod meta;
pub mod names;
pub mod node;
pub mod patch;
pub mod phase;
pub mod pipeline;
pub mod queue;
pub mod restart;
pub mod rpc;
pub mod secret;
pub mod selector;
pub mod semaphore;
pub mod server;
pub mod shell;
pub mod suggest;
pub mod table;
pub mod task;
pub mod task_type;
pub mod template;
pub mod token;
pub mod unique;
pub mod usage;
pub mod watch;
pub mod why;
pub mod worker;

pub use duration::Duration;
pub use entity::Entity;
pub use error::{ApiError, Cause, ErrorReason};
pub use event::Event;
pub use id::TaskId;
pub use list::{List, ListParams, ObjectRef};
pub use meta::{Metadata, PipelineRef, RestartMeta};
pub use node::Node;
pub use phase::{Phase, Reason};
pub use pipeline::Pipeline;
pub use queue::Queue;
pub use rpc::Method;
pub use secret::Secret;
pub use semaphore::Semaphore;
pub use task::Task;
pub use task_type::TaskType;
pub use token::Token;

/// The `apiVersion` of every object.
pub const API_VERSION: &str = "ktk/v1";

/// The namespace that is meant when none is named.
pub const DEFAULT_NAMESPACE: &str = "default";

/// The queue that always exists.
pub const DEFAULT_QUEUE: &str = "default";
