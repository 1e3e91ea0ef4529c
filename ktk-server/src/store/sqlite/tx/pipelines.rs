//! Pipelines with their bodies.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::super::{
    fault::{Fault, Outcome},
    rows::{bind_pipeline, head_key, micros, pipeline_columns},
    session::Session,
};
use crate::model::{
    gate::Stand,
    row::{NewPipeline, PipelineRow},
};

pub(super) const BY_ID: &str = concat!("SELECT ", pipeline_columns!(), " FROM pipelines WHERE id = ?1");
pub(super) const NAMED: &str = concat!(
    "SELECT ",
    pipeline_columns!(),
    " FROM pipelines WHERE namespace = ?1 AND name = ?2 ORDER BY incarnation DESC LIMIT 1"
);
pub(super) const INCARNATIONS: &str = concat!(
    "SELECT ",
    pipeline_columns!(),
    " FROM pipelines WHERE namespace = ?1 AND name = ?2 ORDER BY incarnation"
);
pub(super) const BY_HEAD: &str =
    concat!("SELECT ", pipeline_columns!(), " FROM pipelines WHERE head BETWEEN ?1 AND ?2 ORDER BY head, id");
pub(super) const OF_KEY: &str = concat!(
    "SELECT ",
    pipeline_columns!(),
    r#" FROM pipelines WHERE namespace = ?1 AND json_extract(rare, '$.unique.key') = ?2
     AND phase <= 1 AND rare IS NOT NULL AND instr(rare, '"unique":{') > 0 ORDER BY id"#
);
pub(super) const IN_LANE: &str = concat!(
    "SELECT ",
    pipeline_columns!(),
    r#" FROM pipelines
     WHERE json_extract(rare, '$.gate.lane') = ?1 AND json_extract(rare, '$.gate.stand') = ?2
     AND phase <= 1 AND rare IS NOT NULL AND instr(rare, '"gate":{') > 0
     ORDER BY json_extract(rare, '$.gate.priority') DESC, json_extract(rare, '$.gate.since'), id"#
);
pub(super) const STANDING: &str = r#"SELECT count(*) FROM pipelines
     WHERE json_extract(rare, '$.gate.lane') = ?1 AND json_extract(rare, '$.gate.stand') = ?2
     AND phase <= 1 AND rare IS NOT NULL AND instr(rare, '"gate":{') > 0"#;
pub(super) const DUE: &str = concat!(
    "SELECT ",
    pipeline_columns!(),
    r#" FROM pipelines WHERE json_extract(rare, '$.dueAt') <= ?1
     AND rare IS NOT NULL AND instr(rare, '"dueAt":') > 0 ORDER BY json_extract(rare, '$.dueAt'), id"#
);
const INSERT: &str = concat!(
    "INSERT INTO pipelines (",
    pipeline_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
     ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)"
);
/// As for tasks: only the indexes of what changes are written.
pub(super) const CHANGE: &str = "UPDATE pipelines SET newest = ?8, labels = ?9, phase = ?10, reason = ?11, \
     message = ?12, total = ?13, done = ?14, failed = ?15, cancelled = ?16, admitted = ?17, max_parallel = ?18, \
     fail_fast = ?19, tripped = ?20, cancel_reason = ?21, cancel_now = ?22, restarts = ?23, created_at = ?24, \
     updated_at = ?25, started_at = ?26, finished_at = ?27, deleted_at = ?28, version = ?29, rare = ?30 \
     WHERE id = ?1 AND (+context_id, parent_id, incarnation, +namespace, name, +head) IS (?2, ?3, ?4, ?5, ?6, ?7)";
const REPLACE: &str = concat!(
    "UPDATE pipelines SET (",
    pipeline_columns!(),
    ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
     ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30) WHERE id = ?1"
);

pub(super) fn by_heads(
    session: &Session,
    heads: &RangeInclusive<u64>,
    limit: usize,
) -> Outcome<Vec<PipelineRow>> {
    session.rows(BY_HEAD, [head_key(*heads.start()), head_key(*heads.end())], limit)
}

pub(super) fn of_key(session: &Session, namespace: &str, key: &str) -> Outcome<Vec<PipelineRow>> {
    session.rows(OF_KEY, params![namespace, key], usize::MAX)
}

pub(super) fn in_lanes(
    session: &Session,
    lanes: &[u32],
    stand: Stand,
    limit: usize,
) -> Outcome<Vec<PipelineRow>> {
    let mut found = Vec::new();
    for lane in lanes {
        found.extend(session.rows::<PipelineRow>(IN_LANE, params![lane, stand.as_str()], limit)?);
    }
    found.sort_by_key(PipelineRow::rank);
    found.truncate(limit);
    Ok(found)
}

pub(super) fn standing_in(session: &Session, lanes: &[u32], stand: Stand) -> Outcome<Vec<u64>> {
    let count =
        |lane: &u32| session.value::<i64>(STANDING, params![lane, stand.as_str()]).map(i64::cast_unsigned);
    lanes.iter().map(count).collect()
}

pub(super) fn due(session: &Session, now: Timestamp, limit: usize) -> Outcome<Vec<PipelineRow>> {
    session.rows(DUE, params![micros(now)], limit)
}

pub(super) fn insert(session: &Session, pipelines: &[NewPipeline]) -> Outcome<()> {
    let mut insert = session.statement(INSERT)?;
    let mut body = session.statement("INSERT INTO pipeline_bodies (seq, body) VALUES (?1, ?2)")?;
    for pipeline in pipelines {
        bind_pipeline(&mut insert, &pipeline.row)?;
        body.execute(params![session.connection.last_insert_rowid(), pipeline.body])?;
    }
    Ok(())
}

pub(super) fn update(session: &Session, rows: &[PipelineRow]) -> Outcome<()> {
    let mut change = session.statement(CHANGE)?;
    for row in rows {
        if bind_pipeline(&mut change, row)? == 0
            && bind_pipeline(&mut *session.statement(REPLACE)?, row)? == 0
        {
            return Err(Fault::Absent("pipeline", row.id));
        }
    }
    Ok(())
}

pub(super) fn delete(session: &Session, ids: &[Uuid]) -> Outcome<()> {
    session
        .for_ids("DELETE FROM pipeline_bodies WHERE seq = (SELECT seq FROM pipelines WHERE id = ?1)", ids)?;
    session.for_ids("DELETE FROM pipelines WHERE id = ?1", ids)
}

pub(super) fn put_bodies(session: &Session, rows: &[(Uuid, String)]) -> Outcome<()> {
    const SQL: &str =
        "UPDATE pipeline_bodies SET body = ?2 WHERE seq = (SELECT seq FROM pipelines WHERE id = ?1)";
    let mut change = session.statement(SQL)?;
    for (id, body) in rows {
        if change.execute(params![id.as_bytes(), body])? == 0 {
            return Err(Fault::Absent("pipeline", *id));
        }
    }
    Ok(())
}

pub(super) fn bodies(session: &Session, ids: &[Uuid]) -> Outcome<Vec<(Uuid, String)>> {
    session.by_ids("SELECT id, body FROM pipelines JOIN pipeline_bodies USING (seq) WHERE id = ?1", ids)
}
