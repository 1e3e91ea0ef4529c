//! A task or a pipeline: what following and waiting have in common.

use serde_json::Value;
use uuid::Uuid;

use super::{Error, Result};
use crate::api::{Metadata, ObjectRef, Phase, Pipeline, Reason, Task};

/// A task or a pipeline.
///
/// ```
/// use ktk_client::{api::{Task, task::TaskSpec}, client::object::Object};
/// let object = Object::Task(Box::new(Task::new("hello", TaskSpec::external())));
/// assert_eq!((object.kind(), object.metadata().name()), ("Task", "hello"));
/// ```
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
    /// ```
    /// use ktk_client::client::object::Object;
    /// use serde_json::json;
    /// let manifest = |kind: &str| json!({
    ///     "apiVersion": "ktk/v1", "kind": kind, "metadata": {"name": "hello"}, "spec": {"external": {}},
    /// });
    /// assert_eq!(Object::read(manifest("Task")).unwrap().unwrap().kind(), "Task");
    /// assert!(Object::read(manifest("Queue")).unwrap().is_none());
    /// ```
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
    ///
    /// ```
    /// # use ktk_client::{api::{Pipeline, pipeline::PipelineSpec}, client::object::Object};
    /// let object = Object::Pipeline(Box::new(Pipeline::new("nightly", PipelineSpec::default())));
    /// assert_eq!(object.kind(), "Pipeline");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Pipeline(_) => "Pipeline",
        }
    }

    /// Its metadata.
    ///
    /// ```
    /// # use ktk_client::{api::{Task, task::TaskSpec}, client::object::Object};
    /// let object = Object::Task(Box::new(Task::new("hello", TaskSpec::external())));
    /// assert_eq!(object.metadata().name(), "hello");
    /// ```
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Task(task) => &task.metadata,
            Self::Pipeline(pipeline) => &pipeline.metadata,
        }
    }

    /// Its id.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use ktk_client::client::follow::{Change, Target};
    /// let mut changes = client.follow([Target::Task(client.tasks().reference("hello"))]);
    /// while let Some(Change::Set { object, .. }) = changes.try_next().await? {
    ///     println!("{} of {}", object.id(), object.context_id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(&self) -> Uuid {
        self.metadata().id.unwrap_or_default()
    }

    /// Its restart context: the id that all its incarnations share.
    ///
    /// ```
    /// use ktk_client::client::object::Object;
    /// /// Whether one is a restart of the other, however far away.
    /// fn are_incarnations_of_one(a: &Object, b: &Object) -> bool {
    ///     a.context_id() == b.context_id()
    /// }
    /// ```
    pub fn context_id(&self) -> Uuid {
        self.metadata().restart.as_ref().map_or_else(|| self.id(), |restart| restart.context_id)
    }

    /// Its phase, once the server has given it one.
    ///
    /// ```
    /// # use ktk_client::{api::{Task, task::TaskSpec}, client::object::Object};
    /// let unsent = Object::Task(Box::new(Task::new("hello", TaskSpec::external())));
    /// assert_eq!(unsent.phase(), None);
    /// ```
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Task(task) => task.status.as_ref().map(|status| status.phase),
            Self::Pipeline(pipeline) => pipeline.status.as_ref().map(|status| status.phase),
        }
    }

    /// Why it is in its phase.
    ///
    /// ```
    /// use ktk_client::{api::Reason, client::object::Object};
    /// fn ran_out_of_time(object: &Object) -> bool {
    ///     matches!(object.reason(), Some(Reason::Timeout | Reason::DeadlineExceeded))
    /// }
    /// ```
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Task(task) => task.status.as_ref().and_then(|status| status.reason),
            Self::Pipeline(pipeline) => pipeline.status.as_ref().and_then(|status| status.reason),
        }
    }

    /// As the server writes it.
    ///
    /// ```
    /// # use ktk_client::{api::{Task, task::TaskSpec}, client::object::Object};
    /// let object = Object::Task(Box::new(Task::new("hello", TaskSpec::external())));
    /// assert_eq!(object.to_value()["metadata"]["name"], "hello");
    /// ```
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
