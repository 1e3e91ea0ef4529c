//! `apply` of objects without a namespace.

use ktk_client::api::{
    ApiError,
    apply::{AppliedObject, ApplyOutcome, ApplyParams},
    check,
    event::Severity,
};
use serde_json::Value;

use super::{
    amend_entity,
    apply::{self, Applied},
    body,
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
};
use crate::{
    model::decode::decode,
    store::{Operation, Tx},
};

/// Makes an object, or changes it until it is as given.
pub struct ApplyEntity<K> {
    ask: Ask,
    given: K,
    applied: Applied,
}

impl<K: Kind> ApplyEntity<K> {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` with all causes.
    pub fn new(ask: Ask, params: ApplyParams<K>) -> EngineResult<Self> {
        let (given, source) = (params.object, params.source.as_deref());
        apply::check_named(K::KIND, given.metadata(), source)?;
        let causes = check::entity(&given);
        if !causes.is_empty() {
            return Err(invalid(&given, causes));
        }
        let applied = Applied::new(given.metadata(), body::to_value(given.spec())?, source);
        Ok(Self { ask, given, applied })
    }

    fn after(&self, last: Option<&Applied>, before: &K) -> EngineResult<K> {
        let live = apply::texts_and(before.metadata(), body::to_value(before.spec())?);
        let merged = apply::merged(last, &self.applied.manifest, &live);
        let spec: Value = merged["spec"].clone();
        let spec = decode(&format!("the manifest of {} {:?}", K::KIND, self.given.metadata().name()), &spec)?;
        Ok(K::assemble(apply::texts_of(&merged, before.metadata()), spec))
    }
}

fn invalid<K: Kind>(given: &K, causes: Vec<ktk_client::api::Cause>) -> EngineError {
    ApiError::invalid(&format!("{} {:?}", K::KIND, given.metadata().name()), causes).into()
}

impl<K: Kind> Operation for ApplyEntity<K> {
    type Output = Done<AppliedObject<K>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let key = self.given.key();
        let rows = unit.tx.entities(K::KIND, std::slice::from_ref(&key)).await?;
        let last = rows.first().map(entity::applied).transpose()?.flatten();
        let applied = self.applied.in_set(&format!("{} {key:?}", K::KIND.to_lowercase()), last.as_ref())?;
        let before: Option<K> = entity::named(unit.tx, &key).await?;
        let (outcome, adopted) = match &before {
            None => {
                let causes = K::refuse(unit.tx, &self.given).await?;
                if !causes.is_empty() {
                    return Err(invalid(&self.given, causes));
                }
                unit.put_entity(&self.given).await?;
                (ApplyOutcome::Created, false)
            }
            Some(before) => {
                let after = self.after(last.as_ref(), before)?;
                let causes = amend_entity::causes(before, &after);
                if !causes.is_empty() {
                    return Err(invalid(&self.given, causes));
                }
                let is_same = amend_entity::write(&mut unit, before, &after).await?;
                if !is_same {
                    unit.entity_event(
                        before,
                        Severity::Normal,
                        "Applied",
                        "changed as its manifest says".into(),
                    );
                }
                let is_known = last.as_ref() == Some(&applied);
                let is_changed = !is_same || !is_known;
                let outcome = if is_changed { ApplyOutcome::Configured } else { ApplyOutcome::Unchanged };
                // What always exists was made by nobody.
                (outcome, last.is_none() && !rows.is_empty())
            }
        };
        if last.as_ref() != Some(&applied) {
            unit.note_applied_entity(&self.given, &applied).await?;
        }
        let gone = || EngineError::Bug(format!("{} {key:?} is gone after it was applied", K::KIND));
        let mut object = entity::named::<K, T>(unit.tx, &key).await?.ok_or_else(gone)?;
        unit.finish().await?;
        K::complete(unit.tx, &mut object).await?;
        Ok(Done { answer: AppliedObject { object, outcome, adopted }, effects: unit.effects })
    }
}
