//! The sqlite store does what every store must, and what only a file can.

mod law;

use tempfile::TempDir;

use super::{SqliteOptions, SqliteStore};

/// An empty store and its directory.
fn empty() -> (SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), &SqliteOptions::default()).unwrap();
    (store, dir)
}

crate::conformance!(super::empty());
