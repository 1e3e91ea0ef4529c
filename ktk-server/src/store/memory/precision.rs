//! Rows with their times as the other stores keep them.

use jiff::Timestamp;

use crate::{
    model::{
        entity::EntityRow,
        row::{AttemptRow, EventRow, NodeRow, PipelineRow, RequestRow, TaskRow, TombstoneRow},
    },
    store::precision::micros,
};

/// A time as other stores give it back.
pub(super) fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(micros(at)).expect("these microseconds are a time")
}

/// A row as a store keeps it.
pub(super) trait Kept: Clone {
    fn times(&mut self) -> Vec<&mut Timestamp>;

    fn kept(&self) -> Self {
        let mut row = self.clone();
        for time in row.times() {
            *time = kept(*time);
        }
        row
    }
}

impl Kept for TaskRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        let mut times = vec![&mut self.created_at, &mut self.updated_at];
        times.extend(self.ready_at.as_mut());
        times.extend(self.started_at.as_mut());
        times.extend(self.finished_at.as_mut());
        times.extend(self.due_at.as_mut());
        times.extend(self.deleted_at.as_mut());
        times
    }
}

impl Kept for PipelineRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        let mut times = vec![&mut self.created_at, &mut self.updated_at];
        times.extend(self.started_at.as_mut());
        times.extend(self.finished_at.as_mut());
        times.extend(self.deleted_at.as_mut());
        times
    }
}

impl Kept for EntityRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.created_at, &mut self.updated_at]
    }
}

impl Kept for AttemptRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.started_at, &mut self.finished_at]
    }
}

impl Kept for EventRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.at]
    }
}

impl Kept for NodeRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.registered_at, &mut self.heartbeat_at]
    }
}

impl Kept for RequestRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.at]
    }
}

impl Kept for TombstoneRow {
    fn times(&mut self) -> Vec<&mut Timestamp> {
        vec![&mut self.at]
    }
}
