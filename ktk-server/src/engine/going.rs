//! What is gone, or going: it takes no restart and no new need.

use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    unit::Unit,
};
use crate::{model::row::TaskRow, store::Tx};

/// Refuses what is about an incarnation of which only its place in the tree is left.
pub(super) fn refuse_stub(row: &TaskRow) -> EngineResult<()> {
    if !row.rare.stub {
        return Ok(());
    }
    let words =
        format!("{}@{} has been deleted: only its place in the tree is left", row.name, row.incarnation);
    Err(EngineError::conflict(words))
}

impl<T: Tx> Unit<'_, T> {
    /// Whether a task is being deleted, by itself or with its pipeline. Asks for its newest incarnation.
    pub async fn is_going(&mut self, newest: &TaskRow) -> EngineResult<bool> {
        if newest.deleted_at.is_some() {
            return Ok(true);
        }
        match newest.pipeline_id {
            Some(pipeline) => Ok(self.going_pipeline(pipeline).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The newest incarnation of this pipeline, if it is being deleted: all others go with it.
    pub(super) async fn going_pipeline(&mut self, pipeline: Uuid) -> EngineResult<Option<Uuid>> {
        let mut row = self.pipeline(pipeline).await?.clone();
        if !row.newest
            && let Some(newest) = self.tx.pipeline_named(&row.namespace, &row.name).await?
        {
            row = self.pipeline(newest.id).await?.clone();
        }
        Ok(row.deleted_at.map(|_| row.id))
    }

    /// A need that another incarnation of this task could not have, in words. Steps of a pipeline need
    /// steps of it, which go all together.
    pub async fn lost_need(&mut self, row: &TaskRow) -> EngineResult<Option<String>> {
        if row.pipeline_id.is_some() || row.needs == 0 {
            return Ok(None);
        }
        let needs: Vec<Uuid> =
            self.tx.needs_of(&[row.context_id]).await?.iter().map(|edge| edge.need).collect();
        self.load_newest(&needs).await?;
        for need in needs {
            let Some(newest) = self.newest_of(need).cloned() else {
                return Ok(Some("a task that has been deleted".into()));
            };
            if self.is_going(&newest).await? {
                return Ok(Some(format!("{}, which is being deleted", newest.name)));
            }
        }
        Ok(None)
    }
}
