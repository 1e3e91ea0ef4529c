//! Pages by (namespace, name, incarnation). Each form of a query is a statement of its own, so
//! that each is one walk along the index of names.

use std::cmp::Ordering;

use rusqlite::params;

use super::super::{
    fault::Outcome,
    rows::{Stored, line_columns, pipeline_columns, task_columns},
    session::Session,
};
use crate::store::ListQuery;

/// The statements of one kind; each takes whether only the newest are wanted as `?1`.
pub(super) struct Pages {
    /// Of one namespace `?2`.
    pub(super) first: &'static str,
    /// Of one namespace `?2`, after the name `?3` and the incarnation `?4`.
    pub(super) next: &'static str,
    /// Of all.
    pub(super) first_of_all: &'static str,
    /// Of all, after the namespace `?2`, the name `?3` and the incarnation `?4`.
    pub(super) next_of_all: &'static str,
}

macro_rules! pages {
    ($columns:ident, $table:literal) => {
        Pages {
            first: concat!(
                "SELECT ", $columns!(), " FROM ", $table,
                " WHERE namespace = ?2 AND newest >= ?1 ORDER BY name, incarnation"
            ),
            next: concat!(
                "SELECT ", $columns!(), " FROM ", $table,
                " WHERE namespace = ?2 AND (name, incarnation) > (?3, ?4) AND newest >= ?1 ORDER BY name, incarnation"
            ),
            first_of_all: concat!(
                "SELECT ", $columns!(), " FROM ", $table,
                " WHERE newest >= ?1 ORDER BY namespace, name, incarnation"
            ),
            next_of_all: concat!(
                "SELECT ", $columns!(), " FROM ", $table,
                " WHERE (namespace, name, incarnation) > (?2, ?3, ?4) AND newest >= ?1 \
                 ORDER BY namespace, name, incarnation"
            ),
        }
    };
}

pub(super) const TASKS: Pages = pages!(task_columns, "tasks");
pub(super) const LINES: Pages = pages!(line_columns, "tasks");
pub(super) const PIPELINES: Pages = pages!(pipeline_columns, "pipelines");

pub(super) fn page<R: Stored>(session: &Session, pages: &Pages, query: &ListQuery) -> Outcome<Vec<R>> {
    let (newest, limit) = (query.newest_only, query.limit);
    match (&query.namespace, &query.after) {
        (None, None) => session.rows(pages.first_of_all, params![newest], limit),
        (None, Some((namespace, name, incarnation))) => {
            session.rows(pages.next_of_all, params![newest, namespace, name, incarnation], limit)
        }
        (Some(namespace), None) => session.rows(pages.first, params![newest, namespace], limit),
        (Some(namespace), Some((after, name, incarnation))) => match after.cmp(namespace) {
            Ordering::Less => session.rows(pages.first, params![newest, namespace], limit),
            Ordering::Equal => session.rows(pages.next, params![newest, namespace, name, incarnation], limit),
            Ordering::Greater => Ok(Vec::new()),
        },
    }
}
