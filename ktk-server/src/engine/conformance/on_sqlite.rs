//! The engine on the sqlite store.

use tempfile::TempDir;

use super::engine_conformance;
use crate::store::sqlite::{SqliteOptions, SqliteStore};

fn make() -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    (dir, store)
}

engine_conformance!(make);
