//! Pipelines.

use rusqlite::{Statement, params};

use super::{Cells, Decoded, Stored, head_key, micros, opt_bytes, opt_micros, opt_rare, opt_reason};
use crate::model::row::PipelineRow;

/// The columns of a pipeline. The first seven never change.
macro_rules! pipeline_columns {
    () => {
        "id, context_id, parent_id, incarnation, namespace, name, head, newest, labels, phase, reason, message, \
         total, done, failed, cancelled, admitted, max_parallel, fail_fast, tripped, cancel_reason, cancel_now, \
         restarts, created_at, updated_at, started_at, finished_at, deleted_at, version, rare"
    };
}
pub(crate) use pipeline_columns;

impl Stored for PipelineRow {
    const KIND: &'static str = "pipeline";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            context_id: cells.uuid()?,
            parent_id: cells.opt_uuid()?,
            incarnation: cells.number()?,
            namespace: cells.text()?,
            name: cells.text()?,
            head: cells.head()?,
            newest: cells.flag()?,
            labels: cells.opt_text()?,
            phase: cells.phase()?,
            reason: cells.opt_reason()?,
            message: cells.opt_text()?,
            total: cells.number()?,
            done: cells.number()?,
            failed: cells.number()?,
            cancelled: cells.number()?,
            admitted: cells.number()?,
            max_parallel: cells.opt_number()?,
            fail_fast: cells.flag()?,
            tripped: cells.flag()?,
            cancel: cells.opt_stop()?,
            restarts: cells.number()?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
            started_at: cells.opt_time()?,
            finished_at: cells.opt_time()?,
            deleted_at: cells.opt_time()?,
            version: cells.bits()?,
            rare: cells.rare()?,
        })
    }
}

/// Runs a statement whose 30 parameters are the columns of a pipeline.
pub(in super::super) fn bind_pipeline(
    statement: &mut Statement<'_>,
    row: &PipelineRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.id.as_bytes(),
        row.context_id.as_bytes(),
        opt_bytes(&row.parent_id),
        row.incarnation,
        row.namespace,
        row.name,
        head_key(row.head),
        row.newest,
        row.labels,
        row.phase.number(),
        opt_reason(row.reason),
        row.message,
        row.total,
        row.done,
        row.failed,
        row.cancelled,
        row.admitted,
        row.max_parallel,
        row.fail_fast,
        row.tripped,
        row.cancel.map(|stop| stop.reason.number()),
        row.cancel.map(|stop| stop.now),
        row.restarts,
        micros(row.created_at),
        micros(row.updated_at),
        opt_micros(row.started_at),
        opt_micros(row.finished_at),
        opt_micros(row.deleted_at),
        row.version.cast_signed(),
        opt_rare(&row.rare),
    ])
}
