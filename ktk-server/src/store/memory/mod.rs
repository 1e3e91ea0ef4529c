//! The store for simulations and tests: the same contract as the other stores, in ordered maps
//! behind one mutex, deterministic, gone with its last handle.

mod changes;
mod journal;
mod loads;
mod state;
#[cfg(test)]
mod tests;
mod tx;
mod wholes;

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use self::{journal::Journal, state::State, tx::MemoryTx};
use super::{Operation, Store, StoreError, StoreInfo, drive::drive};

/// How many versions a start sets aside: the next start begins behind them.
const VERSION_BLOCK: u64 = 1_000_000;

/// A store in memory. Clones are handles of the same store.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    info: StoreInfo,
}

impl MemoryStore {
    /// An empty store of this identity, in its first epoch.
    pub fn new(id: Uuid) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        Self { state, info: StoreInfo { kind: "memory", id, epoch: 0 } }.restarted()
    }

    /// The same data after a restart: the next epoch, a new block of versions. Older handles
    /// answer `Unavailable` from now on, as if their server had gone.
    pub fn restarted(&self) -> Self {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = &mut state.counters;
        if counters.epoch > 0 {
            counters.version = counters.version.next_multiple_of(VERSION_BLOCK).max(VERSION_BLOCK);
        }
        counters.epoch += 1;
        counters.fence = 0;
        let info = StoreInfo { epoch: counters.epoch, ..self.info.clone() };
        Self { state: self.state.clone(), info }
    }

    fn run<O: Operation>(&self, operation: &O, read_only: bool) -> Result<O::Output, O::Error> {
        // An operation that panics is rolled back by its journal: the state is whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.counters.epoch != self.info.epoch {
            return Err(StoreError::Unavailable("the store is closed".into()).into());
        }
        let mut tx = MemoryTx::new(Journal::new(&mut state), read_only);
        let outcome = drive(operation, &mut tx);
        let outcome = tx.trouble.judge(outcome);
        if outcome.is_err() {
            tx.journal.roll_back();
        }
        outcome
    }
}

impl Store for MemoryStore {
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.run(&operation, false)
    }

    async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.run(&operation, true)
    }

    fn info(&self) -> StoreInfo {
        self.info.clone()
    }
}
