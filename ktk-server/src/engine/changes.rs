//! What a watch delivers: changes after a version, in version order.

use std::collections::BTreeMap;

use ktk_client::api::{
    API_VERSION, ApiError, Entity, ErrorReason, Metadata, Queue, Semaphore, TaskId, TaskType,
    meta::RestartMeta,
    watch::{WatchEvent, WatchParams},
};
use serde_json::{Value, json};

use super::{
    body,
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    object,
    operation::Ask,
    read::Selectors,
    room::Shown,
    semaphore,
};
use crate::{
    limits,
    model::{
        entity::EntityRow,
        row::{Change, PipelineRow, TaskRow, TombstoneRow},
    },
    store::{Operation, Tx},
};

/// Kinds without a namespace.
const ENTITIES: [&str; 3] = [Queue::KIND, Semaphore::KIND, TaskType::KIND];

/// A watch's parameters, parsed.
#[derive(Clone, Debug)]
pub struct Filter {
    params: WatchParams,
    tasks: Option<Selectors>,
    pipelines: Option<Selectors>,
    /// Of each kind without a namespace that is watched.
    entities: BTreeMap<&'static str, Selectors>,
}

impl Filter {
    /// Parses kinds and selectors.
    ///
    /// # Errors
    /// `Invalid` that names the parameter.
    pub fn new(params: WatchParams) -> EngineResult<Self> {
        let text = params.kinds.clone().unwrap_or_else(|| "Task,Pipeline".into());
        let (mut tasks, mut pipelines, mut entities) = (None, None, BTreeMap::new());
        for kind in text.split(',') {
            let (labels, fields) = (params.label_selector.as_deref(), params.field_selector.as_deref());
            match kind.trim() {
                "Task" => tasks = Some(Selectors::parse(labels, fields, object::TASK_FIELDS)?),
                "Pipeline" => pipelines = Some(Selectors::parse(labels, fields, object::PIPELINE_FIELDS)?),
                other if ENTITIES.contains(&other) => {
                    let kind = ENTITIES.iter().find(|kind| **kind == other).expect("it is among them");
                    entities.insert(*kind, Selectors::parse(labels, fields, entity::ENTITY_FIELDS)?);
                }
                other => {
                    let others = ENTITIES.join(", ");
                    let words = format!("{other:?} cannot be watched: Task, Pipeline, {others} can");
                    return Err(EngineError::invalid("the watch", "kinds", words));
                }
            }
        }
        Ok(Self { params, tasks, pipelines, entities })
    }

    fn in_scope(&self, namespace: &str, pipeline: Option<uuid::Uuid>, context: uuid::Uuid) -> bool {
        self.params.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
            && self.params.pipeline.is_none_or(|wanted| pipeline == Some(wanted))
            && self.params.context.is_none_or(|wanted| context == wanted)
    }
}

/// One page of a watch.
pub struct WatchPage {
    pub ask: Ask,
    pub filter: Filter,
    pub after: u64,
}

impl Operation for WatchPage {
    /// The events, and the version up to which everything has now been seen.
    type Output = (Vec<WatchEvent>, u64);
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Self::Output> {
        if let Some(namespace) = &self.filter.params.namespace {
            self.ask.enter(namespace)?;
        }
        let start = tx.history_start().await?;
        if self.after < start {
            let words =
                format!("version {} is older than the kept history, which begins at {start}", self.after);
            return Err(EngineError::Refused(
                ApiError::new(ErrorReason::Expired, words).with_hint("list again and watch from there"),
            ));
        }
        let changes = tx.changes(self.after, limits::WATCH_PAGE).await?;
        let Some(upto) = changes.last().map(Change::version) else {
            self.is_known(tx.version().await?)?;
            return Ok((Vec::new(), self.after));
        };
        let mut events = Vec::new();
        for change in changes {
            match change {
                Change::Task(row) => events.extend(self.task(tx, &row).await?),
                Change::Pipeline(row) => events.extend(self.pipeline(tx, &row).await?),
                Change::Entity(row) => events.extend(self.entity(tx, &row).await?),
                Change::Deleted(row) => events.extend(self.deleted(&row)?),
            }
        }
        Ok((events, upto))
    }
}

impl WatchPage {
    /// Nothing happened after a version that this store has never given: it was restored from a backup, or is
    /// another one, and silence would be a lie.
    fn is_known(&self, newest: u64) -> EngineResult<()> {
        if self.after <= newest {
            return Ok(());
        }
        let words =
            format!("version {} is newer than all that this store knows, which is {newest}", self.after);
        Err(EngineError::Refused(
            ApiError::new(ErrorReason::Expired, words).with_hint("list again and watch from there"),
        ))
    }

    async fn task<T: Tx>(&self, tx: &mut T, row: &TaskRow) -> EngineResult<Option<WatchEvent>> {
        let Some(selectors) = &self.filter.tasks.as_ref().filter(|_| self.ask.sees(row)) else {
            return Ok(None);
        };
        if !self.filter.in_scope(&row.namespace, row.pipeline_id, row.context_id) {
            return Ok(None);
        }
        let version = row.version;
        if !selectors.task(row) {
            let object = value(&object::summary(&self.ask.shared, row))?;
            return Ok(Some(WatchEvent::Delete { version, object }));
        }
        let task = if self.filter.params.summary {
            let mut task = object::slim(&self.ask.shared, row);
            Shown::of_tasks(tx, std::slice::from_ref(row)).await?.show(&mut task, row);
            task
        } else {
            object::task(tx, &self.ask.shared, row).await?
        };
        Ok(Some(WatchEvent::Change { version, object: value(&task)? }))
    }

    async fn pipeline<T: Tx>(&self, tx: &mut T, row: &PipelineRow) -> EngineResult<Option<WatchEvent>> {
        let is_seen = self.ask.scope.is_none() && self.ask.reaches(&row.namespace);
        let pipelines = self.filter.pipelines.as_ref().filter(|_| is_seen);
        let Some(selectors) = pipelines else { return Ok(None) };
        if !self.filter.in_scope(&row.namespace, Some(row.id), row.context_id) {
            return Ok(None);
        }
        let version = row.version;
        if !selectors.pipeline(row) {
            let object = value(&object::pipeline_summary(&self.ask.shared, row))?;
            return Ok(Some(WatchEvent::Delete { version, object }));
        }
        let pipeline = if self.filter.params.summary {
            object::pipeline_summary(&self.ask.shared, row)
        } else {
            object::pipelines(tx, &self.ask.shared, std::slice::from_ref(row)).await?.remove(0)
        };
        Ok(Some(WatchEvent::Change { version, object: value(&pipeline)? }))
    }

    /// It is in every namespace.
    async fn entity<T: Tx>(&self, tx: &mut T, row: &EntityRow) -> EngineResult<Option<WatchEvent>> {
        let entities = Some(&self.filter.entities).filter(|_| self.ask.scope.is_none());
        let Some(selectors) = entities.and_then(|kinds| kinds.get(&*row.kind)) else { return Ok(None) };
        let version = row.version;
        let object = match &*row.kind {
            Queue::KIND => completed::<Queue, T>(tx, row).await?,
            Semaphore::KIND => {
                let mut object: Semaphore = entity::object(row)?;
                Semaphore::complete(tx, &mut object).await?;
                semaphore::cut_down(&mut object, |namespace| self.ask.reaches(namespace));
                value(&object)?
            }
            _ => completed::<TaskType, T>(tx, row).await?,
        };
        Ok(Some(match selectors.entity(row) {
            true => WatchEvent::Change { version, object },
            false => WatchEvent::Delete { version, object },
        }))
    }

    fn deleted(&self, row: &TombstoneRow) -> EngineResult<Option<WatchEvent>> {
        let (selectors, is_namespaced) = match &*row.kind {
            "Task" => (self.filter.tasks.as_ref(), true),
            "Pipeline" => (self.filter.pipelines.as_ref(), true),
            other => (self.filter.entities.get(other), false),
        };
        let Some(selectors) = selectors else { return Ok(None) };
        // Of what is gone nobody knows who made it: an attempt hears of it where it knew its context.
        if self.ask.scope.is_some() && self.filter.params.context.is_none() {
            return Ok(None);
        }
        let in_scope = !is_namespaced
            || self.ask.reaches(&row.namespace)
                && self.filter.in_scope(&row.namespace, row.pipeline_id, row.context_id);
        if !in_scope || !selectors.labels(row.labels.as_deref()) {
            return Ok(None);
        }
        let id = TaskId::new(row.id);
        let metadata = Metadata {
            name: Some(row.name.clone()),
            namespace: is_namespaced.then(|| row.namespace.clone()),
            labels: body::labels(row.labels.as_deref()),
            id: Some(row.id),
            digest: Some(id.digest_hex()),
            human_name: Some(id.human_name().to_owned()),
            version: Some(row.version),
            deleted_at: Some(row.at),
            restart: is_namespaced.then(|| RestartMeta {
                context_id: row.context_id,
                parent_id: None,
                incarnation: row.incarnation,
                reason: None,
                changes: Default::default(),
                by: None,
            }),
            ..Metadata::default()
        };
        let object = json!({"apiVersion": API_VERSION, "kind": row.kind, "metadata": value(&metadata)?});
        Ok(Some(WatchEvent::Delete { version: row.version, object }))
    }
}

/// The whole object of a row.
async fn completed<K: Kind, T: Tx>(tx: &mut T, row: &EntityRow) -> EngineResult<Value> {
    let mut object: K = entity::object(row)?;
    K::complete(tx, &mut object).await?;
    value(&object)
}

fn value<S: serde::Serialize>(object: &S) -> EngineResult<Value> {
    serde_json::to_value(object).map_err(|error| EngineError::Bug(format!("an object has no JSON: {error}")))
}
