//! Unique keys of tasks: who holds one, and what becomes of who comes while it is held. A key is kept nowhere apart:
//! unfinished tasks are found by theirs.

use std::collections::BTreeMap;

use ktk_client::api::{
    ApiError, Cause, Phase, Reason,
    task::TaskSpec,
    unique::{OnConflict, UniqueSpec},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    error::{EngineError, EngineResult},
    operation::Scope,
    unit::Unit,
};
use crate::{
    model::{
        row::{StopWish, TaskRow},
        unique::Key,
    },
    store::Tx,
};

/// The key that is meant, filled in.
///
/// # Errors
/// Everything that is wrong with it, with fields below `prefix`.
pub fn key(
    unique: &UniqueSpec,
    prefix: &str,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Result<Key, Vec<Cause>> {
    let key = unique.filled(prefix, params, inputs)?;
    Ok(Key { key, held_while: unique.held_while, waits: false })
}

/// The key of a task with this spec, where it has one.
///
/// # Errors
/// As [`key`].
pub fn key_of(
    spec: &TaskSpec,
    prefix: &str,
    params: &BTreeMap<String, Value>,
) -> Result<Option<Key>, Vec<Cause>> {
    if spec.for_each.is_some() {
        // Its items have keys.
        return Ok(None);
    }
    let prefix = ktk_client::api::field::member(prefix, "unique");
    spec.unique.as_ref().map(|unique| key(unique, &prefix, params, &spec.inputs)).transpose()
}

/// What becomes of a new task.
#[derive(Debug)]
pub enum Entry {
    /// It is made.
    Free,
    /// It is made, and these are cancelled.
    Replaces(Vec<TaskRow>),
    /// This one is the answer.
    Holder(Box<TaskRow>),
}

/// `NAME@N`, and how it stands.
pub(super) fn shown(name: &str, incarnation: u32, phase: Phase, reason: Option<Reason>) -> String {
    let reason = reason.map(|reason| format!("/{reason}")).unwrap_or_default();
    format!("{name}@{incarnation} ({phase}{reason})")
}

/// The refusal of what comes while the key is held.
pub(super) fn refused(what: &str, key: &str, kind: &str, name: &str, shown: &str) -> EngineError {
    let words = format!("{what}: the unique key {key:?} is held by {kind} {shown}");
    let advice = format!("wait for it (ktk wait {kind}/{name}), or cancel it (ktk cancel {kind}/{name})");
    EngineError::Refused(ApiError::conflict(words).with_hint(advice))
}

fn refused_by_task(what: &str, key: &str, holder: &TaskRow) -> EngineError {
    let shown = shown(&holder.name, holder.incarnation, holder.phase, holder.reason);
    refused(what, key, "task", &holder.name, &shown)
}

impl<T: Tx> Unit<'_, T> {
    /// Those that hold a key, but for one context's, oldest first.
    async fn holders_of(
        &mut self,
        namespace: &str,
        key: &str,
        but: Option<Uuid>,
    ) -> EngineResult<Vec<TaskRow>> {
        self.flush().await?;
        let mut rows = self.tx.tasks_of_key(namespace, key).await?;
        rows.retain(|row| row.holds_key() && Some(row.context_id) != but);
        Ok(rows)
    }

    /// What becomes of a new task of this key.
    ///
    /// # Errors
    /// `Conflict` that names the holder.
    pub(super) async fn enter(
        &mut self,
        what: &str,
        namespace: &str,
        (unique, key): (&UniqueSpec, &Key),
        scope: Option<&Scope>,
    ) -> EngineResult<Entry> {
        let holders = self.holders_of(namespace, &key.key, None).await?;
        // Whoever came last is the one that is to run.
        let Some(last) = holders.last() else { return Ok(Entry::Free) };
        if holders.iter().any(|holder| scope.is_some_and(|scope| !scope.sees(holder))) {
            let words = format!("{what}: the unique key {:?} is held by a task of somebody else", key.key);
            return Err(EngineError::conflict(words));
        }
        match unique.on_conflict {
            OnConflict::Reject => Err(refused_by_task(what, &key.key, last)),
            OnConflict::Return => Ok(Entry::Holder(Box::new(last.clone()))),
            OnConflict::Replace => Ok(Entry::Replaces(holders)),
        }
    }

    /// Cancels those in whose place a new task is made. It waits while one of them still runs.
    pub(super) async fn replace_holders(
        &mut self,
        row: &mut TaskRow,
        holders: Vec<TaskRow>,
    ) -> EngineResult<()> {
        let mut ids = Vec::with_capacity(holders.len());
        for holder in holders {
            let id = self.adopt(holder);
            self.forget_wish(id)?;
            self.stop_task(id, StopWish { reason: Reason::Replaced, now: false }).await?;
            ids.push(id);
        }
        // Whoever needs them is told before the new one counts its needs: it may need them too.
        self.settle().await?;
        // One that was being deleted may be gone.
        let waits = ids.iter().any(|id| self.tasks.get(id).is_some_and(|row| row.holds_key()));
        if let Some(key) = row.rare.unique.as_mut() {
            key.waits = waits;
        }
        Ok(())
    }

    /// The parameters of a task's pipeline.
    pub(super) async fn params_of(
        &mut self,
        pipeline: Option<Uuid>,
    ) -> EngineResult<BTreeMap<String, Value>> {
        match pipeline {
            Some(pipeline) => Ok(self.shared.header(self.tx, pipeline).await?.params.clone()),
            None => Ok(BTreeMap::new()),
        }
    }

    /// The key of a task that is made in a pipeline, or outside. What was checked before can be filled in.
    pub(super) async fn key_within(
        &mut self,
        spec: &TaskSpec,
        pipeline: Option<Uuid>,
    ) -> EngineResult<Option<Key>> {
        if spec.unique.is_none() {
            return Ok(None);
        }
        let params = self.params_of(pipeline).await?;
        Ok(key_of(spec, "spec", &params).map_err(|causes| ApiError::invalid("the task", causes))?)
    }

    /// Refuses a restart in whose context another's key would be held.
    ///
    /// # Errors
    /// `Conflict` that names the holder.
    pub(super) async fn refuse_held_key(
        &mut self,
        parent: &TaskRow,
        spec: &TaskSpec,
        params: &BTreeMap<String, Value>,
    ) -> EngineResult<()> {
        let what = format!("the restart of task {:?}", parent.name);
        let key = key_of(spec, "spec", params).map_err(|causes| ApiError::invalid(&what, causes))?;
        let Some(key) = key else { return Ok(()) };
        match self.holders_of(&parent.namespace, &key.key, Some(parent.context_id)).await?.last() {
            Some(holder) => Err(refused_by_task(&what, &key.key, holder)),
            None => Ok(()),
        }
    }

    /// Whoever waits for the key of this task looks at it, where it is no longer held.
    pub(super) fn give_back_key(&mut self, id: Uuid) -> EngineResult<()> {
        let row = self.task(id)?;
        if let Some(unique) = row.rare.unique.as_ref().filter(|_| !row.holds_key()) {
            let key = (row.namespace.clone(), unique.key.clone());
            self.keys.insert(key);
        }
        Ok(())
    }

    /// A key has been given back: who waits for it has it now.
    pub(super) async fn hand_on_key(&mut self, namespace: &str, key: &str) -> EngineResult<()> {
        let holders = self.holders_of(namespace, key, None).await?;
        let [next] = &holders[..] else { return Ok(()) };
        if !next.waits_for_key() {
            return Ok(());
        }
        let id = self.adopt(next.clone());
        if let Some(key) = self.task_mut(id)?.rare.unique.as_mut() {
            key.waits = false;
        }
        if self.task(id)?.is_queued() {
            self.place(id, false, true).await?;
        }
        if self.task(id)?.is_external() {
            self.externals.insert(id);
        }
        Ok(())
    }
}
