//! Events, and what remains of deleted objects.

use ktk_client::api::event::Severity;
use rusqlite::{Statement, params};

use super::{Cells, Decoded, Stored, micros, opt_bytes};
use crate::model::row::{EventRow, TombstoneRow};

/// The columns of an event.
macro_rules! event_columns {
    () => {
        "id, at, namespace, severity, reason, object_kind, object_id, object_name, object_incarnation, \
         pipeline_id, by, message"
    };
}
pub(crate) use event_columns;

/// The columns of a tombstone.
macro_rules! tombstone_columns {
    () => {
        "version, kind, id, context_id, pipeline_id, namespace, name, incarnation, labels, at"
    };
}
pub(crate) use tombstone_columns;

impl Stored for EventRow {
    const KIND: &'static str = "event";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            at: cells.time()?,
            namespace: cells.text()?,
            severity: cells.one_of(&[Severity::Normal, Severity::Warning])?,
            reason: cells.text()?,
            object_kind: cells.text()?,
            object_id: cells.uuid()?,
            object_name: cells.text()?,
            object_incarnation: cells.number()?,
            pipeline_id: cells.opt_uuid()?,
            by: cells.text()?,
            message: cells.text()?,
        })
    }
}

/// Runs a statement whose 12 parameters are an event.
pub(in super::super) fn bind_event(statement: &mut Statement<'_>, row: &EventRow) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.id.as_bytes(),
        micros(row.at),
        row.namespace,
        row.severity as u8,
        row.reason,
        row.object_kind,
        row.object_id.as_bytes(),
        row.object_name,
        row.object_incarnation,
        opt_bytes(&row.pipeline_id),
        row.by,
        row.message,
    ])
}

impl Stored for TombstoneRow {
    const KIND: &'static str = "tombstone";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            version: cells.bits()?,
            kind: cells.text()?,
            id: cells.uuid()?,
            context_id: cells.uuid()?,
            pipeline_id: cells.opt_uuid()?,
            namespace: cells.text()?,
            name: cells.text()?,
            incarnation: cells.number()?,
            labels: cells.opt_text()?,
            at: cells.time()?,
        })
    }
}

/// Runs a statement whose 10 parameters are a tombstone.
pub(in super::super) fn bind_tombstone(
    statement: &mut Statement<'_>,
    row: &TombstoneRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.version.cast_signed(),
        row.kind,
        row.id.as_bytes(),
        row.context_id.as_bytes(),
        opt_bytes(&row.pipeline_id),
        row.namespace,
        row.name,
        row.incarnation,
        row.labels,
        micros(row.at),
    ])
}
