//! Slots that are lent: an attempt that waits for its own sub-tasks needs none meanwhile. Who waits is known from the
//! streams that attempts hold open, and nowhere stored.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ktk_client::api::Phase;
use tokio::sync::watch;
use uuid::Uuid;

use super::{error::EngineResult, unit::Unit};
use crate::{model::row::NodeRow, store::Tx};

/// The tasks whose attempts wait for something, with the number of streams that each holds open.
#[derive(Clone, Debug)]
pub struct Lending {
    waiting: Arc<Mutex<BTreeMap<Uuid, usize>>>,
    changes: watch::Sender<u64>,
}

impl Default for Lending {
    fn default() -> Self {
        Self { waiting: Arc::default(), changes: watch::Sender::new(0) }
    }
}

/// An attempt waits for as long as this is kept.
#[derive(Debug)]
pub struct Lent {
    of: Lending,
    task: Uuid,
}

impl Lending {
    /// The attempt of a task begins to wait.
    pub fn begin(&self, task: Uuid) -> Lent {
        self.change(|waiting| *waiting.entry(task).or_default() += 1);
        Lent { of: self.clone(), task }
    }

    /// The tasks whose attempts wait.
    pub fn tasks(&self) -> Vec<Uuid> {
        self.waiting.lock().expect("nobody panics while holding it").keys().copied().collect()
    }

    /// Changes when an attempt begins to wait, or no longer does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<Uuid, usize>)) {
        change(&mut self.waiting.lock().expect("nobody panics while holding it"));
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.of.change(|waiting| {
            if let Some(count) = waiting.get_mut(&self.task) {
                *count -= 1;
                if *count == 0 {
                    waiting.remove(&self.task);
                }
            }
        });
    }
}

impl<T: Tx> Unit<'_, T> {
    /// How many attempts of a node lend their slots: they wait, and a task that they made has not ended.
    pub(super) async fn lent_by(&mut self, node: &NodeRow, waiting: &[Uuid]) -> EngineResult<u32> {
        if waiting.is_empty() {
            return Ok(0);
        }
        // What has ended in this very transaction counts no more.
        self.settle().await?;
        self.flush().await?;
        let mut lent = 0;
        for row in self.tx.tasks(waiting).await? {
            let runs_here = row.phase == Phase::Running && row.node_id == Some(node.id);
            if runs_here && !self.tx.live_children(row.id, 1).await?.is_empty() {
                lent += 1;
            }
        }
        Ok(lent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_lends_while_one_of_its_streams_is_open() {
        let (lending, task) = (Lending::default(), Uuid::from_u128(1));
        let mut changes = lending.changes();
        let (first, second) = (lending.begin(task), lending.begin(task));
        assert_eq!(lending.tasks(), [task]);
        drop(first);
        assert_eq!(lending.tasks(), [task]);
        changes.borrow_and_update();
        drop(second);
        assert!(lending.tasks().is_empty() && changes.has_changed().expect("the sender lives"));
    }
}
