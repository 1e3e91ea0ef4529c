//! What a watch sees of a change.

use std::{collections::BTreeMap, sync::Arc};

use ktk_client::api::{
    API_VERSION, Entity, Metadata, Queue, Semaphore, TaskId, TaskType,
    meta::RestartMeta,
    selector::{ENTITY_FIELDS, PIPELINE_FIELDS, TASK_FIELDS},
    watch::{WatchEvent, WatchParams},
};
use serde_json::{Value, json};

use super::{
    body,
    entity::{self, Kind},
    error::{EngineError, EngineResult},
    object,
    operation::{Ask, Namespaces, Scope},
    read::Selectors,
    room::Shown,
    semaphore,
};
use crate::{
    model::{
        entity::EntityRow,
        row::{Change, PipelineRow, TaskRow, TombstoneRow},
    },
    store::Tx,
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
                "Task" => tasks = Some(Selectors::parse(labels, fields, TASK_FIELDS)?),
                "Pipeline" => pipelines = Some(Selectors::parse(labels, fields, PIPELINE_FIELDS)?),
                other if ENTITIES.contains(&other) => {
                    let kind = ENTITIES.iter().find(|kind| **kind == other).expect("it is among them");
                    entities.insert(*kind, Selectors::parse(labels, fields, ENTITY_FIELDS)?);
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

/// Whoever watches: what was asked for, and what may be seen of it.
#[derive(Clone, Debug)]
pub struct Viewer {
    ask: Ask,
    filter: Filter,
}

/// What tells viewers apart who see different things. Where this is equal, so is each event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    params: WatchParams,
    scope: Option<Scope>,
    namespaces: Option<Namespaces>,
}

/// How one change is shown: made once, however many see it.
#[derive(Default)]
pub struct Drawn {
    whole: Seen,
    summary: Seen,
    gone: Seen,
}

impl Drawn {
    fn shown(&mut self, is_summary: bool) -> &mut Seen {
        if is_summary { &mut self.summary } else { &mut self.whole }
    }
}

/// What a viewer is told of a change, if anything.
type Seen = Option<Arc<WatchEvent>>;

impl Viewer {
    pub fn new(ask: Ask, filter: Filter) -> Self {
        Self { ask, filter }
    }

    /// What it sees.
    pub fn view(&self) -> View {
        let params = WatchParams { version: None, ..self.filter.params.clone() };
        View { params, scope: self.ask.scope.clone(), namespaces: self.ask.namespaces.clone() }
    }

    /// Refuses a namespace that the asker may not reach.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn enter(&self) -> EngineResult<()> {
        self.filter.params.namespace.as_ref().map_or(Ok(()), |namespace| self.ask.enter(namespace))
    }

    /// What it is told of a change, if anything.
    pub async fn event<T: Tx>(&self, tx: &mut T, change: &Change, drawn: &mut Drawn) -> EngineResult<Seen> {
        match change {
            Change::Task(row) => self.task(tx, row, drawn).await,
            Change::Pipeline(row) => self.pipeline(tx, row, drawn).await,
            Change::Entity(row) => self.entity(tx, row, drawn).await,
            Change::Deleted(row) => self.deleted(row, drawn),
        }
    }

    async fn task<T: Tx>(&self, tx: &mut T, row: &TaskRow, drawn: &mut Drawn) -> EngineResult<Seen> {
        let Some(selectors) = &self.filter.tasks.as_ref().filter(|_| self.ask.sees(row)) else {
            return Ok(None);
        };
        if !self.filter.in_scope(&row.namespace, row.pipeline_id, row.context_id) {
            return Ok(None);
        }
        let version = row.version;
        if !selectors.task(row) {
            if drawn.gone.is_none() {
                let object = body::to_value(&object::summary(&self.ask.shared, row))?;
                drawn.gone = Some(Arc::new(WatchEvent::Delete { version, object }));
            }
            return Ok(drawn.gone.clone());
        }
        let is_summary = self.filter.params.summary;
        if drawn.shown(is_summary).is_none() {
            let task = if is_summary {
                let mut task = object::slim(&self.ask.shared, row);
                Shown::of_tasks(tx, std::slice::from_ref(row)).await?.show(&mut task, row);
                task
            } else {
                object::task(tx, &self.ask.shared, row).await?
            };
            let event = WatchEvent::Change { version, object: body::to_value(&task)? };
            *drawn.shown(is_summary) = Some(Arc::new(event));
        }
        Ok(drawn.shown(is_summary).clone())
    }

    async fn pipeline<T: Tx>(&self, tx: &mut T, row: &PipelineRow, drawn: &mut Drawn) -> EngineResult<Seen> {
        let is_seen = self.ask.scope.is_none() && self.ask.reaches(&row.namespace);
        let pipelines = self.filter.pipelines.as_ref().filter(|_| is_seen);
        let Some(selectors) = pipelines else { return Ok(None) };
        if !self.filter.in_scope(&row.namespace, Some(row.id), row.context_id) {
            return Ok(None);
        }
        let version = row.version;
        if !selectors.pipeline(row) {
            if drawn.gone.is_none() {
                let object = body::to_value(&object::pipeline_summary(&self.ask.shared, row))?;
                drawn.gone = Some(Arc::new(WatchEvent::Delete { version, object }));
            }
            return Ok(drawn.gone.clone());
        }
        let is_summary = self.filter.params.summary;
        if drawn.shown(is_summary).is_none() {
            let pipeline = if is_summary {
                object::pipeline_summary(&self.ask.shared, row)
            } else {
                object::pipelines(tx, &self.ask.shared, std::slice::from_ref(row)).await?.remove(0)
            };
            let event = WatchEvent::Change { version, object: body::to_value(&pipeline)? };
            *drawn.shown(is_summary) = Some(Arc::new(event));
        }
        Ok(drawn.shown(is_summary).clone())
    }

    /// It is in every namespace.
    async fn entity<T: Tx>(&self, tx: &mut T, row: &EntityRow, drawn: &mut Drawn) -> EngineResult<Seen> {
        let entities = Some(&self.filter.entities).filter(|_| self.ask.scope.is_none());
        let Some(selectors) = entities.and_then(|kinds| kinds.get(&*row.kind)) else { return Ok(None) };
        let version = row.version;
        let is_match = selectors.entity(row);
        // Whoever may not reach every namespace sees an object of its own.
        let is_own = self.ask.is_limited();
        let known = if is_match { &drawn.whole } else { &drawn.gone };
        if let Some(known) = known.as_ref().filter(|_| !is_own) {
            return Ok(Some(Arc::clone(known)));
        }
        let object = match &*row.kind {
            Queue::KIND => completed::<Queue, T>(tx, row).await?,
            Semaphore::KIND => {
                let mut object: Semaphore = entity::object(row)?;
                Semaphore::complete(tx, &mut object).await?;
                semaphore::cut_down(&mut object, |namespace| self.ask.reaches(namespace));
                body::to_value(&object)?
            }
            _ => completed::<TaskType, T>(tx, row).await?,
        };
        let (slot, event) = match is_match {
            true => (&mut drawn.whole, WatchEvent::Change { version, object }),
            false => (&mut drawn.gone, WatchEvent::Delete { version, object }),
        };
        let event = Arc::new(event);
        if !is_own {
            *slot = Some(Arc::clone(&event));
        }
        Ok(Some(event))
    }

    fn deleted(&self, row: &TombstoneRow, drawn: &mut Drawn) -> EngineResult<Seen> {
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
        if drawn.gone.is_none() {
            drawn.gone = Some(Arc::new(tombstone(row, is_namespaced)?));
        }
        Ok(drawn.gone.clone())
    }
}

/// What is told of something that is gone.
fn tombstone(row: &TombstoneRow, is_namespaced: bool) -> EngineResult<WatchEvent> {
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
    let object = json!({"apiVersion": API_VERSION, "kind": row.kind, "metadata": body::to_value(&metadata)?});
    Ok(WatchEvent::Delete { version: row.version, object })
}

/// The whole object of a row.
async fn completed<K: Kind, T: Tx>(tx: &mut T, row: &EntityRow) -> EngineResult<Value> {
    let mut object: K = entity::object(row)?;
    K::complete(tx, &mut object).await?;
    body::to_value(&object)
}
