//! Failures, and whether a later incarnation has mended them.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::Phase;
use uuid::Uuid;

use super::{error::EngineResult, unit::Unit};
use crate::{model::row::TaskRow, store::Tx};

/// By which incarnation each of these failures was mended; what was not is left out.
pub(super) async fn resolved_by<T: Tx>(tx: &mut T, rows: &[TaskRow]) -> EngineResult<BTreeMap<Uuid, Uuid>> {
    let failed: Vec<&TaskRow> = rows.iter().filter(|row| row.phase == Phase::Failed && !row.newest).collect();
    let trees = trees_of(tx, &failed).await?;
    let mut found = BTreeMap::new();
    for row in failed {
        let later = trees[&row.context_id].iter().find(|other| mends(other, row));
        found.extend(later.map(|other| (row.id, other.id)));
    }
    Ok(found)
}

/// The contexts of these rows, whole.
async fn trees_of<T: Tx>(tx: &mut T, rows: &[&TaskRow]) -> EngineResult<BTreeMap<Uuid, Vec<TaskRow>>> {
    let contexts: BTreeSet<Uuid> = rows.iter().map(|row| row.context_id).collect();
    let mut trees = BTreeMap::new();
    for context in contexts {
        trees.insert(context, tx.context_tasks(context).await?);
    }
    Ok(trees)
}

fn mends(other: &TaskRow, failed: &TaskRow) -> bool {
    other.incarnation > failed.incarnation && other.phase == Phase::Succeeded
}

/// Whether a failure is nobody's concern any more: it was mended, or its task came to be skipped, as an item is that its
/// step has no more.
fn settles(other: &TaskRow, failed: &TaskRow) -> bool {
    mends(other, failed) || (other.incarnation > failed.incarnation && other.phase == Phase::Skipped)
}

/// Leaves of all rows the failures that nothing has settled: of each context the newest, or all of them.
pub(super) async fn retain_unresolved<T: Tx>(
    tx: &mut T,
    rows: &mut Vec<TaskRow>,
    all_incarnations: bool,
) -> EngineResult<()> {
    rows.retain(|row| row.phase == Phase::Failed);
    let older: Vec<&TaskRow> = rows.iter().filter(|row| !row.newest).collect();
    let trees = trees_of(tx, &older).await?;
    rows.retain(|row| {
        let later = trees.get(&row.context_id).map(Vec::as_slice).unwrap_or_default();
        let is_last = |other: &TaskRow| other.phase == Phase::Failed && other.incarnation > row.incarnation;
        row.newest || !later.iter().any(|other| settles(other, row) || (!all_incarnations && is_last(other)))
    });
    Ok(())
}

impl<T: Tx> Unit<'_, T> {
    /// A success changes what is told of the failures before it: who watches them is told.
    pub(super) async fn tell_mended(&mut self, id: Uuid) -> EngineResult<()> {
        let success = self.task(id)?.clone();
        if success.incarnation == 1 {
            return Ok(());
        }
        let older: Vec<TaskRow> = self
            .tx
            .context_tasks(success.context_id)
            .await?
            .into_iter()
            .take_while(|row| row.incarnation < success.incarnation)
            .collect();
        let last_success = older.iter().rposition(|row| row.phase == Phase::Succeeded);
        for row in older.into_iter().skip(last_success.map_or(0, |index| index + 1)) {
            if row.phase == Phase::Failed {
                let id = self.adopt(row);
                self.task_mut(id)?;
            }
        }
        Ok(())
    }
}
