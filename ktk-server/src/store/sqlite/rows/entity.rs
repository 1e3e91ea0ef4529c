//! Objects without a namespace, and lanes.

use rusqlite::{Statement, params};

use super::{Cells, Decoded, Stored, micros};
use crate::model::{entity::EntityRow, lane::LaneRow};

/// The columns of an entity.
macro_rules! entity_columns {
    () => {
        "id, kind, name, labels, body, created_at, updated_at, version"
    };
}
pub(crate) use entity_columns;

impl Stored for EntityRow {
    const KIND: &'static str = "entity";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            kind: cells.text()?,
            name: cells.text()?,
            labels: cells.opt_text()?,
            body: cells.text()?,
            created_at: cells.time()?,
            updated_at: cells.time()?,
            version: cells.bits()?,
        })
    }
}

/// Runs a statement whose 8 parameters are the columns of an entity.
pub(in super::super) fn bind_entity(
    statement: &mut Statement<'_>,
    row: &EntityRow,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        row.id.as_bytes(),
        row.kind,
        row.name,
        row.labels,
        row.body,
        micros(row.created_at),
        micros(row.updated_at),
        row.version.cast_signed(),
    ])
}

impl Stored for LaneRow {
    const KIND: &'static str = "lane";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self { id: cells.number()?, lane: cells.json()?, passed: cells.opt_json()? })
    }
}
