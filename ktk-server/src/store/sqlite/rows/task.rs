//! Tasks.

use ktk_client::api::{restart::Cascade, task::RunIf};
use rusqlite::{Statement, params};

use super::{Cells, Decoded, Stored, head_key, micros, opt_bytes, opt_micros, opt_rare, opt_reason};
use crate::model::row::{LineRow, TaskRow};

/// The columns of a task. The first fourteen never change, or rarely; the others are its state.
macro_rules! task_columns {
    () => {
        "id, context_id, parent_id, incarnation, namespace, name, head, pipeline_id, step, execution_id, \
         command, executor, queue, priority, newest, labels, run_if, cascade, phase, reason, message, admitted, \
         needs, live_needs, bad_needs, attempt, counted, lost, fence_epoch, fence_counter, node_id, node, \
         exit_code, output_digest, stop_reason, stop_now, wish, created_at, updated_at, ready_at, started_at, \
         finished_at, due_at, deleted_at, version, rare, token, lane"
    };
}
pub(crate) use task_columns;

/// The columns that a table shows: the fewer are read, the faster is a list of many.
macro_rules! line_columns {
    () => {
        "namespace, name, incarnation, phase, reason, attempt, created_at, lane, \
         CASE WHEN phase = 0 AND reason = 5 THEN executor END"
    };
}
pub(crate) use line_columns;

const RUN_IF: [RunIf; 3] = [RunIf::Success, RunIf::Failure, RunIf::Always];

impl Stored for TaskRow {
    const KIND: &'static str = "task";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            context_id: cells.uuid()?,
            parent_id: cells.opt_uuid()?,
            incarnation: cells.number()?,
            namespace: cells.text()?,
            name: cells.text()?,
            head: cells.head()?,
            pipeline_id: cells.opt_uuid()?,
            step: cells.opt_text()?,
            execution_id: cells.uuid()?,
            command: cells.text()?,
            executor: cells.text()?,
            queue: cells.text()?,
            priority: cells.number()?,
            newest: cells.flag()?,
            labels: cells.opt_text()?,
            run_if: cells.one_of(&RUN_IF)?,
            cascade: cells.one_of(&[Cascade::Auto, Cascade::All, Cascade::None])?,
            phase: cells.phase()?,
            reason: cells.opt_reason()?,
            message: cells.opt_text()?,
            admitted: cells.flag()?,
            needs: cells.number()?,
            live_needs: cells.number()?,
            bad_needs: cells.number()?,
            attempt: cells.number()?,
            counted: cells.number()?,
            lost: cells.number()?,
            fence: cells.opt_fence()?,
            node_id: cells.opt_uuid()?,
            node: cells.opt_text()?,
            exit_code: cells.opt_number()?,
            output_digest: cells.opt_text()?,
            stop: cells.opt_stop()?,
            wish: cells.opt_text()?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
            ready_at: cells.opt_time()?,
            started_at: cells.opt_time()?,
            finished_at: cells.opt_time()?,
            due_at: cells.opt_time()?,
            deleted_at: cells.opt_time()?,
            version: cells.bits()?,
            rare: cells.rare()?,
            token: cells.opt_digest()?,
            lane: cells.number()?,
        })
    }
}

impl Stored for LineRow {
    const KIND: &'static str = "task";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            namespace: cells.text()?,
            name: cells.text()?,
            incarnation: cells.number()?,
            phase: cells.phase()?,
            reason: cells.opt_reason()?,
            attempt: cells.number()?,
            created_at: cells.time()?,
            lane: cells.number()?,
            executor: cells.opt_text()?,
        })
    }
}

/// Runs a statement whose 48 parameters are the columns of a task.
pub(in super::super) fn bind_task(statement: &mut Statement<'_>, row: &TaskRow) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.id.as_bytes(),
        row.context_id.as_bytes(),
        opt_bytes(&row.parent_id),
        row.incarnation,
        row.namespace,
        row.name,
        head_key(row.head),
        opt_bytes(&row.pipeline_id),
        row.step,
        row.execution_id.as_bytes(),
        row.command,
        row.executor,
        row.queue,
        row.priority,
        row.newest,
        row.labels,
        row.run_if as u8,
        row.cascade.number(),
        row.phase.number(),
        opt_reason(row.reason),
        row.message,
        row.admitted,
        row.needs,
        row.live_needs,
        row.bad_needs,
        row.attempt,
        row.counted,
        row.lost,
        row.fence.map(|fence| fence.epoch.cast_signed()),
        row.fence.map(|fence| fence.counter.cast_signed()),
        opt_bytes(&row.node_id),
        row.node,
        row.exit_code,
        row.output_digest,
        row.stop.map(|stop| stop.reason.number()),
        row.stop.map(|stop| stop.now),
        row.wish,
        micros(row.created_at),
        micros(row.updated_at),
        opt_micros(row.ready_at),
        opt_micros(row.started_at),
        opt_micros(row.finished_at),
        opt_micros(row.due_at),
        opt_micros(row.deleted_at),
        row.version.cast_signed(),
        opt_rare(&row.rare),
        row.token,
        row.lane,
    ])
}

/// Runs a statement whose parameters are a task's place and what its ordinary course writes.
pub(in super::super) fn bind_course(
    statement: &mut Statement<'_>,
    seq: i64,
    row: &TaskRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        seq,
        row.phase.number(),
        opt_reason(row.reason),
        row.message,
        row.attempt,
        row.counted,
        row.lost,
        row.fence.map(|fence| fence.epoch.cast_signed()),
        row.fence.map(|fence| fence.counter.cast_signed()),
        opt_bytes(&row.node_id),
        row.node,
        row.exit_code,
        row.output_digest,
        micros(row.updated_at),
        opt_micros(row.ready_at),
        opt_micros(row.started_at),
        opt_micros(row.finished_at),
        row.version.cast_signed(),
        row.token,
        row.admitted,
    ])
}
