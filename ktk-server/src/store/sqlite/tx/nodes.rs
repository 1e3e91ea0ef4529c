//! Nodes and remembered requests.

use jiff::Timestamp;

use super::super::{
    fault::Outcome,
    rows::{bind_node, bind_request, micros, node_columns},
    session::Session,
};
use crate::model::row::{NodeRow, RequestRow};

pub(super) const ALL: &str = concat!("SELECT ", node_columns!(), " FROM nodes");
pub(super) const BY_ID: &str = concat!("SELECT ", node_columns!(), " FROM nodes WHERE id = ?1");
pub(super) const REQUEST: &str = "SELECT key, digest, answer, at FROM requests WHERE key = ?1";
/// Of those that came first: they lie in the order in which they came, but a clock may have jumped.
pub(super) const TRIM_REQUESTS: &str = "DELETE FROM requests \
     WHERE rowid IN (SELECT rowid FROM requests ORDER BY rowid LIMIT 10000) AND at < ?1";

pub(super) fn put(session: &Session, row: &NodeRow) -> Outcome<()> {
    const SQL: &str = concat!(
        "INSERT OR REPLACE INTO nodes (",
        node_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    bind_node(&mut *session.statement(SQL)?, row)?;
    Ok(())
}

pub(super) fn insert_request(session: &Session, row: &RequestRow) -> Outcome<()> {
    let mut insert =
        session.statement("INSERT INTO requests (key, digest, answer, at) VALUES (?1, ?2, ?3, ?4)")?;
    bind_request(&mut insert, row)?;
    Ok(())
}

pub(super) fn trim_requests(session: &Session, before: Timestamp) -> Outcome<()> {
    let mut trim = session.statement(TRIM_REQUESTS)?;
    while trim.execute([micros(before)])? > 0 {}
    Ok(())
}
