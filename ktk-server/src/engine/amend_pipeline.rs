//! `pipeline.patch`.

use ktk_client::api::{
    ApiError, Cause, Pipeline, check,
    event::Severity,
    patch::{PatchParams, Patched},
};

use super::{
    amend::{fixed_causes, patched},
    body,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    resolve,
};
use crate::store::{Operation, Tx};

/// Changes labels and annotations of a pipeline.
pub struct AmendPipeline {
    pub ask: Ask,
    pub params: PatchParams,
}

impl Operation for AmendPipeline {
    type Output = Done<Patched<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::pipeline(&self.ask, unit.tx, &self.params.reference).await?;
        let what = format!("pipeline {:?}", row.name);
        let before = object::pipelines(unit.tx, unit.shared, std::slice::from_ref(&row)).await?.remove(0);
        let after: Pipeline = patched(&self.params, &what, &before.metadata, &before)?;
        if after == before {
            return Ok(Done::quiet(Patched { object: before, changed: false }));
        }
        let mut causes = fixed_causes(&before, &after)?;
        if before.spec != after.spec {
            let words = format!(
                "stays as it was made: ktk restart pipeline/{} --all makes another incarnation",
                row.name
            );
            causes.push(Cause::new("spec", words));
        }
        causes.extend(check::amended(&after.metadata));
        if !causes.is_empty() {
            return Err(ApiError::invalid(&format!("the patch of {what}"), causes).into());
        }
        if self.params.dry_run {
            return Ok(Done::quiet(Patched { object: after, changed: true }));
        }
        let texts = unit.tx.pipeline_bodies(&[row.id]).await?;
        let text = texts.first().map(|(_, text)| text.as_str()).unwrap_or_default();
        let mut stored: body::PipelineBody = body::from_text(&row.name, text)?;
        stored.header.annotations.clone_from(&after.metadata.annotations);
        unit.tx.put_pipeline_bodies(&[(row.id, body::to_text(&stored)?)]).await?;
        unit.pipeline_mut(row.id).await?.labels = body::labels_text(&after.metadata.labels)?;
        unit.pipeline_event(&row, Severity::Normal, "Patched", "labels or annotations changed".into());
        unit.finish().await?;
        let row = unit.pipeline(row.id).await?.clone();
        let object = object::pipelines(unit.tx, unit.shared, &[row]).await?.remove(0);
        Ok(Done { answer: Patched { object, changed: true }, effects: unit.effects })
    }
}
