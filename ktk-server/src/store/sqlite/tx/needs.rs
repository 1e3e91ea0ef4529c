//! Who needs whom.

use rusqlite::params;

use super::super::{fault::Outcome, session::Session};
use crate::model::row::NeedRow;

pub(super) const DEPENDENTS: &str = "SELECT need, dependent FROM needs WHERE need = ?1";
pub(super) const NEEDS: &str = "SELECT need, dependent FROM needs WHERE dependent = ?1";
pub(super) const DELETE: &str = "DELETE FROM needs WHERE dependent = ?1";

pub(super) fn insert(session: &Session, rows: &[NeedRow]) -> Outcome<()> {
    let mut insert = session.statement("INSERT OR IGNORE INTO needs (need, dependent) VALUES (?1, ?2)")?;
    for row in rows {
        insert.execute(params![row.need.as_bytes(), row.dependent.as_bytes()])?;
    }
    Ok(())
}
