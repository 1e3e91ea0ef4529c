//! Times as stores keep them: whole microseconds.

use jiff::Timestamp;

use crate::model::{
    entity::EntityRow,
    row::{AttemptRow, EventRow, NodeRow, PipelineRow, RequestRow, TaskRow, TombstoneRow},
};

/// Microseconds since 1970. The first and last second that a [`Timestamp`] knows have no
/// microseconds of their own: what lies in them becomes their beginning.
pub(super) fn micros(at: Timestamp) -> i64 {
    const PER_SECOND: i64 = 1_000_000;
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    at.as_microsecond().clamp(first * PER_SECOND, last * PER_SECOND)
}

/// A time as a store gives it back.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_microseconds_that_are_a_time() {
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let kept = Timestamp::from_microsecond(micros(at)).unwrap();
            assert_eq!(micros(kept), micros(at));
            assert_eq!(kept.as_second(), at.as_second());
        }
    }
}
