//! `task.apply`: a task is made, or what of it may still change is.

use ktk_client::api::{
    ApiError, Cause, Task,
    apply::{AppliedObject, ApplyOutcome, ApplyParams},
    change,
    event::Severity,
    task::{CreateParams, TaskSpec},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    amend_task::{self, AMENDABLE},
    apply::{self, Applied},
    body,
    create_task::CreateTask,
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Done},
    unit::Unit,
};
use crate::{
    model::{apply::merge, decode::decode, row::TaskRow},
    store::{Operation, Tx},
};

/// `task.apply`.
pub struct ApplyTask {
    ask: Ask,
    given: Task,
    applied: Applied,
    create: CreateTask,
}

impl ApplyTask {
    /// Checks all that can be checked without the store.
    ///
    /// # Errors
    /// `Invalid` for what has no name; `Forbidden` for a namespace that is not the asker's.
    pub fn new(
        ask: Ask,
        params: ApplyParams<Task>,
        types: Vec<String>,
        expressions: Vec<Cause>,
    ) -> EngineResult<Self> {
        let given = params.object;
        apply::check_named("Task", &given.metadata, params.source.as_deref())?;
        let applied = Applied::new(&given.metadata, body::to_value(&given.spec)?, params.source.as_deref());
        let mut object = given.clone();
        if let Some(run) = &mut object.spec.run {
            run.working_dir = run.working_dir.take().or(params.caller_dir);
        }
        let create = CreateParams { object, request_id: None, caller_env: params.caller_env, dry_run: false };
        let create = CreateTask::new(ask.clone(), create, types, expressions)?;
        Ok(Self { ask, given, applied, create })
    }
}

impl Operation for ApplyTask {
    type Output = Done<AppliedObject<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let unit = self.ask.unit(tx);
        let metadata = &self.given.metadata;
        let there = unit.tx.task_named(metadata.namespace(), metadata.name()).await?;
        match there {
            None => self.make(unit).await,
            Some(row) => self.change(unit, row).await,
        }
    }
}

impl ApplyTask {
    async fn make<T: Tx>(&self, mut unit: Unit<'_, T>) -> EngineResult<Done<AppliedObject<Task>>> {
        let (id, created) = self.create.make_in(&mut unit).await?;
        let outcome = if created { ApplyOutcome::Created } else { ApplyOutcome::Unchanged };
        if created {
            unit.note_applied(id, &self.applied).await?;
        }
        unit.finish().await?;
        unit.load(&[id]).await?;
        let row = unit.task(id)?.clone();
        let object = object::task(unit.tx, unit.shared, &row).await?;
        Ok(Done { answer: AppliedObject { object, outcome, adopted: false }, effects: unit.effects })
    }

    async fn change<T: Tx>(
        &self,
        mut unit: Unit<'_, T>,
        row: TaskRow,
    ) -> EngineResult<Done<AppliedObject<Task>>> {
        self.ask.check_sees(&row)?;
        let what = format!("the manifest of task {:?}", row.name);
        let stored = unit.body(row.id).await?;
        let stored = stored.ok_or_else(|| EngineError::conflict("its stored manifest cannot be read"))?;
        let last = stored.applied.as_deref();
        let applied = &self.applied.in_set(&format!("task {:?}", row.name), last)?;
        let before = object::task(unit.tx, unit.shared, &row).await?;
        let after = self.after(&what, last, &before)?;
        let asked = stored.of_type.as_ref().map_or(&stored.spec, |of_type| &of_type.asked);
        let mut causes = self.fixed_causes(&row, last, asked)?;
        causes.extend(amend_task::causes(&mut unit, &row, &before, &after).await?);
        if !causes.is_empty() {
            return Err(ApiError::invalid(&what, causes).into());
        }
        if after == before && last == Some(applied) {
            return Ok(Done::quiet(apply::answer(before, false, last)));
        }
        let id = unit.adopt(row.clone());
        unit.amend(id, &before, &after).await?;
        unit.note_applied(id, applied).await?;
        if after != before {
            unit.task_event(&row, Severity::Normal, "Applied", amend_task::words(&before, &after));
        }
        unit.finish().await?;
        let row = unit.task(id)?.clone();
        let object = object::task(unit.tx, unit.shared, &row).await?;
        Ok(Done { answer: apply::answer(object, true, last), effects: unit.effects })
    }

    /// The task with what of it may change as the manifest wants it.
    fn after(&self, what: &str, last: Option<&Applied>, before: &Task) -> EngineResult<Task> {
        let mut live = body::to_value(before)?;
        let texts = apply::texts_and(&before.metadata, amendable(&live["spec"]));
        let given = apply::texts_and(&self.given.metadata, amendable(&self.applied.manifest["spec"]));
        let last = last.map(|last| {
            let manifest = serde_json::json!({
                "metadata": last.manifest["metadata"], "spec": amendable(&last.manifest["spec"]),
            });
            Applied { source: None, manifest }
        });
        let merged = apply::merged(last.as_ref(), &given, &texts);
        for name in AMENDABLE {
            match merged["spec"].get(name) {
                Some(value) => live["spec"][name] = value.clone(),
                None => drop(live["spec"].as_object_mut().map(|spec| spec.remove(name))),
            }
        }
        let mut after: Task = decode(what, &live)?;
        after.metadata = apply::texts_of(&merged, &before.metadata);
        Ok(after)
    }

    /// What the manifest wants otherwise of what stays as it was made. What a restart has changed stays.
    fn fixed_causes(
        &self,
        row: &TaskRow,
        last: Option<&Applied>,
        asked: &TaskSpec,
    ) -> EngineResult<Vec<Cause>> {
        let asked_value = body::to_value(asked)?;
        let base = fixed(last.map_or(&asked_value, |last| &last.manifest["spec"]));
        let mut given = fixed(&self.applied.manifest["spec"]);
        // A name stands for the version that it came to.
        let is_version_of = |own: &str, made: &str| made.split_once('@').is_some_and(|(name, _)| name == own);
        if let (Some(own), Some(made)) = (given["type"].as_str(), base["type"].as_str())
            && is_version_of(own, made)
        {
            given["type"] = made.into();
        }
        let before = last.map_or(Value::Null, |_| base.clone());
        let wanted: TaskSpec = decode("the manifest", &merge(&before, &given, &base))?;
        let base: TaskSpec = decode("the stored manifest", &base)?;
        Ok(change::between(&base, &wanted)
            .into_iter()
            .map(|(path, value)| amend_task::fixed_cause(&row.name, &path, &value))
            .collect())
    }
}

fn amendable(spec: &Value) -> Value {
    let of = AMENDABLE.into_iter().filter_map(|name| Some((name.to_owned(), spec.get(name)?.clone())));
    Value::Object(of.collect::<Map<_, _>>())
}

fn fixed(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(members) = spec.as_object_mut() {
        AMENDABLE.iter().for_each(|name| drop(members.remove(*name)));
    }
    spec
}

impl<T: Tx> Unit<'_, T> {
    /// Remembers what was applied of a task.
    async fn note_applied(&mut self, id: Uuid, applied: &Applied) -> EngineResult<()> {
        let unreadable = || EngineError::conflict("its stored manifest cannot be read");
        let mut stored = self.body(id).await?.ok_or_else(unreadable)?;
        stored.applied = Some(Box::new(applied.clone()));
        self.task_mut(id)?.rare.source.clone_from(&applied.source);
        self.flush().await?;
        Ok(self.tx.put_task_bodies(&[(id, body::to_text(&stored)?)]).await?)
    }
}
