//! The part of an object that waiting looks at. Pure.

use ktk_client::api::{Metadata, Phase, Reason};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::condition::Seen;
use crate::view::object::Object;

/// The part of an object that waiting looks at.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Snapshot {
    /// `Task`, `Pipeline`.
    pub(crate) kind: String,
    /// Identity and place in the tree.
    pub(crate) metadata: Metadata,
    /// What it is doing.
    #[serde(default)]
    pub(crate) status: Option<SnapshotStatus>,
    /// All of it, where a field of it is waited for.
    #[serde(skip)]
    pub(crate) whole: Option<Value>,
}

/// The part of a status that waiting looks at.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct SnapshotStatus {
    /// What it is doing.
    pub(crate) phase: Phase,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<Reason>,
}

impl Snapshot {
    /// What an object shows.
    pub(crate) fn of(object: &Object) -> Self {
        let status = match object {
            Object::Task(task) => task.status.as_ref().map(|status| (status.phase, status.reason)),
            Object::Pipeline(pipeline) => {
                pipeline.status.as_ref().map(|status| (status.phase, status.reason))
            }
            _ => None,
        };
        Self {
            kind: object.kind().manifest().to_owned(),
            metadata: object.metadata().clone(),
            status: status.map(|(phase, reason)| SnapshotStatus { phase, reason }),
            whole: None,
        }
    }

    /// What an object shows, with all of it.
    pub(crate) fn with_whole(object: &Object) -> Self {
        // An object that came from JSON goes back into it.
        Self { whole: object.to_value().ok(), ..Self::of(object) }
    }

    /// What a watch told of an object; `None` for one that this version cannot read.
    pub(crate) fn read(object: Value, needs_whole: bool) -> Option<Self> {
        if !needs_whole {
            return serde_json::from_value(object).ok();
        }
        let snapshot = Self::deserialize(&object).ok()?;
        Some(Self { whole: Some(object), ..snapshot })
    }

    pub(super) fn seen(&self) -> Seen {
        match self.status {
            Some(status) => Seen::Present(status.phase, status.reason),
            None => Seen::Present(Phase::Pending, None),
        }
    }

    pub(super) fn context(&self) -> Option<Uuid> {
        self.metadata.restart.as_ref().map(|restart| restart.context_id).or(self.metadata.id)
    }
}
