//! A connection with what its statements share: loading of rows that skips broken ones.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use rusqlite::{CachedStatement, Connection, Params, Statement};
use uuid::Uuid;

use super::{
    fault::{Fault, Outcome},
    recent::{Recent, Written},
    rows::{Cells, Stored},
    warm::Warm,
};

/// How many broken rows a connection names before it says no more.
const TOLD_LIMIT: usize = 1_000;

/// A connection of the store.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Broken rows that have been logged: claims would meet them again and again.
    told: RefCell<BTreeSet<String>>,
    /// What the writer need not read again.
    pub(super) warm: RefCell<Warm>,
    /// The latest changes of tasks.
    pub(super) recent: Recent,
    /// Versions of tasks that the transaction has written, to be published once it is committed.
    pub(super) written: RefCell<Written>,
    /// A version that is higher than any that a task has had is nobody's.
    highest: Cell<u64>,
}

impl Session {
    pub(super) fn new(connection: Connection, warm: Warm, recent: Recent) -> Self {
        let highest = Cell::new(recent.newest());
        Self {
            connection,
            told: RefCell::default(),
            warm: RefCell::new(warm),
            recent,
            written: RefCell::default(),
            highest,
        }
    }

    /// A task is written with a version, which is nobody else's.
    pub(super) fn writes(&self, version: u64, id: Uuid) -> Outcome<()> {
        let mut written = self.written.borrow_mut();
        if version > self.highest.get() {
            self.highest.set(version);
        } else {
            let mine = written.with_version(version);
            let holder = mine.or_else(|| self.recent.with_version(version)).filter(|holder| *holder != id);
            let holds = "SELECT EXISTS(SELECT 1 FROM tasks WHERE id = ?1 AND version = ?2)";
            if let Some(holder) = holder
                && self.value(holds, (holder.as_bytes(), version.cast_signed()))?
            {
                return Err(Fault::DoubleVersion(version));
            }
        }
        written.push(version, id);
        Ok(())
    }

    /// A statement, compiled once for each connection.
    pub(super) fn statement(&self, sql: &str) -> Outcome<CachedStatement<'_>> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Runs a cached statement that gives no rows.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Outcome<usize> {
        Ok(self.statement(sql)?.execute(params)?)
    }

    /// The first value of the first row.
    pub(super) fn value<T: rusqlite::types::FromSql>(&self, sql: &str, params: impl Params) -> Outcome<T> {
        Ok(self.statement(sql)?.query_row(params, |row| row.get(0))?)
    }

    /// Up to `limit` rows that can be read.
    pub(super) fn rows<R: Stored>(&self, sql: &str, params: impl Params, limit: usize) -> Outcome<Vec<R>> {
        let mut found = Vec::new();
        self.extend(&mut found, &mut *self.statement(sql)?, params, limit)?;
        Ok(found)
    }

    /// The first row, if it is there and can be read.
    pub(super) fn row<R: Stored>(&self, sql: &str, params: impl Params) -> Outcome<Option<R>> {
        Ok(self.rows(sql, params, 1)?.pop())
    }

    /// The rows that a statement gives for each of these ids, each id once.
    pub(super) fn by_ids<R: Stored>(&self, sql: &str, ids: &[Uuid]) -> Outcome<Vec<R>> {
        let mut statement = self.statement(sql)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in once(ids) {
            self.extend(&mut found, &mut statement, [id.as_bytes()], usize::MAX)?;
        }
        Ok(found)
    }

    /// Runs a statement without rows for each of these ids.
    pub(super) fn for_ids(&self, sql: &str, ids: &[Uuid]) -> Outcome<()> {
        let mut statement = self.statement(sql)?;
        for id in ids {
            statement.execute([id.as_bytes()])?;
        }
        Ok(())
    }

    /// Adds up to `limit` rows that can be read.
    pub(super) fn extend<R: Stored>(
        &self,
        found: &mut Vec<R>,
        statement: &mut Statement<'_>,
        params: impl Params,
        limit: usize,
    ) -> Outcome<()> {
        let end = found.len().saturating_add(limit);
        let mut rows = statement.query(params)?;
        // The limit counts rows that can be read: broken ones in front starve nobody.
        while found.len() < end
            && let Some(row) = rows.next()?
        {
            match R::decode(&mut Cells::from(row, 0)) {
                Ok(row) => found.push(row),
                Err(error) => self.tell(R::KIND, &format!("{:?}", row.get_ref(0)?), &error),
            }
        }
        Ok(())
    }

    fn tell(&self, kind: &'static str, key: &str, error: &dyn std::fmt::Display) {
        let mut told = self.told.borrow_mut();
        if told.len() < TOLD_LIMIT && told.insert(format!("{kind} {key}")) {
            tracing::error!(kind, key, %error, "a stored row cannot be read and is left out");
        }
    }
}

/// Ids, each once.
pub(super) fn once(ids: &[Uuid]) -> impl Iterator<Item = Uuid> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
}
