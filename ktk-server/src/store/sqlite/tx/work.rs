//! The order of work, what runs, and what a clock moves.

use jiff::Timestamp;
use rusqlite::{Params, params};
use uuid::Uuid;

use super::{
    super::{
        fault::Outcome,
        rows::{micros, task_columns},
        session::Session,
    },
    pipelines, tasks,
};
use crate::{model::row::TaskRow, store::LiveCounts};

/// Ids alone: most of what is claimed was written a moment ago, and is at hand.
pub(super) const CLAIMABLE: &str = "SELECT id FROM tasks \
     WHERE executor = ?1 AND phase = 0 AND reason = 5 AND admitted = 1 AND lane = 0 \
     ORDER BY priority DESC, ready_at, id";
pub(super) const GATED: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks WHERE pipeline_id = ?1 AND phase = 0 AND reason = 5 AND admitted = 0 \
     ORDER BY priority DESC, ready_at, id"
);
pub(super) const EVALUATING: &str = concat!(
    "SELECT ",
    task_columns!(),
    r#" FROM tasks WHERE rare IS NOT NULL AND instr(rare, '"jq":"evaluating"') > 0 ORDER BY id"#
);
pub(super) const OF_KEY: &str = concat!(
    "SELECT ",
    task_columns!(),
    r#" FROM tasks WHERE namespace = ?1 AND json_extract(rare, '$.unique.key') = ?2
     AND phase <= 1 AND rare IS NOT NULL AND instr(rare, '"unique":{') > 0 ORDER BY id"#
);
pub(super) const CHILDREN: &str = concat!(
    "SELECT ",
    task_columns!(),
    r#" FROM tasks WHERE json_extract(rare, '$.spawnedBy') = ?1
     AND phase <= 1 AND rare IS NOT NULL AND instr(rare, '"spawnedBy":') > 0 ORDER BY id"#
);
pub(super) const RUNNING: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE node_id = ?1 AND phase = 1");
pub(super) const DUE: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE due_at <= ?1 ORDER BY due_at, id");
pub(super) const PLAIN_WAITING: &str = "SELECT count(*) FROM tasks INDEXED BY tasks_claimable \
     WHERE phase = 0 AND reason = 5 AND admitted = 1 AND lane = 0";
pub(super) const COUNTS: [&str; 5] = [
    "SELECT count(*) FROM tasks INDEXED BY tasks_live WHERE phase <= 1",
    "SELECT count(*) FROM tasks INDEXED BY tasks_running WHERE phase = 1",
    "SELECT count(*) FROM tasks INDEXED BY tasks_running WHERE phase = 1 AND node_id IS NOT NULL",
    PLAIN_WAITING,
    "SELECT count(*) FROM tasks INDEXED BY tasks_lane \
     WHERE phase <= 1 AND lane > 0 AND phase = 0 AND reason = 5 AND admitted = 1",
];

pub(super) fn claimable(session: &Session, executors: &[String], limit: usize) -> Outcome<Vec<TaskRow>> {
    let mut executors: Vec<&String> = executors.iter().collect();
    executors.sort_unstable();
    executors.dedup();
    let mut found = Vec::new();
    for executor in &executors {
        found.extend(walk(session, CLAIMABLE, [executor], limit)?);
    }
    if executors.len() > 1 {
        found.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.ready_at, row.id));
        found.truncate(limit);
    }
    Ok(found)
}

/// Up to `limit` tasks whose ids a query gives, in its order.
fn walk(session: &Session, sql: &str, params: impl Params, limit: usize) -> Outcome<Vec<TaskRow>> {
    let mut ids = session.statement(sql)?;
    let mut ids = ids.query(params)?;
    let mut found = Vec::new();
    // The limit counts rows that can be read: broken ones in front starve nobody.
    while found.len() < limit
        && let Some(row) = ids.next()?
    {
        let id = row.get_ref(0)?.as_blob().ok().and_then(|bytes| Uuid::from_slice(bytes).ok());
        tasks::add(session, &mut found, id.unwrap_or_default())?;
    }
    Ok(found)
}

pub(super) fn gated(session: &Session, pipeline: Uuid, limit: usize) -> Outcome<Vec<TaskRow>> {
    session.rows(GATED, [pipeline.as_bytes()], limit)
}

pub(super) fn evaluating(session: &Session, limit: usize) -> Outcome<Vec<TaskRow>> {
    session.rows(EVALUATING, [], limit)
}

pub(super) fn tasks_of_key(session: &Session, namespace: &str, key: &str) -> Outcome<Vec<TaskRow>> {
    session.rows(OF_KEY, params![namespace, key], usize::MAX)
}

pub(super) fn live_children(session: &Session, task: Uuid, limit: usize) -> Outcome<Vec<TaskRow>> {
    session.rows(CHILDREN, [task.to_string()], limit)
}

pub(super) fn due(session: &Session, now: Timestamp, limit: usize) -> Outcome<Vec<TaskRow>> {
    session.rows(DUE, params![micros(now)], limit)
}

/// A row that cannot be read is no reason to wake up: `due` would not give it.
pub(super) fn next_due(session: &Session) -> Outcome<Option<Timestamp>> {
    let task: Option<TaskRow> = due(session, Timestamp::MAX, 1)?.pop();
    let pipeline = pipelines::due(session, Timestamp::MAX, 1)?.pop();
    let of_pipeline = pipeline.and_then(|row| row.rare.due_at);
    Ok([task.and_then(|row| row.due_at), of_pipeline].into_iter().flatten().min())
}

pub(super) fn live_counts(session: &Session) -> Outcome<LiveCounts> {
    let count = |sql| session.value::<i64>(sql, []).map(i64::cast_unsigned);
    let [live, running, on_nodes, plain, others] = COUNTS.map(count);
    let (live, running, on_nodes, claimable) = (live?, running?, on_nodes?, plain? + others?);
    Ok(LiveCounts { pending: live.saturating_sub(running), running, on_nodes, claimable })
}
