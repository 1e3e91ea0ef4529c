//! Changes to the state, each with the way back.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::state::{EntityName, PipelineKey, State, TaskKey};
use crate::{
    model::{
        entity::EntityRow,
        row::{PipelineRow, TaskRow},
    },
    store::{StoreError, StoreResult},
};

type Undo = Box<dyn FnOnce(&mut State) + Send>;
type Field<K, V> = fn(&mut State) -> &mut BTreeMap<K, V>;

/// The state and what leads back to how it was.
pub(super) struct Journal<'a> {
    pub(super) state: &'a mut State,
    undo: Vec<Undo>,
    /// How many changes there were before the part that runs.
    part: usize,
}

impl<'a> Journal<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        Self { state, undo: Vec::new(), part: 0 }
    }

    /// Takes every change back, the last one first.
    pub(super) fn roll_back(&mut self) {
        self.roll_back_to(0);
    }

    pub(super) fn begin_part(&mut self) {
        self.part = self.undo.len();
    }

    /// Takes back what the part has changed.
    pub(super) fn roll_part_back(&mut self) {
        self.roll_back_to(self.part);
    }

    fn roll_back_to(&mut self, length: usize) {
        for undo in self.undo.drain(length..).rev() {
            undo(self.state);
        }
    }

    /// Inserts or replaces.
    pub(super) fn put<K, V>(&mut self, field: Field<K, V>, key: K, value: V)
    where
        K: Ord + Clone + Send + 'static,
        V: Send + 'static,
    {
        let old = field(self.state).insert(key.clone(), value);
        self.undo.push(Box::new(move |state| {
            match old {
                Some(old) => field(state).insert(key, old),
                None => field(state).remove(&key),
            };
        }));
    }

    /// Removes.
    pub(super) fn remove<K, V>(&mut self, field: Field<K, V>, key: &K) -> Option<V>
    where
        K: Ord + Clone + Send + 'static,
        V: Clone + Send + 'static,
    {
        let old = field(self.state).remove(key)?;
        let (key, back) = (key.clone(), old.clone());
        self.undo.push(Box::new(move |state| {
            field(state).insert(key, back);
        }));
        Some(old)
    }

    /// Removes what the predicate takes.
    pub(super) fn remove_where<K, V>(&mut self, field: Field<K, V>, takes: impl Fn(&K, &V) -> bool)
    where
        K: Ord + Clone + Send + 'static,
        V: Clone + Send + 'static,
    {
        let keys: Vec<K> = field(self.state)
            .iter()
            .filter(|(key, value)| takes(key, value))
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.remove(field, &key);
        }
    }

    /// Writes a task and its keys.
    pub(super) fn put_task(&mut self, row: TaskRow) -> StoreResult<()> {
        let before = self.state.tasks.get(&row.id).map(TaskKey::of).unwrap_or_default();
        let keys = self.rekey(|state| &mut state.task_keys, row.id, &before, TaskKey::of(&row));
        keys.map_err(|key| StoreError::Duplicate(format!("task {key:?}")))?;
        if self.state.tasks_version.get(&()).is_none_or(|newest| *newest < row.version) {
            self.put(|state| &mut state.tasks_version, (), row.version);
        }
        self.put(|state| &mut state.tasks, row.id, row);
        Ok(())
    }

    /// A row is found by these keys from now on, and by those of before no more. Fails where one is another row's.
    fn rekey<K>(&mut self, field: Field<K, Uuid>, id: Uuid, before: &[K], now: Vec<K>) -> Result<(), K>
    where
        K: Ord + Clone + Send + 'static,
    {
        for key in before.iter().filter(|key| !now.contains(key)) {
            self.remove(field, key);
        }
        for key in now.into_iter().filter(|key| !before.contains(key)) {
            if field(self.state).contains_key(&key) {
                return Err(key);
            }
            self.put(field, key, id);
        }
        Ok(())
    }

    /// Removes a task and its keys.
    pub(super) fn remove_task(&mut self, id: Uuid) {
        if let Some(row) = self.remove(|state| &mut state.tasks, &id) {
            for key in TaskKey::of(&row) {
                self.remove(|state| &mut state.task_keys, &key);
            }
        }
    }

    /// Writes a pipeline and its keys.
    pub(super) fn put_pipeline(&mut self, row: PipelineRow) -> StoreResult<()> {
        let before = self.state.pipelines.get(&row.id).map(PipelineKey::of).unwrap_or_default();
        let keys = self.rekey(|state| &mut state.pipeline_keys, row.id, &before, PipelineKey::of(&row));
        keys.map_err(|key| StoreError::Duplicate(format!("pipeline {key:?}")))?;
        self.put(|state| &mut state.pipelines, row.id, row);
        Ok(())
    }

    /// Writes an entity and its version.
    pub(super) fn put_entity(&mut self, row: EntityRow) -> StoreResult<()> {
        let name = (row.kind.clone(), row.name.clone());
        self.remove_entity(&name);
        if self.state.entity_versions.contains_key(&row.version) {
            return Err(StoreError::Duplicate(format!("version {} of an entity", row.version)));
        }
        self.put(|state| &mut state.entity_versions, row.version, name.clone());
        self.put(|state| &mut state.entities, name, row);
        Ok(())
    }

    /// Removes an entity and its version.
    pub(super) fn remove_entity(&mut self, name: &EntityName) {
        if let Some(row) = self.remove(|state| &mut state.entities, name) {
            self.remove(|state| &mut state.entity_versions, &row.version);
        }
    }

    /// Removes a pipeline and its keys.
    pub(super) fn remove_pipeline(&mut self, id: Uuid) {
        if let Some(row) = self.remove(|state| &mut state.pipelines, &id) {
            for key in PipelineKey::of(&row) {
                self.remove(|state| &mut state.pipeline_keys, &key);
            }
        }
    }
}
