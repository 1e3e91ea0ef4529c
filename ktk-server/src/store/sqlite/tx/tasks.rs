//! Tasks with their bodies, results and attempts.

use std::ops::RangeInclusive;

use ktk_client::api::Phase;
use rusqlite::{Statement, params};
use uuid::Uuid;

use super::super::{
    fault::{Fault, Outcome},
    rows::{attempt_columns, bind_attempt, bind_course, bind_task, head_key, task_columns},
    session::{Session, once},
    warm::{Warm, WarmTask, is_ordinary_course},
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

/// What a claim and the end of an attempt write: the indexes of everything else stay as they are.
pub(super) const COURSE: &str = "UPDATE OR FAIL tasks SET phase = ?2, reason = ?3, message = ?4, attempt = ?5, \
     counted = ?6, lost = ?7, fence_epoch = ?8, fence_counter = ?9, node_id = ?10, node = ?11, exit_code = ?12, \
     output_digest = ?13, updated_at = ?14, ready_at = ?15, started_at = ?16, finished_at = ?17, version = ?18, \
     token = ?19, admitted = ?20 WHERE seq = ?1";

/// The tasks with these ids, from memory where they are there.
pub(super) fn by_ids(session: &Session, ids: &[Uuid]) -> Outcome<Vec<TaskRow>> {
    all(session, BY_ID, ids, Warm::get)
}

/// The newest incarnations of these contexts.
pub(super) fn newest(session: &Session, contexts: &[Uuid]) -> Outcome<Vec<TaskRow>> {
    all(session, NEWEST, contexts, Warm::newest)
}

/// Adds a task, if it is there and can be read.
pub(super) fn add(session: &Session, found: &mut Vec<TaskRow>, id: Uuid) -> Outcome<()> {
    known_or_loaded(session, &mut *session.statement(BY_ID)?, found, id, Warm::get)
}

fn all(session: &Session, sql: &str, ids: &[Uuid], known: Known) -> Outcome<Vec<TaskRow>> {
    let mut statement = session.statement(sql)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in once(ids) {
        known_or_loaded(session, &mut statement, &mut found, id, known)?;
    }
    Ok(found)
}

/// How what is remembered answers a statement.
type Known = for<'w> fn(&'w Warm, &Uuid) -> Option<&'w WarmTask>;

fn known_or_loaded(
    session: &Session,
    statement: &mut Statement<'_>,
    found: &mut Vec<TaskRow>,
    id: Uuid,
    known: Known,
) -> Outcome<()> {
    if let Some(task) = known(&session.warm.borrow(), &id) {
        #[cfg(test)]
        is_as_stored(session, &task.row);
        found.push(task.row.clone());
        return Ok(());
    }
    session.extend(found, statement, [id.as_bytes()], usize::MAX)
}

/// The file is right: tests compare what is remembered with it each time.
#[cfg(test)]
fn is_as_stored(session: &Session, row: &TaskRow) {
    let stored: Option<TaskRow> = session.row(BY_ID, [row.id.as_bytes()]).expect("it can be loaded");
    assert_eq!(stored.as_ref(), Some(row), "what is remembered is what is stored");
}

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
    let mut warm = session.warm.borrow_mut();
    for task in tasks {
        session.writes(task.row.version, task.row.id)?;
        bind_task(&mut insert, &task.row)?;
        let seq = session.connection.last_insert_rowid();
        body.execute(params![seq, task.body])?;
        warm.put(seq, &task.row, Some(&task.body));
    }
    Ok(())
}

pub(super) fn update(session: &Session, rows: &[TaskRow]) -> Outcome<()> {
    let mut warm = session.warm.borrow_mut();
    let mut course = session.statement(COURSE)?;
    for row in rows {
        if let Some(task) = warm.get(&row.id)
            && is_ordinary_course(&task.row, row)
        {
            if bind_course(&mut course, task.seq, row)? == 0 {
                return Err(Fault::Absent("task", row.id));
            }
            session.writes(row.version, row.id)?;
            warm.follow(row);
            continue;
        }
        replace(session, row)?;
        session.writes(row.version, row.id)?;
        if warm.get(&row.id).is_some() {
            warm.change(row);
        } else if row.phase == Phase::Running {
            // It has been claimed, and will be reported.
            let seq = session.value("SELECT seq FROM tasks WHERE id = ?1", [row.id.as_bytes()])?;
            warm.put(seq, row, None);
        }
    }
    Ok(())
}

/// Writes a row of which more has changed than its ordinary course.
fn replace(session: &Session, row: &TaskRow) -> Outcome<()> {
    let is_written = bind_task(&mut *session.statement(CHANGE)?, row)? > 0
        || bind_task(&mut *session.statement(REPLACE)?, row)? > 0;
    if is_written { Ok(()) } else { Err(Fault::Absent("task", row.id)) }
}

pub(super) fn delete(session: &Session, ids: &[Uuid]) -> Outcome<()> {
    strip(session, ids)?;
    session.for_ids("DELETE FROM tasks WHERE id = ?1", ids)
}

pub(super) fn strip(session: &Session, ids: &[Uuid]) -> Outcome<()> {
    ids.iter().for_each(|id| session.warm.borrow_mut().forget(id));
    for table in [
        "DELETE FROM task_bodies WHERE seq = (SELECT seq FROM tasks WHERE id = ?1)",
        "DELETE FROM task_results WHERE seq = (SELECT seq FROM tasks WHERE id = ?1)",
        "DELETE FROM attempts WHERE task = (SELECT seq FROM tasks WHERE id = ?1)",
    ] {
        session.for_ids(table, ids)?;
    }
    Ok(())
}

pub(super) fn put_bodies(session: &Session, rows: &[(Uuid, String)]) -> Outcome<()> {
    const SQL: &str = "UPDATE task_bodies SET body = ?2 WHERE seq = (SELECT seq FROM tasks WHERE id = ?1)";
    let mut change = session.statement(SQL)?;
    for (id, body) in rows {
        session.warm.borrow_mut().forget(id);
        if change.execute(params![id.as_bytes(), body])? == 0 {
            return Err(Fault::Absent("task", *id));
        }
    }
    Ok(())
}

pub(super) fn bodies(session: &Session, ids: &[Uuid]) -> Outcome<Vec<(Uuid, String)>> {
    const SQL: &str = "SELECT id, body FROM tasks JOIN task_bodies USING (seq) WHERE id = ?1";
    let warm = session.warm.borrow();
    let mut statement = session.statement(SQL)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in once(ids) {
        match warm.get(&id).and_then(|task| task.body.clone()) {
            Some(body) => found.push((id, body)),
            None => session.extend(&mut found, &mut statement, [id.as_bytes()], usize::MAX)?,
        }
    }
    Ok(found)
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
