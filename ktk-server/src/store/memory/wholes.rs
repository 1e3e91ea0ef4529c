//! What is collected as a whole.

use jiff::Timestamp;
use uuid::Uuid;

use super::state::{PipelineKey, State, TaskKey};
use crate::{
    model::row::{PipelineRow, TaskRow, WholeKind, WholeRow},
    store::precision::kept,
};

impl State {
    pub(super) fn wholes(&self, kind: WholeKind, after: Uuid, limit: usize) -> Vec<WholeRow> {
        let mut rows = self.all_wholes(kind);
        rows.retain(|(_, row)| row.id > after);
        rows.truncate(limit);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    pub(super) fn expiring(
        &self,
        kind: WholeKind,
        (after, id): (Timestamp, Uuid),
        limit: usize,
    ) -> Vec<WholeRow> {
        let after = (kept(after), id);
        let expiring = self.all_wholes(kind).into_iter().filter_map(|(at, row)| Some((at?, row)));
        let mut rows: Vec<(Timestamp, WholeRow)> =
            expiring.filter(|(at, row)| (*at, row.id) > after).collect();
        rows.sort_by_key(|(at, row)| (*at, row.id));
        rows.truncate(limit);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// By id, each with the time at which it goes by itself.
    fn all_wholes(&self, kind: WholeKind) -> Vec<(Option<Timestamp>, WholeRow)> {
        match kind {
            WholeKind::Task => {
                let rows = self.tasks.values().filter(|row| row.newest && row.pipeline_id.is_none());
                rows.map(|row| (row.rare.expires_at, self.whole_task(row))).collect()
            }
            WholeKind::Pipeline => {
                let rows = self.pipelines.values().filter(|row| row.newest);
                rows.map(|row| (row.rare.expires_at, self.whole_pipeline(row))).collect()
            }
        }
    }

    fn whole_task(&self, row: &TaskRow) -> WholeRow {
        let belongs = |key: &TaskKey| matches!(key, TaskKey::Incarnation(of, _) if *of == row.context_id);
        WholeRow {
            kind: WholeKind::Task,
            id: row.id,
            context_id: row.context_id,
            namespace: row.namespace.clone(),
            name: row.name.clone(),
            phase: row.phase,
            created_at: row.created_at,
            finished_at: row.finished_at,
            deleted_at: row.deleted_at,
            ttl: row.rare.ttl,
            tasks: match row.incarnation {
                1 => 1,
                _ => self.run(TaskKey::Incarnation(row.context_id, 0), belongs).count() as u64,
            },
        }
    }

    fn whole_pipeline(&self, row: &PipelineRow) -> WholeRow {
        let named = |key: &PipelineKey| matches!(key, PipelineKey::Name(space, name, _) if (space, name) == (&row.namespace, &row.name));
        let first = PipelineKey::Name(row.namespace.clone(), row.name.clone(), 0);
        let all = self.pipeline_run(first, named).filter(|other| other.context_id == row.context_id);
        let tasks = |pipeline: Uuid| {
            let belongs = move |key: &TaskKey| matches!(key, TaskKey::Pipeline(of, _) if *of == pipeline);
            self.run(TaskKey::Pipeline(pipeline, Uuid::nil()), belongs).count() as u64
        };
        WholeRow {
            kind: WholeKind::Pipeline,
            id: row.id,
            context_id: row.context_id,
            namespace: row.namespace.clone(),
            name: row.name.clone(),
            phase: row.phase,
            created_at: row.created_at,
            finished_at: row.finished_at,
            deleted_at: row.deleted_at,
            ttl: row.rare.ttl,
            tasks: all.map(|other| tasks(other.id)).sum(),
        }
    }
}
