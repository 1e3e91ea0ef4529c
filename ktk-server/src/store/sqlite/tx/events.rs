//! Events, in the order of their times, then of their writing.

use jiff::Timestamp;
use rusqlite::{Params, params};
use uuid::Uuid;

use super::super::{
    fault::Outcome,
    rows::{bind_event, event_columns, micros},
    session::Session,
};
use crate::model::row::EventRow;

/// A walk along the index: one step for each namespace, however many events it has.
pub(super) const NAMESPACES: &str = "WITH RECURSIVE found (namespace) AS ( \
         SELECT min(namespace) FROM events \
         UNION ALL SELECT (SELECT min(namespace) FROM events WHERE namespace > found.namespace) \
         FROM found WHERE found.namespace IS NOT NULL) \
     SELECT namespace FROM found WHERE namespace IS NOT NULL";
pub(super) const OF_NAMESPACE: &str =
    "SELECT at, seq FROM events WHERE namespace = ?1 ORDER BY at DESC, seq DESC LIMIT ?2";
pub(super) const OF_OBJECT: &str = "SELECT at, seq FROM events WHERE object_id = ?1 \
     AND (?3 IS NULL OR namespace = ?3) ORDER BY at DESC, seq DESC LIMIT ?2";
pub(super) const OF_PIPELINE: &str = "SELECT at, seq FROM events WHERE pipeline_id = ?1 \
     AND (?3 IS NULL OR namespace = ?3) ORDER BY at DESC, seq DESC LIMIT ?2";
pub(super) const TRIM: &str = "DELETE FROM events WHERE namespace = ?1 AND at < ?2";

/// The place of an event: (at, seq).
type Place = (i64, i64);

pub(super) fn insert(session: &Session, rows: &[EventRow]) -> Outcome<()> {
    const SQL: &str = concat!(
        "INSERT INTO events (",
        event_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let mut insert = session.statement(SQL)?;
    for row in rows {
        bind_event(&mut insert, row)?;
    }
    Ok(())
}

pub(super) fn list(
    session: &Session,
    namespace: Option<&str>,
    object: Option<Uuid>,
    limit: usize,
) -> Outcome<Vec<EventRow>> {
    const SQL: &str = concat!("SELECT ", event_columns!(), " FROM events WHERE seq = ?1");
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut places = Vec::new();
    match (object, namespace) {
        (Some(id), _) => {
            places.extend(found(session, OF_OBJECT, params![id.as_bytes(), most, namespace])?);
            places.extend(found(session, OF_PIPELINE, params![id.as_bytes(), most, namespace])?);
        }
        (None, Some(namespace)) => places.extend(found(session, OF_NAMESPACE, params![namespace, most])?),
        (None, None) => {
            for namespace in namespaces(session)? {
                places.extend(found(session, OF_NAMESPACE, params![namespace, most])?);
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    let newest = &places[places.len().saturating_sub(limit)..];
    let mut events = Vec::with_capacity(newest.len());
    for (_, seq) in newest {
        events.extend(session.row(SQL, [seq])?);
    }
    Ok(events)
}

pub(super) fn trim(session: &Session, before: Timestamp) -> Outcome<()> {
    for namespace in namespaces(session)? {
        session.execute(TRIM, params![namespace, micros(before)])?;
    }
    Ok(())
}

fn found(session: &Session, sql: &str, params: impl Params) -> Outcome<Vec<Place>> {
    let mut statement = session.statement(sql)?;
    let places = statement.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(places.collect::<Result<_, _>>()?)
}

fn namespaces(session: &Session) -> Outcome<Vec<String>> {
    let mut statement = session.statement(NAMESPACES)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
