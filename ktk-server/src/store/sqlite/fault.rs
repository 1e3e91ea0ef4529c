//! What an error of SQLite means for the operation, its group and the store.

use rusqlite::{ErrorCode, ffi};
use uuid::Uuid;

use crate::store::StoreError;

/// What can go wrong inside a transaction.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("there is no {0} {1} to change")]
    Absent(&'static str, Uuid),
    #[error("version {0} is another task's")]
    DoubleVersion(u64),
    #[error("an operation that only reads wrote")]
    ReadOnly,
    #[error("versions can only be reserved by a synced write")]
    NeedsSync,
    #[error("this file system cannot keep a write-ahead log (journal mode {0}): use another --data-dir")]
    NoLog(String),
}

/// Shorthand for what statements return.
pub(super) type Outcome<T> = Result<T, Fault>;

/// How far a fault reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The operation fails; what else its group did holds.
    Operation,
    /// The group has to be run again, synced.
    Unsynced,
    /// A failed sync: what is on the disk is unknown, and asking again would lie.
    Store,
}

impl Fault {
    /// How far it reaches.
    pub(super) fn reach(&self) -> Reach {
        match self {
            Self::NeedsSync => Reach::Unsynced,
            Self::Sqlite(error) if is_failed_sync(error) => Reach::Store,
            _ => Reach::Operation,
        }
    }

    /// What the caller is told.
    pub(super) fn store_error(&self) -> StoreError {
        match self {
            Self::Sqlite(error) => sqlite_error(error),
            Self::DoubleVersion(_) => StoreError::Duplicate(self.to_string()),
            _ => StoreError::Failed(self.to_string()),
        }
    }
}

fn is_failed_sync(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}

fn sqlite_error(error: &rusqlite::Error) -> StoreError {
    let Some(cause) = error.sqlite_error() else { return StoreError::Failed(error.to_string()) };
    match (cause.code, cause.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            StoreError::Duplicate(error.to_string())
        }
        (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => {
            StoreError::Failed(format!("the disk did not take what was written: {error}"))
        }
        (_, ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS) => {
            StoreError::Failed(error.to_string())
        }
        (ErrorCode::DiskFull, _) => StoreError::Unavailable(format!("disk full: {error}")),
        (
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure
            | ErrorCode::PermissionDenied,
            _,
        ) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}
