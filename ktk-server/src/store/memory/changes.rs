//! What can be done to the state: the changes of a transaction.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{journal::Journal, loads::pairs_of};
use crate::{
    model::{
        entity::EntityRow,
        lane::LaneRow,
        row::{
            AttemptRow, EventRow, HookRow, NeedRow, NewPipeline, NewTask, NodeRow, PipelineRow, RequestRow,
            ResultRow, TaskRow, TombstoneRow,
        },
    },
    store::{
        StoreError, StoreResult,
        precision::{Kept, kept},
    },
};

impl Journal<'_> {
    pub(super) fn insert_tasks(&mut self, tasks: &[NewTask]) -> StoreResult<()> {
        for task in tasks {
            if self.state.tasks.contains_key(&task.row.id) {
                return Err(StoreError::Duplicate(format!("task {}", task.row.id)));
            }
            self.put_task(task.row.kept())?;
            self.put(|state| &mut state.task_bodies, task.row.id, task.body.clone());
        }
        Ok(())
    }

    pub(super) fn update_tasks(&mut self, rows: &[TaskRow]) -> StoreResult<()> {
        for row in rows {
            need_task(self, row.id)?;
            self.put_task(row.kept())?;
        }
        Ok(())
    }

    pub(super) fn delete_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        for id in ids {
            self.remove_task(*id);
        }
        self.strip_tasks(ids)
    }

    pub(super) fn strip_tasks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        for id in ids {
            self.remove(|state| &mut state.task_bodies, id);
            self.remove(|state| &mut state.task_results, id);
            let attempts = self.state.attempts.range((*id, 0)..=(*id, u32::MAX)).map(|(key, _)| *key);
            for key in attempts.collect::<Vec<_>>() {
                self.remove(|state| &mut state.attempts, &key);
            }
        }
        Ok(())
    }

    pub(super) fn put_task_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        for (id, body) in rows {
            if !self.state.task_bodies.contains_key(id) {
                return Err(absent("task", *id));
            }
            self.put(|state| &mut state.task_bodies, *id, body.clone());
        }
        Ok(())
    }

    pub(super) fn put_task_results(&mut self, rows: &[ResultRow]) -> StoreResult<()> {
        for row in rows {
            need_task(self, row.task_id)?;
            self.put(|state| &mut state.task_results, row.task_id, row.clone());
        }
        Ok(())
    }

    pub(super) fn insert_attempts(&mut self, rows: &[AttemptRow]) -> StoreResult<()> {
        for row in rows {
            need_task(self, row.task_id)?;
            let key = (row.task_id, row.number);
            if self.state.attempts.contains_key(&key) {
                return Err(StoreError::Duplicate(format!("attempt {key:?}")));
            }
            self.put(|state| &mut state.attempts, key, row.kept());
        }
        Ok(())
    }

    pub(super) fn insert_needs(&mut self, rows: &[NeedRow]) -> StoreResult<()> {
        for row in rows {
            self.put(|state| &mut state.dependents, (row.need, row.dependent), ());
            self.put(|state| &mut state.needs, (row.dependent, row.need), ());
        }
        Ok(())
    }

    pub(super) fn delete_needs(&mut self, dependents: &[Uuid]) -> StoreResult<()> {
        for dependent in dependents {
            for (dependent, need) in pairs_of(&self.state.needs, *dependent).collect::<Vec<_>>() {
                self.remove(|state| &mut state.needs, &(dependent, need));
                self.remove(|state| &mut state.dependents, &(need, dependent));
            }
        }
        Ok(())
    }

    pub(super) fn insert_pipelines(&mut self, pipelines: &[NewPipeline]) -> StoreResult<()> {
        for pipeline in pipelines {
            if self.state.pipelines.contains_key(&pipeline.row.id) {
                return Err(StoreError::Duplicate(format!("pipeline {}", pipeline.row.id)));
            }
            self.put_pipeline(pipeline.row.kept())?;
            self.put(|state| &mut state.pipeline_bodies, pipeline.row.id, pipeline.body.clone());
        }
        Ok(())
    }

    pub(super) fn update_pipelines(&mut self, rows: &[PipelineRow]) -> StoreResult<()> {
        for row in rows {
            if !self.state.pipelines.contains_key(&row.id) {
                return Err(absent("pipeline", row.id));
            }
            self.put_pipeline(row.kept())?;
        }
        Ok(())
    }

    pub(super) fn put_pipeline_bodies(&mut self, rows: &[(Uuid, String)]) -> StoreResult<()> {
        for (id, body) in rows {
            if !self.state.pipeline_bodies.contains_key(id) {
                return Err(absent("pipeline", *id));
            }
            self.put(|state| &mut state.pipeline_bodies, *id, body.clone());
        }
        Ok(())
    }

    pub(super) fn delete_pipelines(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        for id in ids {
            self.remove_pipeline(*id);
            self.remove(|state| &mut state.pipeline_bodies, id);
        }
        Ok(())
    }

    pub(super) fn insert_tombstones(&mut self, rows: &[TombstoneRow]) -> StoreResult<()> {
        for row in rows {
            if self.state.tombstones.contains_key(&row.version) {
                return Err(StoreError::Duplicate(format!("tombstone {}", row.version)));
            }
            self.put(|state| &mut state.tombstones, row.version, row.kept());
        }
        Ok(())
    }

    pub(super) fn trim_tombstones(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        let old = self.state.tombstones.values().filter(|row| row.at < before);
        if let Some(newest) = old.map(|row| row.version).max() {
            let start = self.state.history_start.get(&()).copied().unwrap_or(0).max(newest);
            self.put(|state| &mut state.history_start, (), start);
        }
        self.remove_where(|state| &mut state.tombstones, |_, row| row.at < before);
        Ok(())
    }

    pub(super) fn limit_tombstones(&mut self, most: u64) -> StoreResult<()> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let Some(newest) = self.state.tombstones.keys().rev().nth(most).copied() else { return Ok(()) };
        let start = self.state.history_start.get(&()).copied().unwrap_or(0).max(newest);
        self.put(|state| &mut state.history_start, (), start);
        self.remove_where(|state| &mut state.tombstones, |version, _| *version <= newest);
        Ok(())
    }

    pub(super) fn put_fact(&mut self, name: &str, value: &str) -> StoreResult<()> {
        self.put(|state| &mut state.facts, name.to_owned(), value.to_owned());
        Ok(())
    }

    pub(super) fn insert_events(&mut self, rows: &[EventRow]) -> StoreResult<()> {
        for row in rows {
            self.state.counters.event += 1;
            let (row, number) = (row.kept(), self.state.counters.event);
            self.put(|state| &mut state.events, (row.at, number), row);
        }
        Ok(())
    }

    pub(super) fn delete_events(&mut self, objects: &[Uuid]) -> StoreResult<()> {
        self.remove_where(|state| &mut state.events, |_, row| objects.contains(&row.object_id));
        Ok(())
    }

    pub(super) fn trim_events(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        self.remove_where(|state| &mut state.events, |(at, _), _| *at < before);
        Ok(())
    }

    pub(super) fn put_node(&mut self, row: &NodeRow) -> StoreResult<()> {
        self.put(|state| &mut state.nodes, row.id, row.kept());
        Ok(())
    }

    pub(super) fn put_lanes(&mut self, rows: &[LaneRow]) -> StoreResult<()> {
        self.change_lanes(|lanes| {
            lanes.retain(|lane| rows.iter().all(|row| row.id != lane.id));
            lanes.extend(rows.iter().cloned());
            lanes.sort_by_key(|lane| lane.id);
        });
        Ok(())
    }

    pub(super) fn delete_lanes(&mut self, ids: &[u32]) -> StoreResult<()> {
        self.change_lanes(|lanes| lanes.retain(|lane| !ids.contains(&lane.id)));
        Ok(())
    }

    fn change_lanes(&mut self, change: impl FnOnce(&mut Vec<LaneRow>)) {
        let mut lanes = self.state.lanes().to_vec();
        change(&mut lanes);
        self.put(|state| &mut state.lanes, (), Arc::new(lanes));
    }

    pub(super) fn put_entities(&mut self, rows: &[EntityRow]) -> StoreResult<()> {
        rows.iter().try_for_each(|row| self.put_entity(row.kept()))
    }

    pub(super) fn delete_entities(&mut self, kind: &str, names: &[String]) -> StoreResult<()> {
        names.iter().for_each(|name| self.remove_entity(&(kind.to_owned(), name.clone())));
        Ok(())
    }

    pub(super) fn insert_request(&mut self, row: &RequestRow) -> StoreResult<()> {
        if self.state.requests.contains_key(&row.key) {
            return Err(StoreError::Duplicate(format!("request {}", row.key)));
        }
        self.put(|state| &mut state.requests, row.key.clone(), row.kept());
        Ok(())
    }

    pub(super) fn insert_hooks(&mut self, rows: &[HookRow]) -> StoreResult<()> {
        for row in rows {
            if self.state.hooks.values().any(|other| other.id == row.id) {
                return Err(StoreError::Duplicate(format!("hook {}", row.id)));
            }
            self.state.counters.hook += 1;
            let number = self.state.counters.hook;
            self.put(|state| &mut state.hooks, number, row.clone());
        }
        Ok(())
    }

    pub(super) fn delete_hooks(&mut self, ids: &[Uuid]) -> StoreResult<()> {
        self.remove_where(|state| &mut state.hooks, |_, row| ids.contains(&row.id));
        Ok(())
    }

    pub(super) fn trim_requests(&mut self, before: Timestamp) -> StoreResult<()> {
        let before = kept(before);
        self.remove_where(|state| &mut state.requests, |_, row| row.at < before);
        Ok(())
    }
}

fn absent(what: &str, id: Uuid) -> StoreError {
    StoreError::Failed(format!("there is no {what} {id} to change"))
}

fn need_task(journal: &Journal<'_>, id: Uuid) -> StoreResult<()> {
    if journal.state.tasks.contains_key(&id) { Ok(()) } else { Err(absent("task", id)) }
}
