//! `object.applied`: what the last apply of an object has set.

use ktk_client::api::{
    ApiError, Cause, Entity as _, Queue, Semaphore, TaskType,
    apply::{LastAppliedParams, Record},
};

use super::{
    apply::Applied,
    body,
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::Ask,
    resolve,
};
use crate::store::{Operation, Tx};

/// `object.applied`.
pub struct LastApplied {
    pub ask: Ask,
    pub params: LastAppliedParams,
}

impl Operation for LastApplied {
    type Output = Record;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Record> {
        let reference = &self.params.reference;
        let applied = match self.params.kind.as_str() {
            "Task" => {
                let row = resolve::task(&self.ask, tx, reference).await?.row;
                self.ask.check_sees(&row)?;
                let bodies = tx.task_bodies(&[row.id]).await?;
                let text = bodies.first().map(|(_, text)| text.as_str()).unwrap_or_default();
                body::from_text::<body::TaskBody>(&row.name, text)?.applied.map(|applied| *applied)
            }
            "Pipeline" => {
                let row = resolve::pipeline(&self.ask, tx, reference).await?;
                let bodies = tx.pipeline_bodies(&[row.id]).await?;
                let text = bodies.first().map(|(_, text)| text.as_str()).unwrap_or_default();
                body::from_text::<body::PipelineBody>(&row.name, text)?.applied.map(|applied| *applied)
            }
            Queue::KIND => self.of_entity::<Queue, T>(tx).await?,
            Semaphore::KIND => self.of_entity::<Semaphore, T>(tx).await?,
            TaskType::KIND => self.of_entity::<TaskType, T>(tx).await?,
            other => {
                let words = format!("{other:?} is no kind that can be applied");
                return Err(ApiError::invalid("the request", vec![Cause::new("kind", words)]).into());
            }
        };
        Ok(applied.map(Applied::record).unwrap_or_default())
    }
}

impl LastApplied {
    async fn of_entity<K: Kind, T: Tx>(&self, tx: &mut T) -> EngineResult<Option<Applied>> {
        let object = entity::resolve::<K, T>(tx, &self.params.reference).await?;
        let rows = tx.entities(K::KIND, &[object.key()]).await?;
        Ok(rows.first().map(entity::applied).transpose()?.flatten())
    }
}
