//! What every operation is given, and what it answers.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    shared::Shared,
    unit::{Effects, Unit},
};
use crate::store::Tx;

/// What every operation is given.
#[derive(Clone, Debug)]
pub struct Ask {
    pub shared: Arc<Shared>,
    pub now: Timestamp,
    /// Who asks: `uid:1000`, a node, the server.
    pub by: String,
}

impl Ask {
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
