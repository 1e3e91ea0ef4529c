//! `pipeline.apply`: a pipeline is made, or its labels and annotations are changed.

use ktk_client::api::{
    ApiError, Cause, Pipeline,
    apply::{AppliedObject, ApplyOutcome, ApplyParams},
    check,
    event::Severity,
    field,
    pipeline::{CreateParams, PipelineSpec},
};
use serde_json::Value;

use super::{
    apply::{self, Applied},
    body::{self, PipelineBody},
    create_pipeline::CreatePipeline,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    model::{apply::merge, row::PipelineRow},
    store::{Operation, Tx},
};

/// `pipeline.apply`.
pub struct ApplyPipeline {
    ask: Ask,
    given: Pipeline,
    applied: Applied,
    create: CreatePipeline,
}

impl ApplyPipeline {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` for what has no name; `Forbidden` for a namespace that is not the asker's.
    pub fn new(
        ask: Ask,
        params: ApplyParams<Pipeline>,
        types: &[String],
        expressions: Vec<Cause>,
    ) -> EngineResult<Self> {
        let given = params.object;
        apply::check_named("Pipeline", &given.metadata, params.source.as_deref())?;
        let applied = Applied::new(&given.metadata, body::to_value(&given.spec)?, params.source.as_deref());
        let mut object = given.clone();
        for run in object.spec.steps.iter_mut().filter_map(|step| step.run.as_mut()) {
            run.working_dir = run.working_dir.take().or_else(|| params.caller_dir.clone());
        }
        let create = CreateParams {
            object,
            params: Default::default(),
            request_id: None,
            caller_env: params.caller_env,
            new_name_if_taken: false,
            dry_run: false,
        };
        let create = CreatePipeline::new(ask.clone(), create, types, expressions)?;
        Ok(Self { ask, given, applied, create })
    }
}

impl Operation for ApplyPipeline {
    type Output = Done<AppliedObject<Pipeline>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let metadata = &self.given.metadata;
        match tx.pipeline_named(metadata.namespace(), metadata.name()).await? {
            None => {
                let done = self.create.run(tx).await?;
                let mut unit = self.ask.unit(tx);
                let (object, created) = (done.answer.object, done.answer.created);
                let outcome = if created { ApplyOutcome::Created } else { ApplyOutcome::Unchanged };
                let mut effects = done.effects;
                if let Some(id) = object.metadata.id.filter(|_| created) {
                    let row = unit.pipeline(id).await?.clone();
                    let stored = unit.pipeline_body(&row).await?;
                    unit.note_applied_whole(&row, stored, &self.applied).await?;
                    unit.finish().await?;
                    effects.version = unit.effects.version.max(effects.version);
                }
                Ok(Done { answer: AppliedObject { object, outcome, adopted: false }, effects })
            }
            Some(row) => self.change(self.ask.unit(tx), row).await,
        }
    }
}

impl ApplyPipeline {
    async fn change<T: Tx>(
        &self,
        mut unit: Unit<'_, T>,
        row: PipelineRow,
    ) -> EngineResult<Done<AppliedObject<Pipeline>>> {
        let what = format!("the manifest of pipeline {:?}", row.name);
        let mut stored = unit.pipeline_body(&row).await?;
        let last = stored.applied.take();
        let last = last.as_deref();
        let applied = &self.applied.in_set(&format!("pipeline {:?}", row.name), last)?;
        let before = object::pipelines(unit.tx, unit.shared, std::slice::from_ref(&row)).await?.remove(0);
        let given = apply::texts_and(&self.given.metadata, Value::Null);
        let texts = apply::texts_and(&before.metadata, Value::Null);
        let of_texts = last.map(|last| {
            let manifest = serde_json::json!({"metadata": last.manifest["metadata"], "spec": null});
            Applied { source: None, manifest }
        });
        let merged = apply::merged(of_texts.as_ref(), &given, &texts);
        let after = apply::texts_of(&merged, &before.metadata);
        let mut causes = self.fixed_causes(&row, last, &stored.spec)?;
        causes.extend(check::amended(&after));
        if !causes.is_empty() {
            return Err(ApiError::invalid(&what, causes).into());
        }
        let is_same = after == before.metadata;
        if is_same && last == Some(applied) {
            return Ok(Done::quiet(apply::answer(before, false, last)));
        }
        stored.header.annotations.clone_from(&after.annotations);
        unit.pipeline_mut(row.id).await?.labels = body::labels_text(&after.labels)?;
        if !is_same {
            unit.pipeline_event(&row, Severity::Normal, "Applied", "labels or annotations changed".into());
        }
        unit.note_applied_whole(&row, stored, applied).await?;
        unit.finish().await?;
        let row = unit.pipeline(row.id).await?.clone();
        let object = object::pipelines(unit.tx, unit.shared, &[row]).await?.remove(0);
        Ok(Done { answer: apply::answer(object, true, last), effects: unit.effects })
    }

    /// What the manifest wants otherwise of a spec that stays as it was made.
    fn fixed_causes(
        &self,
        row: &PipelineRow,
        last: Option<&Applied>,
        made: &PipelineSpec,
    ) -> EngineResult<Vec<Cause>> {
        let mut given = self.given.spec.clone();
        if last.is_none() {
            take_directories(&mut given, made);
        }
        let given = body::to_value(&given)?;
        let made = body::to_value(made)?;
        let base = last.map_or(&made, |last| &last.manifest["spec"]);
        let wanted = merge(last.map_or(&Value::Null, |_| base), &given, base);
        let mut names: Vec<&String> =
            wanted.as_object().into_iter().chain(base.as_object()).flatten().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        let differ = names.into_iter().filter(|name| wanted.get(*name) != base.get(*name));
        Ok(differ
            .map(|name| {
                let words = format!(
                    "stays as it was made: ktk run -f makes a new pipeline of the manifest, ktk restart pipeline/{} \
                     --all another incarnation of this one",
                    row.name
                );
                Cause::new(field::member("spec", name), words)
            })
            .collect())
    }
}

/// A directory that a manifest leaves open is the one that it was made with.
fn take_directories(given: &mut PipelineSpec, made: &PipelineSpec) {
    for step in &mut given.steps {
        let there = made.steps.iter().find(|there| there.name == step.name);
        if let (Some(run), Some(there)) = (&mut step.run, there.and_then(|there| there.run.as_ref())) {
            run.working_dir = run.working_dir.take().or_else(|| there.working_dir.clone());
        }
    }
}

impl<T: Tx> Unit<'_, T> {
    /// Remembers what was applied of a pipeline.
    async fn note_applied_whole(
        &mut self,
        row: &PipelineRow,
        mut stored: PipelineBody,
        applied: &Applied,
    ) -> EngineResult<()> {
        stored.applied = Some(Box::new(applied.clone()));
        self.tx.put_pipeline_bodies(&[(row.id, body::to_text(&stored)?)]).await?;
        self.pipeline_mut(row.id).await?.rare.source.clone_from(&applied.source);
        Ok(())
    }
}
