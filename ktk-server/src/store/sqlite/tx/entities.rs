//! Objects without a namespace, by kind and name.

use rusqlite::params;

use super::super::{
    fault::Outcome,
    rows::{bind_entity, entity_columns},
    session::Session,
};
use crate::model::entity::EntityRow;

pub(super) const NAMED: &str =
    concat!("SELECT ", entity_columns!(), " FROM entities WHERE kind = ?1 AND name = ?2");
pub(super) const AFTER: &str =
    concat!("SELECT ", entity_columns!(), " FROM entities WHERE kind = ?1 AND name > ?2 ORDER BY name");
pub(super) const OF_KIND: &str =
    concat!("SELECT ", entity_columns!(), " FROM entities WHERE kind = ?1 ORDER BY name");
pub(super) const DELETE: &str = "DELETE FROM entities WHERE kind = ?1 AND name = ?2";

pub(super) fn named(session: &Session, kind: &str, names: &[String]) -> Outcome<Vec<EntityRow>> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    names.dedup();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.extend(session.row::<EntityRow>(NAMED, [kind, name])?);
    }
    Ok(found)
}

pub(super) fn list(
    session: &Session,
    kind: &str,
    after: Option<&str>,
    limit: usize,
) -> Outcome<Vec<EntityRow>> {
    match after {
        Some(after) => session.rows(AFTER, [kind, after], limit),
        None => session.rows(OF_KIND, [kind], limit),
    }
}

pub(super) fn put(session: &Session, rows: &[EntityRow]) -> Outcome<()> {
    const SQL: &str = concat!(
        "INSERT INTO entities (",
        entity_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (kind, name) DO UPDATE SET id = ?1, labels = ?4, \
         body = ?5, created_at = ?6, updated_at = ?7, version = ?8"
    );
    let mut put = session.statement(SQL)?;
    for row in rows {
        bind_entity(&mut put, row)?;
    }
    Ok(())
}

pub(super) fn delete(session: &Session, kind: &str, names: &[String]) -> Outcome<()> {
    let mut delete = session.statement(DELETE)?;
    for name in names {
        delete.execute(params![kind, name])?;
    }
    Ok(())
}
