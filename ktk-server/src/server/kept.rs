//! The store that a server was told to use, as one type: the server is compiled once, not once for each store.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;

use super::StoreKind;
use crate::{
    clock::Clock,
    entropy::Entropy,
    logs::{FileLogStore, LogStore, MemoryLogStore},
    store::{
        Operation, Store, StoreInfo,
        memory::MemoryStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};

/// The store that a server was told to use.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Sqlite(SqliteStore),
    Memory(MemoryStore),
}

impl Kept {
    /// The store and the logs that belong to it.
    pub(super) fn open(kind: StoreKind, data_dir: &Path) -> anyhow::Result<(Self, Arc<dyn LogStore>)> {
        match kind {
            StoreKind::Sqlite => {
                let store = SqliteStore::open(data_dir, &SqliteOptions::default())
                    .with_context(|| format!("the store in {} cannot be opened", data_dir.display()))?;
                let logs = FileLogStore::open(&data_dir.join("logs")).context("the logs cannot be opened")?;
                Ok((Self::Sqlite(store), Arc::new(logs)))
            }
            StoreKind::Memory => Ok((Self::in_memory(), Arc::new(MemoryLogStore::default()))),
        }
    }

    /// A store in memory.
    pub(super) fn in_memory() -> Self {
        Self::Memory(MemoryStore::new(Entropy::system().id(Clock::System.now())))
    }

    /// Resolves once nothing more may be acknowledged, with the reason.
    pub(super) async fn failed(&self) -> String {
        match self {
            Self::Sqlite(store) => store.failed().await,
            Self::Memory(_) => std::future::pending().await,
        }
    }

    /// Finishes what waits.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Memory(_) => {}
        }
    }
}

impl Store for Kept {
    async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        match self {
            Self::Sqlite(store) => store.write(operation).await,
            Self::Memory(store) => store.write(operation).await,
        }
    }

    async fn stand<O: Operation>(
        &self,
        operation: O,
        otherwise: impl Future<Output = ()> + Send,
    ) -> Option<Result<O::Output, O::Error>> {
        match self {
            Self::Sqlite(store) => store.stand(operation, otherwise).await,
            Self::Memory(store) => store.stand(operation, otherwise).await,
        }
    }

    async fn read<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        match self {
            Self::Sqlite(store) => store.read(operation).await,
            Self::Memory(store) => store.read(operation).await,
        }
    }

    fn info(&self) -> StoreInfo {
        match self {
            Self::Sqlite(store) => store.info(),
            Self::Memory(store) => store.info(),
        }
    }
}
