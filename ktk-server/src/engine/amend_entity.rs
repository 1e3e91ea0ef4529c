//! `patch` of objects without a namespace.

use std::marker::PhantomData;

use ktk_client::api::{
    ApiError, check,
    event::Severity,
    patch::{PatchParams, Patched},
};

use super::{
    amend::{fixed_causes, patched},
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
};
use crate::store::{Operation, Tx};

/// Changes labels, annotations and, where its kind lets it, the spec of an object.
pub struct AmendEntity<K> {
    ask: Ask,
    params: PatchParams,
    kind: PhantomData<fn() -> K>,
}

impl<K> AmendEntity<K> {
    pub fn new(ask: Ask, params: PatchParams) -> Self {
        Self { ask, params, kind: PhantomData }
    }
}

impl<K: Kind> Operation for AmendEntity<K> {
    type Output = Done<Patched<K>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let mut before = entity::resolve::<K, T>(unit.tx, &self.params.reference).await?;
        let bare = K::assemble(before.metadata().clone(), before.spec().clone());
        K::complete(unit.tx, &mut before).await?;
        let what = format!("{} {:?}", K::KIND.to_lowercase(), before.metadata().name());
        let after: K = patched(&self.params, &what, before.metadata(), &before)?;
        let (old, new) = (before.metadata(), after.metadata());
        let is_same_spec = before.spec() == after.spec();
        let is_same_text = old.labels == new.labels && old.annotations == new.annotations;
        let mut causes = fixed_causes(&before, &after)?;
        causes.extend(check::amended(new));
        if !is_same_spec {
            causes.extend(
                check::entity(&K::assemble(bare.metadata().clone(), after.spec().clone()))
                    .into_iter()
                    .filter(|cause| cause.field.starts_with("spec")),
            );
            causes.extend(K::fixed());
        }
        if !causes.is_empty() {
            return Err(ApiError::invalid(&format!("the patch of {what}"), causes).into());
        }
        if is_same_spec && is_same_text {
            return Ok(Done::quiet(Patched { object: before, changed: false }));
        }
        if self.params.dry_run {
            return Ok(Done::quiet(Patched { object: after, changed: true }));
        }
        if !is_same_spec {
            K::amend(&mut unit, &bare, after.spec().clone()).await?;
        }
        if !is_same_text {
            let mut metadata = bare.metadata().clone();
            metadata.labels.clone_from(&new.labels);
            metadata.annotations.clone_from(&new.annotations);
            unit.put_entity(&K::assemble(metadata, after.spec().clone())).await?;
        }
        let key = bare.key();
        let gone = || EngineError::Bug(format!("{what} is gone after it was written"));
        let mut object = entity::named::<K, T>(unit.tx, &key).await?.ok_or_else(gone)?;
        let words = if is_same_spec { "labels or annotations changed" } else { "its spec changed" };
        unit.entity_event(&object, Severity::Normal, "Patched", words.into());
        unit.finish().await?;
        K::complete(unit.tx, &mut object).await?;
        Ok(Done { answer: Patched { object, changed: true }, effects: unit.effects })
    }
}
