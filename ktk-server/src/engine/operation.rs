//! What every operation is given, and what it answers.

use std::sync::Arc;

use jiff::Timestamp;
use ktk_client::api::{ApiError, ErrorReason};
use uuid::Uuid;

use super::{
    error::EngineResult,
    shared::Shared,
    unit::{Effects, Unit},
};
use crate::{model::row::TaskRow, store::Tx};

/// On whose behalf something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// As objects show it: `uid:1000`, `task/build`.
    pub name: String,
    /// What an attempt that speaks with its own token may reach; everything for everybody else.
    pub scope: Option<Scope>,
}

impl<N: Into<String>> From<N> for By {
    fn from(name: N) -> Self {
        Self { name: name.into(), scope: None }
    }
}

/// What an attempt may reach by its own token: its task, and what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub task: Uuid,
    pub attempt: u32,
    pub execution: Uuid,
    pub namespace: String,
}

impl Scope {
    /// Whether it may see a task.
    pub fn sees(&self, row: &TaskRow) -> bool {
        row.id == self.task || row.rare.spawned_by == Some(self.task)
    }
}

/// What every operation is given.
#[derive(Clone, Debug)]
pub struct Ask {
    pub shared: Arc<Shared>,
    pub now: Timestamp,
    /// Who asks: `uid:1000`, a node, the server.
    pub by: String,
    /// What the asker may reach; everything where it is absent.
    pub scope: Option<Scope>,
}

impl Ask {
    /// Whether the asker may see a task.
    pub fn sees(&self, row: &TaskRow) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.sees(row))
    }

    /// Refuses what the asker may not see.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn check_sees(&self, row: &TaskRow) -> EngineResult<()> {
        if self.sees(row) {
            return Ok(());
        }
        let words = format!(
            "an attempt sees its own task and those that it made, and task {:?} is neither",
            row.name
        );
        Err(ApiError::new(ErrorReason::Forbidden, words).into())
    }

    /// The working set of one run of an operation.
    pub fn unit<'u, T: Tx>(&'u self, tx: &'u mut T) -> Unit<'u, T> {
        Unit::new(tx, &self.shared, self.now, &self.by)
    }
}

/// What every operation answers.
#[derive(Clone, Debug)]
pub struct Done<A> {
    pub answer: A,
    /// What has to be told after the commit.
    pub effects: Effects,
}

impl<A> Done<A> {
    /// An answer without effects: a read, or a refusal to do anything twice.
    pub fn quiet(answer: A) -> Self {
        Self { answer, effects: Effects::default() }
    }
}
