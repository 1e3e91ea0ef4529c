//! Nodes and remembered requests.

use super::super::{
    fault::Outcome,
    rows::{bind_node, bind_request, node_columns},
    session::Session,
};
use crate::model::row::{NodeRow, RequestRow};

pub(super) const ALL: &str = concat!("SELECT ", node_columns!(), " FROM nodes");
pub(super) const BY_ID: &str = concat!("SELECT ", node_columns!(), " FROM nodes WHERE id = ?1");
pub(super) const REQUEST: &str = "SELECT key, digest, answer, at FROM requests WHERE key = ?1";
pub(super) const TRIM_REQUESTS: &str = "DELETE FROM requests WHERE at < ?1";

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
