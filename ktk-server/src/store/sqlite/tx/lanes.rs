//! Lanes: what waits and runs in them, and the lanes themselves.

use ktk_client::api::Phase;
use rusqlite::params;

use super::{
    super::{fault::Outcome, rows::task_columns, session::Session},
    work,
};
use crate::model::{
    lane::{LaneRow, PLAIN, Running},
    row::TaskRow,
};

pub(super) const ALL: &str = "SELECT id, lane, passed FROM lanes ORDER BY id";
pub(super) const CLAIMABLE: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks WHERE lane = ?1 AND phase <= 1 AND lane > 0 AND phase = 0 AND reason = 5 AND admitted = 1 \
     ORDER BY priority DESC, ready_at, id"
);
pub(super) const TASKS: &str = concat!(
    "SELECT ",
    task_columns!(),
    " FROM tasks WHERE lane = ?1 AND phase <= 1 AND lane > 0 AND phase = ?2 \
     ORDER BY reason, admitted, priority DESC, ready_at, id"
);
pub(super) const WAITING: &str = "SELECT count(*) FROM tasks \
     WHERE lane = ?1 AND phase <= 1 AND lane > 0 AND phase = 0 AND reason = 5 AND admitted = 1";
pub(super) const RUNNING: &str = "SELECT count(*), count(node_id) FROM tasks \
     WHERE lane = ?1 AND phase <= 1 AND lane > 0 AND phase = 1";
/// The plain lane has no index of its own: few run at once.
pub(super) const RUNNING_PLAIN: &str = "SELECT count(*), count(node_id) FROM tasks INDEXED BY tasks_running \
     WHERE phase = 1 AND lane = ?1";

pub(super) fn claimable(session: &Session, lanes: &[u32], limit: usize) -> Outcome<Vec<TaskRow>> {
    let mut found = Vec::new();
    for lane in lanes {
        found.extend(session.rows::<TaskRow>(CLAIMABLE, [lane], limit)?);
    }
    if lanes.len() > 1 {
        found.sort_by_key(|row| (std::cmp::Reverse(row.priority), row.ready_at, row.id));
        found.truncate(limit);
    }
    Ok(found)
}

pub(super) fn tasks(session: &Session, lanes: &[u32], phase: Phase, limit: usize) -> Outcome<Vec<TaskRow>> {
    let mut found = Vec::new();
    for lane in lanes {
        let left = limit - found.len();
        found.extend(session.rows::<TaskRow>(TASKS, params![lane, phase.number()], left)?);
    }
    Ok(found)
}

pub(super) fn running(session: &Session, lanes: &[u32]) -> Outcome<Vec<Running>> {
    let count = |lane: &u32| {
        let sql = if *lane == PLAIN { RUNNING_PLAIN } else { RUNNING };
        let counts = session.statement(sql)?.query_row([lane], |row| Ok((row.get(0)?, row.get(1)?)));
        let (all, on_nodes): (i64, i64) = counts?;
        Ok(Running { all: all.cast_unsigned(), on_nodes: on_nodes.cast_unsigned() })
    };
    lanes.iter().map(count).collect()
}

pub(super) fn waiting(session: &Session, lanes: &[u32]) -> Outcome<Vec<u64>> {
    let count = |lane: &u32| match *lane {
        PLAIN => session.value::<i64>(work::PLAIN_WAITING, []).map(i64::cast_unsigned),
        lane => session.value::<i64>(WAITING, [lane]).map(i64::cast_unsigned),
    };
    lanes.iter().map(count).collect()
}

pub(super) fn put(session: &Session, rows: &[LaneRow]) -> Outcome<()> {
    let mut put = session.statement("INSERT OR REPLACE INTO lanes (id, lane, passed) VALUES (?1, ?2, ?3)")?;
    for row in rows {
        let lane = serde_json::to_string(&row.lane).expect("its fields are plain data");
        let passed = row.passed.map(|passed| serde_json::to_string(&passed).expect("plain data"));
        put.execute(params![row.id, lane, passed])?;
    }
    Ok(())
}

pub(super) fn delete(session: &Session, ids: &[u32]) -> Outcome<()> {
    let mut delete = session.statement("DELETE FROM lanes WHERE id = ?1")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}
