//! The latest changes of tasks, in memory: who watches reads them from here. An index over versions would be written
//! five times in a task's life; this costs the file nothing, and is empty after a start. What is older is found by a
//! walk over all tasks.
//!
//! An entry may be stale (the task has changed again, or is gone), and may be ahead of a reader's snapshot: readers
//! compare it with the row that they find.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// The most changes that are remembered.
const CHANGES: usize = 65_536;

/// What has been committed, shared by the writer and all readers.
#[derive(Clone, Debug)]
pub(super) struct Recent(Arc<Mutex<Ring>>);

#[derive(Debug)]
struct Ring {
    /// All changes with a higher version are here.
    from: u64,
    /// The highest version that a task has had.
    newest: u64,
    /// Tasks by version.
    tasks: BTreeMap<u64, Uuid>,
}

/// What a transaction has written, in its order.
#[derive(Debug, Default)]
pub(super) struct Written {
    order: Vec<(u64, Uuid)>,
    /// The same by version: a restart of thousands gives its later rows the lower ones.
    by_version: HashMap<u64, Uuid>,
}

impl Written {
    pub(super) fn push(&mut self, version: u64, id: Uuid) {
        self.order.push((version, id));
        self.by_version.insert(version, id);
    }

    pub(super) fn with_version(&self, version: u64) -> Option<Uuid> {
        self.by_version.get(&version).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(u64, Uuid)> {
        self.order.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Takes back what was written after so much.
    pub(super) fn truncate(&mut self, length: usize) {
        if length < self.order.len() {
            self.order.truncate(length);
            self.by_version = self.order.iter().copied().collect();
        }
    }

    fn take(&mut self) -> Vec<(u64, Uuid)> {
        self.by_version.clear();
        std::mem::take(&mut self.order)
    }
}

/// What a reader can learn here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The next changes, in the order of their versions.
    Changes(Vec<(u64, Uuid)>),
    /// Some are too old to be here.
    TooOld,
}

impl Recent {
    /// Of a store whose tasks have had versions up to this one.
    pub(super) fn new(newest: u64) -> Self {
        Self(Arc::new(Mutex::new(Ring { from: newest, newest, tasks: BTreeMap::new() })))
    }

    /// The highest version of a task that is here.
    pub(super) fn newest(&self) -> u64 {
        self.ring().newest
    }

    /// Up to `limit` changes after a version.
    pub(super) fn after(&self, version: u64, limit: usize) -> Page {
        let ring = self.ring();
        if version < ring.from {
            return Page::TooOld;
        }
        let later = ring.tasks.range((Bound::Excluded(version), Bound::Unbounded));
        Page::Changes(later.take(limit).map(|(version, id)| (*version, *id)).collect())
    }

    /// The task that had this version last, if it is here.
    pub(super) fn with_version(&self, version: u64) -> Option<Uuid> {
        self.ring().tasks.get(&version).copied()
    }

    /// Takes in what a transaction wrote, once it is committed.
    pub(super) fn publish(&self, written: &mut Written) {
        if written.is_empty() {
            return;
        }
        let mut ring = self.ring();
        for (version, id) in written.take() {
            ring.newest = ring.newest.max(version);
            ring.tasks.insert(version, id);
            if ring.tasks.len() > CHANGES
                && let Some((oldest, _)) = ring.tasks.pop_first()
            {
                ring.from = ring.from.max(oldest);
            }
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> Uuid {
        Uuid::from_u64_pair(0, number)
    }

    #[test]
    fn what_is_pushed_out_is_too_old() {
        let recent = Recent::new(10);
        assert_eq!(recent.after(9, 5), Page::TooOld);
        assert_eq!(recent.after(10, 5), Page::Changes(vec![]));
        let count = CHANGES as u64 + 3;
        let mut written = Written::default();
        (1..=count).for_each(|number| written.push(10 + number, id(number)));
        recent.publish(&mut written);
        assert!(written.is_empty());
        assert_eq!(recent.newest(), 10 + count);
        assert_eq!(recent.after(12, 1), Page::TooOld);
        assert_eq!(recent.after(13, 2), Page::Changes(vec![(14, id(4)), (15, id(5))]));
        assert_eq!(recent.after(10 + count, 2), Page::Changes(vec![]));
    }

    #[test]
    fn what_is_taken_back_was_not_written() {
        let mut written = Written::default();
        written.push(5, id(1));
        let mark = written.len();
        written.push(5, id(2));
        assert_eq!(written.with_version(5), Some(id(2)));
        written.truncate(mark);
        assert_eq!((written.with_version(5), written.len()), (Some(id(1)), 1));
    }
}
