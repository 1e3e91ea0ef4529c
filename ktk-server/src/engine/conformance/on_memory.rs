//! The engine on the memory store.

use uuid::Uuid;

use super::engine_conformance;
use crate::store::memory::MemoryStore;

fn make() -> ((), MemoryStore) {
    ((), MemoryStore::new(Uuid::from_u128(7)))
}

engine_conformance!(make);
