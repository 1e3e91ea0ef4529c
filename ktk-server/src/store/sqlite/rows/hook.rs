//! Hooks that are to be called.

use ktk_client::api::hook::Moment;

use super::{Cells, Decoded, Stored};
use crate::model::row::HookRow;

impl Stored for HookRow {
    const KIND: &'static str = "hook";

    fn decode(cells: &mut Cells<'_>) -> Decoded<Self> {
        Ok(Self {
            id: cells.uuid()?,
            task_id: cells.uuid()?,
            moment: cells.one_of(&Moment::ALL)?,
            attempt: cells.number()?,
            body: cells.text()?,
        })
    }
}
