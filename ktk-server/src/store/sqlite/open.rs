//! Opening: the file, what is in it, connections and their settings, the start of an epoch.

use std::{
    fs,
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use uuid::Uuid;

use super::{
    disk::Disk,
    fault::{Fault, Outcome},
    log::Log,
    migrate::{look, migrate},
    numbers::{BLOCK, Numbers},
    recent::Recent,
    schema::SCHEMA,
};
use crate::store::{StoreError, StoreResult, lock::StoreLock};

/// The first SQLite whose write-ahead log cannot lose committed changes when it is reset.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Only a foreign program can hold the file: the server's own writer is alone.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Enough for every statement there is.
const STATEMENTS: usize = 128;

/// How large the log may stay once it has been copied back.
const LOG_SIZE_LIMIT: i64 = 64 * 1024 * 1024;

/// What a store may use.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Threads that read at once, each with a connection of its own.
    pub readers: usize,
    /// Page cache of the writer, in KiB.
    pub writer_cache_kib: u32,
    /// Page cache of each reader, in KiB.
    pub reader_cache_kib: u32,
    /// The most pages of 4 KiB that the file may grow to; what is beyond is a full disk.
    pub max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 3, writer_cache_kib: 16_384, reader_cache_kib: 6_144, max_pages: None }
    }
}

/// A store that is open: its writing connection, its identity, its place.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) log: Log,
    pub(super) disk: Disk,
    pub(super) numbers: Numbers,
    pub(super) recent: Recent,
    pub(super) id: Uuid,
    pub(super) path: PathBuf,
}

/// Opens the store of a directory whose lock is held, making it where there is none.
pub(super) fn open(lock: &StoreLock, options: &SqliteOptions) -> StoreResult<Opened> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        let version = rusqlite::version();
        return Err(StoreError::Failed(format!(
            "SQLite {version} is too old: 3.51.3 is the oldest that is safe"
        )));
    }
    // SQLite refuses links anywhere in a path; the directory itself may be reached by one.
    let dir = fs::canonicalize(lock.dir()).map_err(|error| unavailable(lock.dir(), &error))?;
    let path = dir.join("ktk.db");
    inspect(&path)?;
    let mut connection = connect(&path).map_err(|fault| fault.store_error())?;
    let found = look(&connection)?;
    let opened = (|| {
        configure_writer(&connection, options)?;
        let log = Log::watch(&mut connection)?;
        migrate(&mut connection, found)?;
        let (id, numbers) = begin_epoch(&mut connection)?;
        // From here on whoever commits syncs the log. SQLite does so itself where it is copied back.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let newest =
            connection.query_row("SELECT tasks_version FROM meta", [], |row| row.get::<_, i64>(0))?;
        Ok((id, numbers, log, Recent::new(newest.cast_unsigned())))
    })();
    let (id, numbers, log, recent) = opened.map_err(|fault: Fault| fault.store_error())?;
    // SQLite tries this for its log, but does not say when it fails.
    lock.sync_dir().map_err(|error| unavailable(&dir, &error))?;
    let disk = Disk::of(&path).map_err(|error| unavailable(&path, &error))?;
    Ok(Opened { connection, log, disk, numbers, recent, id, path })
}

/// Opens a connection that can only read.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> Outcome<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.reader_cache_kib))?;
    Ok(connection)
}

fn unavailable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

/// Looks at the file itself, before SQLite does; makes it where there is none. A newer schema is
/// refused here already: SQLite would touch the file by opening it.
fn inspect(path: &Path) -> StoreResult<()> {
    let mut header = [0; 64];
    let length = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(_) => return Err(StoreError::Failed(format!("{} is not a plain file", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(unavailable(path, &error)),
    };
    if length == 0 {
        let log = path.with_extension("db-wal");
        if fs::metadata(&log).is_ok_and(|meta| meta.len() > 0) {
            return Err(StoreError::Failed(format!(
                "{} is missing or empty, but its log {} is there: restore it from a backup",
                path.display(),
                log.display()
            )));
        }
        let new = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        new.map_err(|error| unavailable(path, &error))?;
        return Ok(());
    }
    let mut file = fs::File::open(path).map_err(|error| unavailable(path, &error))?;
    let read = file.read_exact(&mut header);
    if read.is_err() || !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::Failed(format!("{} is damaged, or not a store of ktk", path.display())));
    }
    let found = u32::from_be_bytes([header[60], header[61], header[62], header[63]]);
    if found > SCHEMA {
        return Err(StoreError::NewerSchema { found, known: SCHEMA });
    }
    Ok(())
}

fn connect(path: &Path) -> Outcome<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Otherwise SQLite looks at each parameter for a better plan, and compiles the statement anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The writer copies the log back itself: SQLite does it without telling of failed syncs, and
    // would do it on closing even where the store was refused.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn configure_writer(connection: &Connection, options: &SqliteOptions) -> Outcome<()> {
    // To its end: the mode is written, or not, after its row has been given.
    let mut statement = connection.prepare("PRAGMA journal_mode = WAL")?;
    let modes = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mode = modes.concat();
    if mode != "wal" {
        return Err(Fault::NoLog(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -i64::from(options.writer_cache_kib))?;
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE_LIMIT)?;
    if let Some(pages) = options.max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// Begins an epoch and sets its first block of versions aside, synced.
fn begin_epoch(connection: &mut Connection) -> Outcome<(Uuid, Numbers)> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let (id, epoch, end) = transaction.query_row(
        "UPDATE meta SET epoch = epoch + 1, versions_end = versions_end + ?1 \
         RETURNING store_id, epoch, versions_end",
        [BLOCK.cast_signed()],
        |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    )?;
    transaction.commit()?;
    let id = uuid::Builder::from_random_bytes(id).into_uuid();
    Ok((id, Numbers::new(epoch.cast_unsigned(), end.cast_unsigned())))
}
