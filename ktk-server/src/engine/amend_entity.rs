//! `patch` of objects without a namespace.

use std::marker::PhantomData;

use ktk_client::api::{
    ApiError, Cause, check,
    event::Severity,
    patch::{PatchParams, Patched},
};

use super::{
    amend::{fixed_causes, patched},
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    unit::Unit,
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
        let mut causes = fixed_causes(&before, &after)?;
        causes.extend(self::causes(&bare, &after));
        if !causes.is_empty() {
            return Err(ApiError::invalid(&format!("the patch of {what}"), causes).into());
        }
        let is_same_spec = before.spec() == after.spec();
        if is_same_spec && is_same_text(&before, &after) {
            return Ok(Done::quiet(Patched { object: before, changed: false }));
        }
        if self.params.dry_run {
            return Ok(Done::quiet(Patched { object: after, changed: true }));
        }
        write(&mut unit, &bare, &after).await?;
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

fn is_same_text<K: Kind>(before: &K, after: &K) -> bool {
    let (old, new) = (before.metadata(), after.metadata());
    old.labels == new.labels && old.annotations == new.annotations
}

/// What keeps an object from becoming so.
pub(super) fn causes<K: Kind>(before: &K, after: &K) -> Vec<Cause> {
    let mut causes = check::amended(after.metadata());
    if before.spec() != after.spec() {
        let bare = K::assemble(before.metadata().clone(), after.spec().clone());
        let of_spec = check::entity(&bare).into_iter().filter(|cause| cause.field.starts_with("spec"));
        causes.extend(of_spec);
        causes.extend(K::fixed());
    }
    causes
}

/// Makes an object so, which is sound; says whether it was so before. `before` is without a status.
pub(super) async fn write<K: Kind, T: Tx>(
    unit: &mut Unit<'_, T>,
    before: &K,
    after: &K,
) -> EngineResult<bool> {
    let (is_same_spec, is_same_text) = (before.spec() == after.spec(), is_same_text(before, after));
    if !is_same_spec {
        K::amend(unit, before, after.spec().clone()).await?;
    }
    if !is_same_text {
        let mut metadata = before.metadata().clone();
        metadata.labels.clone_from(&after.metadata().labels);
        metadata.annotations.clone_from(&after.metadata().annotations);
        unit.put_entity(&K::assemble(metadata, after.spec().clone())).await?;
    }
    Ok(is_same_spec && is_same_text)
}
