//! An object of any kind: what `get` and `describe` do alike for all of them.

use ktk_client::api::{Event, Metadata, Node, Phase, Pipeline, Queue, Semaphore, Task, TaskType, Token};
use serde_json::Value;

use super::{Column, Moment, event, node, pipeline, queue, semaphore, task, task_type, token};
use crate::{kinds::Kind, ui::Cell};

/// An object of any kind.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    /// A task.
    Task(Box<Task>),
    /// A pipeline.
    Pipeline(Box<Pipeline>),
    /// A queue.
    Queue(Box<Queue>),
    /// A semaphore.
    Semaphore(Box<Semaphore>),
    /// A version of a task type.
    TaskType(Box<TaskType>),
    /// A token.
    Token(Box<Token>),
    /// A node.
    Node(Box<Node>),
    /// An event.
    Event(Box<Event>),
}

/// The columns of a kind.
pub(crate) fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Task => task::COLUMNS,
        Kind::Pipeline => pipeline::COLUMNS,
        Kind::Queue => queue::COLUMNS,
        Kind::Semaphore => semaphore::COLUMNS,
        Kind::TaskType => task_type::COLUMNS,
        Kind::Token => token::COLUMNS,
        Kind::Node => node::COLUMNS,
        Kind::Event => event::COLUMNS,
    }
}

impl Object {
    /// Reads an object of a kind, as a watch delivers it.
    pub(crate) fn from_value(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Task => Self::Task(serde_json::from_value(value)?),
            Kind::Pipeline => Self::Pipeline(serde_json::from_value(value)?),
            Kind::Queue => Self::Queue(serde_json::from_value(value)?),
            Kind::Semaphore => Self::Semaphore(serde_json::from_value(value)?),
            Kind::TaskType => Self::TaskType(serde_json::from_value(value)?),
            Kind::Token => Self::Token(serde_json::from_value(value)?),
            Kind::Node => Self::Node(serde_json::from_value(value)?),
            Kind::Event => Self::Event(serde_json::from_value(value)?),
        })
    }

    /// As the wire has it.
    pub(crate) fn to_value(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Task(task) => serde_json::to_value(task),
            Self::Pipeline(pipeline) => serde_json::to_value(pipeline),
            Self::Queue(queue) => serde_json::to_value(queue),
            Self::Semaphore(semaphore) => serde_json::to_value(semaphore),
            Self::TaskType(task_type) => serde_json::to_value(task_type),
            Self::Token(token) => serde_json::to_value(token),
            Self::Node(node) => serde_json::to_value(node),
            Self::Event(event) => serde_json::to_value(event),
        }
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Task(_) => Kind::Task,
            Self::Pipeline(_) => Kind::Pipeline,
            Self::Queue(_) => Kind::Queue,
            Self::Semaphore(_) => Kind::Semaphore,
            Self::TaskType(_) => Kind::TaskType,
            Self::Token(_) => Kind::Token,
            Self::Node(_) => Kind::Node,
            Self::Event(_) => Kind::Event,
        }
    }

    /// What it is doing, where it does something.
    pub(crate) fn phase(&self) -> Option<Phase> {
        match self {
            Self::Task(task) => task.status.as_ref().map(|status| status.phase),
            Self::Pipeline(pipeline) => pipeline.status.as_ref().map(|status| status.phase),
            _ => None,
        }
    }

    /// Its metadata.
    pub(crate) fn metadata(&self) -> &Metadata {
        match self {
            Self::Task(task) => &task.metadata,
            Self::Pipeline(pipeline) => &pipeline.metadata,
            Self::Queue(queue) => &queue.metadata,
            Self::Semaphore(semaphore) => &semaphore.metadata,
            Self::TaskType(task_type) => &task_type.metadata,
            Self::Token(token) => &token.metadata,
            Self::Node(node) => &node.metadata,
            Self::Event(event) => &event.metadata,
        }
    }

    /// Its name as other commands take it: `test-web`, or `test-web@2` where incarnations are
    /// told apart.
    pub(crate) fn name(&self, tells_incarnations: bool) -> String {
        let metadata = self.metadata();
        match tells_incarnations && matches!(self, Self::Task(_) | Self::Pipeline(_)) {
            true => format!("{}@{}", metadata.name(), metadata.incarnation()),
            false => metadata.name().to_owned(),
        }
    }

    /// Its cells, one for each column of its kind; those of wide columns only if asked for.
    pub(crate) fn cells(&self, moment: &Moment, is_wide: bool) -> Vec<Cell> {
        match self {
            Self::Task(task) => task::cells(task, moment.now, is_wide),
            Self::Pipeline(pipeline) => pipeline::cells(pipeline, moment.now, is_wide),
            Self::Queue(queue) => queue::cells(queue, moment.now, is_wide),
            Self::Semaphore(semaphore) => semaphore::cells(semaphore, moment.now, is_wide),
            Self::TaskType(task_type) => task_type::cells(task_type, moment.now, is_wide),
            Self::Token(token) => token::cells(token, moment.now, is_wide),
            Self::Node(node) => node::cells(node, moment.now, is_wide),
            Self::Event(event) => event::cells(event, moment.now, is_wide),
        }
    }
}
