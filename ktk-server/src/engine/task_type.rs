//! Task types: versions and aliases, and how a set of them is applied.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ktk_client::api::{
    ApiError, Cause, Entity, TaskType, check,
    task_type::{Applied, AppliedType, ApplyOutcome, ApplyParams, TaskTypeSpec, TaskTypeStatus},
};

use super::{
    apply, body,
    catalogue::Catalogue,
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    limits,
    model::schema::Schema,
    store::{Operation, Tx},
};

impl Kind for TaskType {
    async fn find<T: Tx>(tx: &mut T, name: &str) -> EngineResult<Option<Self>> {
        Ok(Catalogue::load(tx).await?.find(name)?.map(Arc::unwrap_or_clone))
    }

    async fn users<T: Tx>(_unit: &mut Unit<'_, T>, _name: &str) -> EngineResult<Vec<String>> {
        // Tasks keep what they were made with.
        Ok(Vec::new())
    }

    async fn complete<T: Tx>(tx: &mut T, object: &mut Self) -> EngineResult<()> {
        let newest = Catalogue::load(tx).await?.find(object.metadata.name())?;
        let newest = newest.is_some_and(|newest| newest.spec.version == object.spec.version);
        object.status = Some(TaskTypeStatus { newest });
        Ok(())
    }

    async fn refuse<T: Tx>(tx: &mut T, object: &Self) -> EngineResult<Vec<Cause>> {
        let mut causes = schema_causes(&object.spec);
        let others: Vec<_> = Catalogue::load(tx).await?.readable().collect();
        causes.extend(alias_causes(object, others.iter().map(Arc::as_ref)));
        Ok(causes)
    }
}

/// What is no schema. Known to the server alone: clients need no reader of schemas.
fn schema_causes(spec: &TaskTypeSpec) -> Vec<Cause> {
    let schemas = [("spec.inputs", &spec.inputs), ("spec.outputs", &spec.outputs)];
    let broken = schemas.into_iter().filter_map(|(field, schema)| {
        let why = Schema::new(schema.as_ref()?).err()?;
        Some(Cause::new(field, why))
    });
    broken.collect()
}

/// Names of a type that another type has.
fn alias_causes<'t>(object: &TaskType, others: impl Iterator<Item = &'t TaskType>) -> Vec<Cause> {
    let name = object.metadata.name();
    let mut causes = BTreeMap::new();
    for other in others.filter(|other| other.metadata.name() != name) {
        let theirs = other.metadata.name();
        if other.spec.aliases.iter().any(|alias| alias == name) {
            let words = format!("{name:?} is an alias of type {theirs:?}");
            causes.insert("metadata.name".to_owned(), words);
        }
        for (index, alias) in object.spec.aliases.iter().enumerate() {
            let is_name = alias == theirs;
            if is_name || other.spec.aliases.contains(alias) {
                let what = if is_name { "the name" } else { "an alias" };
                causes.insert(
                    format!("spec.aliases[{index}]"),
                    format!("{alias:?} is {what} of type {theirs:?}"),
                );
            }
        }
    }
    causes.into_iter().map(|(field, message)| Cause::new(field, message)).collect()
}

/// Makes and changes types until they are as given, and removes what is gone from their set.
pub struct ApplyTaskTypes {
    ask: Ask,
    params: ApplyParams,
}

impl ApplyTaskTypes {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` with all causes; fields begin with `objects[N]` where there are several objects.
    pub fn new(ask: Ask, mut params: ApplyParams) -> EngineResult<Self> {
        if params.prune && params.source.is_none() {
            return Err(EngineError::invalid(
                "the request",
                "prune",
                "needs a source: the set that is pruned",
            ));
        }
        if params.objects.len() > limits::BATCH_CALLS {
            let words = format!("{} objects: {} are allowed", params.objects.len(), limits::BATCH_CALLS);
            return Err(EngineError::invalid("the request", "objects", words));
        }
        let mut causes = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, object) in params.objects.iter_mut().enumerate() {
            if let Some(source) = &params.source
                && let Some(other) = object.spec.source.replace(source.clone()).filter(|own| own != source)
            {
                let words = format!("is {other:?}: it belongs to another set than {source:?}");
                causes.push(Cause::new(format!("objects[{index}].spec.source"), words));
            }
            let own = check::entity(object).into_iter().chain(schema_causes(&object.spec));
            causes.extend(own.map(|cause| inside(index, cause)));
            if !seen.insert(object.key()) {
                let words = format!("{} is there twice", object.key());
                causes.push(Cause::new(format!("objects[{index}].metadata.name"), words));
            }
        }
        if causes.is_empty() {
            return Ok(Self { ask, params });
        }
        Err(ApiError::invalid("the set of task types", causes).into())
    }
}

fn inside(index: usize, cause: Cause) -> Cause {
    Cause::new(format!("objects[{index}].{}", cause.field), cause.message)
}

impl Operation for ApplyTaskTypes {
    type Output = Done<Applied>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let rows = unit.tx.all_entities(TaskType::KIND).await?;
        let known: Vec<TaskType> = rows.iter().map(entity::object).collect::<EngineResult<_>>()?;
        let known: BTreeMap<String, TaskType> = known.into_iter().map(|known| (known.key(), known)).collect();
        let gone = self.gone(&known);
        self.check_against(&known, &gone)?;
        let mut results = Vec::with_capacity(self.params.objects.len() + gone.len());
        let lasts: BTreeMap<&str, Option<apply::Applied>> =
            rows.iter().map(|row| Ok((&*row.name, entity::applied(row)?))).collect::<EngineResult<_>>()?;
        for object in &self.params.objects {
            let applied = apply::Applied::new(
                &object.metadata,
                body::to_value(&object.spec)?,
                object.spec.source.as_deref(),
            );
            let last = lasts.get(&*object.key()).and_then(Option::as_ref);
            let (outcome, wanted) = match known.get(&object.key()) {
                None => (ApplyOutcome::Created, object.clone()),
                Some(there) => {
                    let wanted = with_texts(there, object, last, &applied)?;
                    let is_known = last == Some(&applied);
                    let is_same = is_same(there, &wanted) && is_known;
                    let outcome = if is_same { ApplyOutcome::Unchanged } else { ApplyOutcome::Configured };
                    (outcome, wanted)
                }
            };
            let adopted = known.contains_key(&object.key()) && last.is_none();
            let object = Some(wanted.clone());
            results.push(AppliedType { name: wanted.key(), outcome, object, adopted });
            if !self.params.dry_run && outcome != ApplyOutcome::Unchanged {
                unit.put_entity(&wanted).await?;
                unit.note_applied_entity(&wanted, &applied).await?;
            }
        }
        for object in gone {
            results.push(AppliedType {
                name: object.key(),
                outcome: ApplyOutcome::Pruned,
                object: None,
                adopted: false,
            });
            if !self.params.dry_run {
                unit.remove_entity(object).await?;
            }
        }
        unit.finish().await?;
        Ok(Done { answer: Applied { results }, effects: unit.effects })
    }
}

impl ApplyTaskTypes {
    /// What is gone from the set.
    fn gone<'k>(&self, known: &'k BTreeMap<String, TaskType>) -> Vec<&'k TaskType> {
        let Some(source) = self.params.source.as_deref().filter(|_| self.params.prune) else {
            return Vec::new();
        };
        let given: BTreeSet<String> = self.params.objects.iter().map(Entity::key).collect();
        let of_set = known.values().filter(|there| there.spec.source.as_deref() == Some(source));
        of_set.filter(|there| !given.contains(&there.key())).collect()
    }

    /// All or nothing: what belongs to another set, and names that clash.
    fn check_against(&self, known: &BTreeMap<String, TaskType>, gone: &[&TaskType]) -> EngineResult<()> {
        let mut taken = Vec::new();
        let mut causes = Vec::new();
        let given: BTreeSet<String> = self.params.objects.iter().map(Entity::key).collect();
        let stay = known.values().filter(|there| !given.contains(&there.key()));
        let stay: Vec<&TaskType> =
            stay.filter(|there| !gone.iter().any(|gone| gone.key() == there.key())).collect();
        for (index, object) in self.params.objects.iter().enumerate() {
            if let Some(there) = known.get(&object.key())
                && there.spec.source.is_some()
                && there.spec.source != object.spec.source
            {
                let source = there.spec.source.as_deref().unwrap_or_default();
                taken.push(format!("{} belongs to the set {source:?}", object.key()));
            }
            let others = stay.iter().copied().chain(&self.params.objects);
            causes.extend(alias_causes(object, others).into_iter().map(|cause| inside(index, cause)));
        }
        if !taken.is_empty() {
            let error = ApiError::conflict(taken.join("; "));
            return Err(error.with_hint("apply it with that --source, or delete it first").into());
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid("the set of task types", causes).into())
        }
    }
}

/// What is given, with the labels and annotations that others have set.
fn with_texts(
    there: &TaskType,
    given: &TaskType,
    last: Option<&apply::Applied>,
    applied: &apply::Applied,
) -> EngineResult<TaskType> {
    // A type that was applied before that was remembered had no texts but its manifest's.
    let nothing_known = apply::Applied {
        manifest: apply::texts_and(&there.metadata, body::to_value(&there.spec)?),
        source: None,
    };
    let last = last.or(there.spec.source.as_ref().map(|_| &nothing_known));
    let live = apply::texts_and(&there.metadata, body::to_value(&given.spec)?);
    let merged = apply::merged(last, &applied.manifest, &live);
    Ok(TaskType { metadata: apply::texts_of(&merged, &given.metadata), ..given.clone() })
}

/// Whether what is there says what is given.
fn is_same(there: &TaskType, given: &TaskType) -> bool {
    there.spec == given.spec
        && there.metadata.labels == given.metadata.labels
        && there.metadata.annotations == given.metadata.annotations
}
