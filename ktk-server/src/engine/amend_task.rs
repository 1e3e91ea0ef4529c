//! `task.patch`: what of a task may still change, and changing it.

use ktk_client::api::{
    ApiError, Cause, Metadata, Phase, Reason, Task, change, check,
    event::Severity,
    patch::{PatchParams, Patched},
    task::TaskSpec,
};
use uuid::Uuid;

use super::{
    amend::{fixed_causes, patched},
    body,
    create_task::queue_of,
    error::{EngineError, EngineResult},
    hold::Holder,
    lanes::{self, Named},
    object,
    operation::{Ask, Done},
    resolve,
    unit::Unit,
};
use crate::{
    model::{phase::Event, row::TaskRow},
    store::{Operation, Tx},
};

/// Fields of a task's spec that may change while it is pending.
pub(super) const AMENDABLE: [&str; 4] = ["priority", "queue", "hold", "runAfter"];

/// `task.patch`.
pub struct AmendTask {
    pub ask: Ask,
    pub params: PatchParams,
}

impl Operation for AmendTask {
    type Output = Done<Patched<Task>>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        let mut unit = self.ask.unit(tx);
        let row = resolve::task(&self.ask, unit.tx, &self.params.reference).await?.row;
        let what = format!("task {:?}", row.name);
        let before = object::task(unit.tx, unit.shared, &row).await?;
        let after: Task = patched(&self.params, &what, &before.metadata, &before)?;
        if after == before {
            return Ok(Done::quiet(Patched { object: before, changed: false }));
        }
        let mut causes = fixed_causes(&before, &after)?;
        causes.extend(self::causes(&mut unit, &row, &before, &after).await?);
        if !causes.is_empty() {
            return Err(ApiError::invalid(&format!("the patch of {what}"), causes).into());
        }
        if self.params.dry_run {
            return Ok(Done::quiet(Patched { object: after, changed: true }));
        }
        let id = unit.adopt(row.clone());
        unit.amend(id, &before, &after).await?;
        unit.task_event(&row, Severity::Normal, "Patched", words(&before, &after));
        unit.finish().await?;
        let row = unit.task(id)?.clone();
        let object = object::task(unit.tx, unit.shared, &row).await?;
        Ok(Done { answer: Patched { object, changed: true }, effects: unit.effects })
    }
}

/// What keeps a task from becoming so.
pub(super) async fn causes<T: Tx>(
    unit: &mut Unit<'_, T>,
    row: &TaskRow,
    before: &Task,
    after: &Task,
) -> EngineResult<Vec<Cause>> {
    let mut causes = spec_causes(row, before, after);
    causes.extend(value_causes(after));
    if before.spec.queue != after.spec.queue {
        causes.extend(lanes::causes(unit.tx, &[Named::of(&after.spec)]).await?);
    }
    Ok(causes)
}

/// The advice for a field that stays as it was made.
pub(super) fn fixed_cause(name: &str, path: &str, value: &serde_json::Value) -> Cause {
    let words = format!(
        "stays as it was made: ktk restart {name} --set '{path}={value}' makes another incarnation with it"
    );
    Cause::new(format!("spec.{path}"), words)
}

/// What cannot change of a task's spec, or not any more.
fn spec_causes(row: &TaskRow, before: &Task, after: &Task) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (path, value) in change::between(&before.spec, &after.spec) {
        let place = format!("spec.{path}");
        if !AMENDABLE.contains(&&*path) {
            causes.push(fixed_cause(&row.name, &path, &value));
        } else if row.phase != Phase::Pending {
            causes.push(Cause::new(
                place,
                format!("can change while the task is Pending, and it is {}", row.phase),
            ));
        } else if path == "runAfter" && (row.attempt > 0 || row.is_for_each()) {
            causes.push(Cause::new(place, "can change before the first attempt only"));
        }
    }
    causes
}

/// What is wrong with labels, annotations, and what of the spec can change.
fn value_causes(after: &Task) -> Vec<Cause> {
    let Metadata { labels, annotations, .. } = after.metadata.clone();
    let metadata = Metadata { labels, annotations, ..Metadata::default() };
    let manifest = Task { metadata, status: None, ..after.clone() };
    let mut causes = check::task(&manifest);
    causes.retain(|cause| {
        let is_in = |root: &str| {
            cause.field.strip_prefix(root).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        cause.field.starts_with("metadata.labels")
            || cause.field.starts_with("metadata.annotations")
            || AMENDABLE.iter().any(|name| is_in(&format!("spec.{name}")))
    });
    causes
}

/// Takes those fields that differ between two specs from a third; the others stay what a type or a pipeline made them.
fn take_changed(spec: &mut TaskSpec, from: &TaskSpec, (before, after): (&TaskSpec, &TaskSpec)) {
    if before.priority != after.priority {
        spec.priority = from.priority;
    }
    if before.queue != after.queue {
        spec.queue.clone_from(&from.queue);
    }
    if before.run_after != after.run_after {
        spec.run_after = from.run_after;
    }
}

/// What has changed, in words.
pub(super) fn words(before: &Task, after: &Task) -> String {
    let mut parts: Vec<String> = Vec::new();
    if before.metadata.labels != after.metadata.labels {
        parts.push("labels".into());
    }
    if before.metadata.annotations != after.metadata.annotations {
        parts.push("annotations".into());
    }
    let changes = change::between(&before.spec, &after.spec);
    parts.extend(changes.into_iter().map(|(path, value)| format!("{path} to {value}")));
    format!("changed: {}", parts.join(", "))
}

impl<T: Tx> Unit<'_, T> {
    /// Makes a task what it is to be: nothing else of it differs.
    pub(super) async fn amend(&mut self, id: Uuid, before: &Task, after: &Task) -> EngineResult<()> {
        let unreadable = || EngineError::conflict("its stored manifest cannot be read");
        let mut stored = self.body(id).await?.ok_or_else(unreadable)?;
        stored.annotations.clone_from(&after.metadata.annotations);
        // What is taken away is again what the task's type says.
        let mut whole = after.spec.clone();
        if let Some(of_type) = &mut stored.of_type {
            whole = of_type.definition.complete(&whole);
            take_changed(&mut of_type.asked, &after.spec, (&before.spec, &after.spec));
        }
        take_changed(&mut stored.spec, &whole, (&before.spec, &after.spec));
        let labels = body::labels_text(&after.metadata.labels)?;
        let row = self.task_mut(id)?;
        row.labels = labels;
        if before.spec.priority != after.spec.priority {
            row.priority = stored.spec.priority.unwrap_or(0);
        }
        if before.spec.queue != after.spec.queue {
            let queue = queue_of(stored.spec.queue.as_deref());
            let lane = self.lane_of(&stored.spec, &queue).await?;
            let row = self.task_mut(id)?;
            (row.queue, row.lane) = (queue, lane);
        }
        if before.spec.run_after != after.spec.run_after {
            self.start_later(id, after).await?;
        }
        if before.spec.hold != after.spec.hold {
            self.hold(id, after.spec.hold, Holder::Itself).await?;
        }
        self.flush().await?;
        self.tx.put_task_bodies(&[(id, body::to_text(&stored)?)]).await?;
        self.effects.work = true;
        self.looks_for_externals = true;
        Ok(())
    }

    /// Another time before which it does not start.
    async fn start_later(&mut self, id: Uuid, after: &Task) -> EngineResult<()> {
        let start = after.spec.run_after.filter(|at| *at > self.now);
        self.task_mut(id)?.set_start_at(start);
        let reason = self.task(id)?.reason;
        match (reason, start) {
            (Some(Reason::Queued), Some(_)) => self.transit(id, Event::Schedule).await,
            (Some(Reason::Scheduled), None) => self.make_ready(id).await,
            _ => Ok(()),
        }
    }
}
