//! Hooks that are to be called, in the order in which they were written.

use rusqlite::params;

use super::super::{fault::Outcome, session::Session};
use crate::model::row::HookRow;

pub(super) const FIRST: &str = "SELECT id, task_id, moment, attempt, body FROM hooks ORDER BY seq";
pub(super) const OF_TASK: &str =
    "SELECT id, task_id, moment, attempt, body FROM hooks WHERE task_id = ?1 ORDER BY seq";
pub(super) const DELETE: &str = "DELETE FROM hooks WHERE id = ?1";

pub(super) fn insert(session: &Session, rows: &[HookRow]) -> Outcome<()> {
    const SQL: &str = "INSERT INTO hooks (id, task_id, moment, attempt, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = session.statement(SQL)?;
    for row in rows {
        let (id, task) = (row.id.as_bytes(), row.task_id.as_bytes());
        insert.execute(params![id, task, row.moment as u8, row.attempt, row.body])?;
    }
    Ok(())
}
