//! Versions: the newest, what changed after one, and what is left of deleted objects.

use jiff::Timestamp;
use rusqlite::params;

use super::super::{
    fault::Outcome,
    recent::Page,
    rows::{bind_tombstone, entity_columns, micros, pipeline_columns, task_columns, tombstone_columns},
    session::Session,
};
use crate::model::row::{Change, TaskRow, TombstoneRow};

/// Trimmed tombstones count too: the newest version never goes back.
pub(super) const VERSION: &str = "SELECT max( \
     (SELECT tasks_version FROM meta), \
     coalesce((SELECT max(version) FROM pipelines), 0), \
     coalesce((SELECT max(version) FROM tombstones), 0), \
     coalesce((SELECT max(version) FROM entities), 0), \
     coalesce((SELECT max(version) FROM nodes), 0), \
     (SELECT history_start FROM meta))";
/// A walk over all tasks: only for changes that are no longer at hand.
pub(super) const TASKS: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE version > ?1 ORDER BY version");
pub(super) const TASK: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE id = ?1 AND version = ?2");
pub(super) const PIPELINES: &str =
    concat!("SELECT ", pipeline_columns!(), " FROM pipelines WHERE version > ?1 ORDER BY version");
pub(super) const ENTITIES: &str =
    concat!("SELECT ", entity_columns!(), " FROM entities WHERE version > ?1 ORDER BY version");
pub(super) const TOMBSTONES: &str =
    concat!("SELECT ", tombstone_columns!(), " FROM tombstones WHERE version > ?1 ORDER BY version");

pub(super) fn version(session: &Session) -> Outcome<u64> {
    let stored = session.value::<i64>(VERSION, [])?.cast_unsigned();
    Ok(session.written.borrow().iter().map(|(version, _)| *version).fold(stored, u64::max))
}

pub(in super::super) fn after(session: &Session, after: u64, limit: usize) -> Outcome<Vec<Change>> {
    // What is at hand may be a moment behind what the transaction sees: the rest is told of once it is there as well.
    let stored = session.value::<i64>("SELECT tasks_version FROM meta", [])?.cast_unsigned();
    let known = session.recent.newest();
    let is_behind = stored > known && session.written.borrow().is_empty();
    let tasks = tasks(session, after, limit)?.into_iter().map(|row| Change::Task(Box::new(row)));
    let after = [i64::try_from(after).unwrap_or(i64::MAX)];
    let pipelines =
        session.rows(PIPELINES, after, limit)?.into_iter().map(|row| Change::Pipeline(Box::new(row)));
    let entities = session.rows(ENTITIES, after, limit)?.into_iter().map(|row| Change::Entity(Box::new(row)));
    let deleted = session.rows(TOMBSTONES, after, limit)?.into_iter().map(Change::Deleted);
    let mut changes: Vec<Change> = tasks.chain(pipelines).chain(entities).chain(deleted).collect();
    changes.retain(|change| !is_behind || change.version() <= known);
    changes.sort_by_key(Change::version);
    changes.truncate(limit);
    Ok(changes)
}

/// Tasks that have changed after a version, in the order of their last changes.
fn tasks(session: &Session, after: u64, limit: usize) -> Outcome<Vec<TaskRow>> {
    let (mut found, mut at) = (Vec::new(), after);
    while found.len() < limit {
        let Page::Changes(mut page) = session.recent.after(at, limit) else {
            let left = limit - found.len();
            found.extend(session.rows::<TaskRow>(TASKS, [i64::try_from(at).unwrap_or(i64::MAX)], left)?);
            break;
        };
        page.extend(session.written.borrow().iter().filter(|(version, _)| *version > at));
        page.sort_unstable();
        // A row may be written again as the version that it has.
        page.dedup();
        page.truncate(limit);
        let is_last = page.len() < limit;
        let mut row = session.statement(TASK)?;
        for (version, id) in page {
            session.extend(&mut found, &mut row, params![id.as_bytes(), version.cast_signed()], 1)?;
            at = version;
        }
        if is_last {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

pub(super) fn insert_tombstones(session: &Session, rows: &[TombstoneRow]) -> Outcome<()> {
    const SQL: &str = concat!(
        "INSERT INTO tombstones (",
        tombstone_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    let mut insert = session.statement(SQL)?;
    for row in rows {
        bind_tombstone(&mut insert, row)?;
    }
    Ok(())
}

pub(super) fn history_start(session: &Session) -> Outcome<u64> {
    session.value::<i64>("SELECT history_start FROM meta", []).map(i64::cast_unsigned)
}

pub(super) fn trim_tombstones(session: &Session, before: Timestamp) -> Outcome<()> {
    let before = params![micros(before)];
    session.execute(
        "UPDATE meta SET history_start = max(history_start, \
         coalesce((SELECT max(version) FROM tombstones WHERE at < ?1), 0))",
        before,
    )?;
    session.execute("DELETE FROM tombstones WHERE at < ?1", before)?;
    Ok(())
}

pub(super) const BEYOND: &str = "SELECT version FROM tombstones ORDER BY version DESC LIMIT 1 OFFSET ?1";

pub(super) fn limit_tombstones(session: &Session, most: u64) -> Outcome<()> {
    let newest: Option<i64> = {
        let mut statement = session.statement(BEYOND)?;
        let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    let Some(newest) = newest else { return Ok(()) };
    session.execute("UPDATE meta SET history_start = max(history_start, ?1)", [newest])?;
    session.execute("DELETE FROM tombstones WHERE version <= ?1", [newest])?;
    Ok(())
}
