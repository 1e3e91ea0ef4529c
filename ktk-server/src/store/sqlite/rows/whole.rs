//! What collecting asks of tasks and pipelines.

use super::{Cells, Decoded, Stored};
use crate::model::{
    rare::{PipelineRare, TaskRare},
    row::{WholeKind, WholeRow},
};

/// The columns of a newest incarnation that come before how many tasks it is.
macro_rules! whole_columns {
    ($kind:literal) => {
        concat!(
            "id, ",
            $kind,
            ", context_id, namespace, name, phase, created_at, finished_at, deleted_at, rare"
        )
    };
}
pub(crate) use whole_columns;

const KIND: [WholeKind; 2] = [WholeKind::Task, WholeKind::Pipeline];

impl Stored for WholeRow {
    const KIND: &'static str = "whole";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        let id = cells.uuid()?;
        let kind = cells.one_of(&KIND)?;
        Ok(Self {
            kind,
            id,
            context_id: cells.uuid()?,
            namespace: cells.text()?,
            name: cells.text()?,
            phase: cells.phase()?,
            created_at: cells.time()?,
            finished_at: cells.opt_time()?,
            deleted_at: cells.opt_time()?,
            ttl: match kind {
                WholeKind::Task => cells.rare::<TaskRare>()?.ttl,
                WholeKind::Pipeline => cells.rare::<PipelineRare>()?.ttl,
            },
            tasks: cells.number()?,
        })
    }
}
