//! A task or a pipeline: what following and waiting have in common.

use serde_json::Value;
use uuid::Uuid;

use super::{Error, Result};
use crate::api::{Metadata, ObjectRef, Phase, Pipeline, Reason, Task};

/// A task or a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// A task.
    Task(Box<Task>),
    /// A pipeline.
    Pipeline(Box<Pipeline>),
}

impl Object {
    /// Reads an object by its `kind`; nothing where it is of another.
    ///
    /// # Errors
    /// [`Error::Protocol`] where it is not as its kind is.
    pub fn read(object: Value) -> Result<Option<Self>> {
        let wrong = |error: serde_json::Error| Error::Protocol(format!("an object of a watch: {error}"));
        match object["kind"].as_str() {
            Some("Task") => Ok(Some(Self::Task(serde_json::from_value(object).map_err(wrong)?))),
            Some("Pipeline") => Ok(Some(Self::Pipeline(serde_json::from_value(object).map_err(wrong)?))),
            _ => Ok(None),
        }
    }

    /// `Task` or `Pipeline`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pipeline(_) => "Pipeline",
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Task(task) => &task.metadata,
            Self::Pipeline(pipeline) => &pipeline.metadata,
        }
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.metadata().id.unwrap_or_default()
    }

    /// Its restart context: the id that all its incarnations share.
    pub fn context_id(&self) -> Uuid {
        self.metadata().restart.as_ref().map_or_else(|| self.id(), |restart| restart.context_id)
    }

    /// Its phase, once the server has given it one.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Task(task) => task.status.as_ref().map(|status| status.phase),
            Self::Pipeline(pipeline) => pipeline.status.as_ref().map(|status| status.phase),
        }
    }

    /// Why it is in its phase.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Task(task) => task.status.as_ref().and_then(|status| status.reason),
            Self::Pipeline(pipeline) => pipeline.status.as_ref().and_then(|status| status.reason),
        }
    }

    /// As the server writes it.
    pub fn to_value(&self) -> Value {
        let value = match self {
            Self::Task(task) => serde_json::to_value(task),
            Self::Pipeline(pipeline) => serde_json::to_value(pipeline),
        };
        value.expect("an object that was read can be written")
    }

    /// Whether a reference names it: by exact name, `NAME@N`, human name, id, or a prefix of the
    /// digest.
    pub(super) fn is_named(&self, reference: &ObjectRef) -> bool {
        let metadata = self.metadata();
        let name = &*reference.name;
        metadata.namespace() == reference.namespace
            && (metadata.name() == name
                || format!("{}@{}", metadata.name(), metadata.incarnation()) == name
                || metadata.human_name.as_deref() == Some(name)
                || metadata.id.is_some_and(|id| id.to_string() == name)
                || name.len() >= crate::api::id::MIN_PREFIX_DIGITS
                    && metadata.digest.as_deref().is_some_and(|digest| digest.starts_with(name)))
    }

    /// Whether a reference names it by a name that its incarnations share.
    pub(super) fn is_named_as_newest(&self, reference: &ObjectRef) -> bool {
        self.metadata().name() == reference.name
    }
}
