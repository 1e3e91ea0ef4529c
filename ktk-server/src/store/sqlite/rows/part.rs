//! What belongs to a task (results, attempts, needs), nodes, requests.

use ktk_client::api::node::NodePhase;
use rusqlite::{Statement, params};
use uuid::Uuid;

use super::{Cells, Decoded, Stored, micros, opt_reason};
use crate::model::row::{AttemptRow, NeedRow, NodeRow, RequestRow, ResultRow};

/// The columns of an attempt behind its task's id.
macro_rules! attempt_columns {
    () => {
        "number, node, started_at, finished_at, reason, exit_code, signal, message"
    };
}
pub(crate) use attempt_columns;

/// The columns of a node.
macro_rules! node_columns {
    () => {
        "id, name, role, generation, slots, labels, types, processes, phase, registered_at, heartbeat_at, version"
    };
}
pub(crate) use node_columns;

const NODE_PHASE: [NodePhase; 4] =
    [NodePhase::Ready, NodePhase::Stopping, NodePhase::Stopped, NodePhase::Lost];

/// A manifest with its object's id.
impl Stored for (Uuid, String) {
    const KIND: &'static str = "body";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok((cells.uuid()?, cells.text()?))
    }
}

impl Stored for ResultRow {
    const KIND: &'static str = "result";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            task_id: cells.uuid()?,
            outputs: cells.opt_text()?,
            resolved: cells.opt_text()?,
            inputs: cells.opt_text()?,
        })
    }
}

impl Stored for AttemptRow {
    const KIND: &'static str = "attempt";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            task_id: cells.uuid()?,
            number: cells.number()?,
            node: cells.text()?,
            started_at: cells.time()?,
            finished_at: cells.time()?,
            reason: cells.opt_reason()?,
            exit_code: cells.opt_number()?,
            signal: cells.opt_number()?,
            message: cells.opt_text()?,
        })
    }
}

/// Runs a statement whose 9 parameters are an attempt.
pub(in super::super) fn bind_attempt(
    statement: &mut Statement<'_>,
    row: &AttemptRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.task_id.as_bytes(),
        row.number,
        row.node,
        micros(row.started_at),
        micros(row.finished_at),
        opt_reason(row.reason),
        row.exit_code,
        row.signal,
        row.message,
    ])
}

impl Stored for NeedRow {
    const KIND: &'static str = "need";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self { need: cells.uuid()?, dependent: cells.uuid()? })
    }
}

impl Stored for NodeRow {
    const KIND: &'static str = "node";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            name: cells.text()?,
            role: cells.text()?,
            generation: cells.number()?,
            slots: cells.number()?,
            labels: cells.text()?,
            types: cells.text()?,
            processes: cells.flag()?,
            phase: cells.one_of(&NODE_PHASE)?,
            registered_at: cells.time()?,
            heartbeat_at: cells.time()?,
            version: cells.bits()?,
        })
    }
}

/// Runs a statement whose 12 parameters are a node.
pub(in super::super) fn bind_node(statement: &mut Statement<'_>, row: &NodeRow) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.id.as_bytes(),
        row.name,
        row.role,
        row.generation,
        row.slots,
        row.labels,
        row.types,
        row.processes,
        row.phase as u8,
        micros(row.registered_at),
        micros(row.heartbeat_at),
        row.version.cast_signed(),
    ])
}

impl Stored for RequestRow {
    const KIND: &'static str = "request";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self { key: cells.text()?, digest: cells.digest()?, answer: cells.text()?, at: cells.time()? })
    }
}

/// Runs a statement whose 4 parameters are a request.
pub(in super::super) fn bind_request(
    statement: &mut Statement<'_>,
    row: &RequestRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![row.key, row.digest, row.answer, micros(row.at)])
}
