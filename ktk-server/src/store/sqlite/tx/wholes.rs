//! What is collected as a whole: walks over newest incarnations, and over those whose own time is over.

use jiff::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::super::{
    fault::Outcome,
    rows::{micros, whole_columns},
    session::Session,
};
use crate::model::row::{WholeKind, WholeRow};

macro_rules! of_tasks {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            whole_columns!("0"),
            ", \
             CASE incarnation WHEN 1 THEN 1 \
             ELSE (SELECT count(*) FROM tasks AS other WHERE other.context_id = tasks.context_id) END \
             FROM tasks WHERE newest = 1 AND +pipeline_id IS NULL AND ",
            $condition
        )
    };
}

macro_rules! of_pipelines {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            whole_columns!("1"),
            ", \
             (SELECT count(*) FROM pipelines AS other JOIN tasks ON tasks.pipeline_id = other.id \
              WHERE other.namespace = pipelines.namespace AND other.name = pipelines.name \
              AND other.context_id = pipelines.context_id) \
             FROM pipelines WHERE newest = 1 AND ",
            $condition
        )
    };
}

pub(super) const TASKS: &str = of_tasks!("id > ?1 ORDER BY id");
pub(super) const PIPELINES: &str = of_pipelines!("id > ?1 ORDER BY id");
pub(super) const EXPIRING_TASKS: &str = of_tasks!(
    r#"rare IS NOT NULL AND instr(rare, '"expiresAt":') > 0 AND json_extract(rare, '$.expiresAt') >= ?1
     AND (json_extract(rare, '$.expiresAt') > ?1 OR id > ?2) ORDER BY json_extract(rare, '$.expiresAt'), id"#
);
pub(super) const EXPIRING_PIPELINES: &str = of_pipelines!(
    r#"rare IS NOT NULL AND instr(rare, '"expiresAt":') > 0 AND json_extract(rare, '$.expiresAt') >= ?1
     AND (json_extract(rare, '$.expiresAt') > ?1 OR id > ?2) ORDER BY json_extract(rare, '$.expiresAt'), id"#
);
pub(super) const COUNT: &str = "SELECT count(*) FROM tasks";
pub(super) const FACT: &str = "SELECT value FROM facts WHERE name = ?1";

pub(super) fn after(session: &Session, kind: WholeKind, after: Uuid, limit: usize) -> Outcome<Vec<WholeRow>> {
    let sql = match kind {
        WholeKind::Task => TASKS,
        WholeKind::Pipeline => PIPELINES,
    };
    session.rows(sql, [after.as_bytes()], limit)
}

pub(super) fn expiring(
    session: &Session,
    kind: WholeKind,
    (at, id): (Timestamp, Uuid),
    limit: usize,
) -> Outcome<Vec<WholeRow>> {
    let sql = match kind {
        WholeKind::Task => EXPIRING_TASKS,
        WholeKind::Pipeline => EXPIRING_PIPELINES,
    };
    session.rows(sql, params![micros(at), id.as_bytes()], limit)
}

pub(super) fn count(session: &Session) -> Outcome<u64> {
    session.value::<i64>(COUNT, []).map(i64::cast_unsigned)
}

pub(super) fn fact(session: &Session, name: &str) -> Outcome<Option<String>> {
    let mut statement = session.statement(FACT)?;
    let mut rows = statement.query([name])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

pub(super) fn put_fact(session: &Session, name: &str, value: &str) -> Outcome<()> {
    session.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}
