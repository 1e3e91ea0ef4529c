//! The write-ahead log: how long it is, and copying it back into the file. SQLite would do this
//! by itself, but says nothing when the sync of the copy fails.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use rusqlite::{Connection, config::DbConfig};

use super::fault::Outcome;

/// Copied back when it is this long, in pages of 4 KiB.
const PAGES: i32 = 4_000;

/// From here on readers are waited for, so that the log begins anew and stops growing.
const LONG: i32 = 16_000;

/// The log of the writing connection.
#[derive(Debug)]
pub(super) struct Log {
    pages: Arc<AtomicI32>,
}

impl Log {
    /// Counts the pages of a connection's log.
    pub(super) fn watch(connection: &mut Connection) -> Outcome<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let counted = pages.clone();
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            counted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages })
    }

    /// Copies the log back if it has become long.
    pub(super) fn trim(&self, connection: &Connection) -> Outcome<()> {
        match self.pages.load(Ordering::Relaxed) {
            ..PAGES => Ok(()),
            PAGES..LONG => copy_back(connection, "PRAGMA wal_checkpoint(PASSIVE)"),
            LONG.. => copy_back(connection, "PRAGMA wal_checkpoint(RESTART)"),
        }
        .inspect(|()| self.pages.store(0, Ordering::Relaxed))
    }
}

/// Copies the whole log back: nobody reads any more. Closing the connection then removes it.
pub(super) fn finish(connection: &Connection) -> Outcome<()> {
    copy_back(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

fn copy_back(connection: &Connection, sql: &str) -> Outcome<()> {
    let busy: bool = connection.query_row(sql, [], |row| row.get(0))?;
    if busy {
        tracing::debug!("readers keep the log from being copied back whole");
    }
    Ok(())
}
