//! The sqlite store does what every store must, and what only a file can.

mod acknowledged;
mod broken;
mod by_hand;
mod closing;
mod disk;
mod fixture;
mod full;
mod groups;
mod kill;
mod law;
mod numbers;
mod opening;
mod recent;
mod standing;

use std::path::Path;

use tempfile::TempDir;

use super::{SqliteOptions, SqliteStore};

/// The store of a directory.
fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, &SqliteOptions::default()).unwrap()
}

/// An empty store and its directory.
fn empty() -> (SqliteStore, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (open(dir.path()), dir)
}

/// A connection of our own to a store's file.
fn raw(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("ktk.db")).unwrap()
}

crate::conformance!(super::empty());
