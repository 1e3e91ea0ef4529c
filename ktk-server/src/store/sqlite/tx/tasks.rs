//! Tasks with their bodies, results and attempts.

use std::ops::RangeInclusive;

use rusqlite::params;
use uuid::Uuid;

use super::super::{
    fault::{Fault, Outcome},
    rows::{attempt_columns, bind_attempt, bind_task, head_key, task_columns},
    session::Session,
};
use crate::model::row::{AttemptRow, NewTask, ResultRow, TaskRow};

pub(super) const BY_ID: &str = concat!("SELECT ", task_columns!(), " FROM tasks WHERE id = ?1");
pub(super) const NEWEST: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks WHERE context_id = ?1 ORDER BY incarnation DESC LIMIT 1"
);
pub(super) const CONTEXT: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE context_id = ?1 ORDER BY incarnation");
pub(super) const NAMED: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks WHERE namespace = ?1 AND name = ?2 ORDER BY incarnation DESC LIMIT 1"
);
pub(super) const BY_HEAD: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE head BETWEEN ?1 AND ?2 ORDER BY head, id");
pub(super) const OF_PIPELINE: &str =
    concat!("SELECT ", task_columns!(), " FROM tasks WHERE pipeline_id = ?1 AND newest = 1");
pub(super) const WITHIN: &str = concat!("SELECT ", task_columns!(), " FROM tasks WHERE pipeline_id = ?1");
/// `OR FAIL`: whatever fails takes its whole operation back, so that no statement needs a journal
/// of its own.
const INSERT: &str = concat!(
    "INSERT OR FAIL INTO tasks (",
    task_columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
     ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, \
     ?43, ?44, ?45, ?46, ?47, ?48)"
);
/// SQLite rewrites each index that has an assigned column, whether its value changes or not. So
/// this writes only what a task's life changes, where the rest is as it was. `+` keeps the rest
/// from being looked for in an index.
pub(super) const CHANGE: &str = "UPDATE OR FAIL tasks SET newest = ?15, labels = ?16, run_if = ?17, cascade = ?18, \
     phase = ?19, reason = ?20, message = ?21, admitted = ?22, needs = ?23, live_needs = ?24, bad_needs = ?25, \
     attempt = ?26, counted = ?27, lost = ?28, fence_epoch = ?29, fence_counter = ?30, node_id = ?31, \
     node = ?32, exit_code = ?33, output_digest = ?34, stop_reason = ?35, stop_now = ?36, wish = ?37, \
     created_at = ?38, updated_at = ?39, ready_at = ?40, started_at = ?41, finished_at = ?42, due_at = ?43, \
     deleted_at = ?44, version = ?45, rare = ?46, token = ?47 \
     WHERE id = ?1 AND (+context_id, parent_id, incarnation, +namespace, name, +head, +pipeline_id, step, \
     execution_id, command, executor, queue, priority, lane) \
     IS (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?48)";
const REPLACE: &str = concat!(
    "UPDATE OR FAIL tasks SET (",
    task_columns!(),
    ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
     ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40, ?41, ?42, \
     ?43, ?44, ?45, ?46, ?47, ?48) WHERE id = ?1"
);

pub(super) fn by_heads(
    session: &Session,
    heads: &RangeInclusive<u64>,
    limit: usize,
) -> Outcome<Vec<TaskRow>> {
    session.rows(BY_HEAD, [head_key(*heads.start()), head_key(*heads.end())], limit)
}

pub(super) fn insert(session: &Session, tasks: &[NewTask]) -> Outcome<()> {
    let mut insert = session.statement(INSERT)?;
    let mut body = session.statement("INSERT OR FAIL INTO task_bodies (seq, body) VALUES (?1, ?2)")?;
    for task in tasks {
        bind_task(&mut insert, &task.row)?;
        body.execute(params![session.connection.last_insert_rowid(), task.body])?;
    }
    Ok(())
}

pub(super) fn update(session: &Session, rows: &[TaskRow]) -> Outcome<()> {
    let mut change = session.statement(CHANGE)?;
    for row in rows {
        if bind_task(&mut change, row)? == 0 && bind_task(&mut *session.statement(REPLACE)?, row)? == 0 {
            return Err(Fault::Absent("task", row.id));
        }
    }
    Ok(())
}

pub(super) fn delete(session: &Session, ids: &[Uuid]) -> Outcome<()> {
    strip(session, ids)?;
    session.for_ids("DELETE FROM tasks WHERE id = ?1", ids)
}

pub(super) fn strip(session: &Session, ids: &[Uuid]) -> Outcome<()> {
    for table in [
        "DELETE FROM task_bodies WHERE seq = (SELECT seq FROM tasks WHERE id = ?1)",
        "DELETE FROM task_results WHERE seq = (SELECT seq FROM tasks WHERE id = ?1)",
        "DELETE FROM attempts WHERE task = (SELECT seq FROM tasks WHERE id = ?1)",
    ] {
        session.for_ids(table, ids)?;
    }
    Ok(())
}

pub(super) fn bodies(session: &Session, ids: &[Uuid]) -> Outcome<Vec<(Uuid, String)>> {
    session.by_ids("SELECT id, body FROM tasks JOIN task_bodies USING (seq) WHERE id = ?1", ids)
}

const RESULTS: &str =
    "SELECT id, outputs, resolved, inputs FROM tasks JOIN task_results USING (seq) WHERE id = ?1";

pub(super) fn results(session: &Session, ids: &[Uuid]) -> Outcome<Vec<ResultRow>> {
    session.by_ids(RESULTS, ids)
}

pub(super) fn put_results(session: &Session, rows: &[ResultRow]) -> Outcome<()> {
    let mut put = session.statement(
        "INSERT OR REPLACE INTO task_results (seq, outputs, resolved, inputs) \
         SELECT seq, ?2, ?3, ?4 FROM tasks WHERE id = ?1",
    )?;
    for row in rows {
        if put.execute(params![row.task_id.as_bytes(), row.outputs, row.resolved, row.inputs])? == 0 {
            return Err(Fault::Absent("task", row.task_id));
        }
    }
    Ok(())
}

pub(super) fn attempts(session: &Session, tasks: &[Uuid]) -> Outcome<Vec<AttemptRow>> {
    const SQL: &str = concat!(
        "SELECT ?1, ",
        attempt_columns!(),
        " FROM attempts WHERE task = (SELECT seq FROM tasks WHERE id = ?1) ORDER BY number"
    );
    session.by_ids(SQL, tasks)
}

pub(super) fn insert_attempts(session: &Session, rows: &[AttemptRow]) -> Outcome<()> {
    const SQL: &str = concat!(
        "INSERT OR FAIL INTO attempts (task, ",
        attempt_columns!(),
        ") SELECT seq, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM tasks WHERE id = ?1"
    );
    let mut insert = session.statement(SQL)?;
    for row in rows {
        if bind_attempt(&mut insert, row)? == 0 {
            return Err(Fault::Absent("task", row.task_id));
        }
    }
    Ok(())
}
