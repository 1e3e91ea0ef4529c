//! What is known of one target while it is followed: which objects are its, and how new.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use super::{
    Client, Result,
    follow::{Change, Target},
    object::Object,
    paging,
    reading::{self, Scope},
};
use crate::api::{ListParams, pipeline::ListPipelines, task::ListTasks, watch::WatchParams};

struct Known {
    id: Uuid,
    incarnation: u32,
    version: u64,
    kind: &'static str,
    namespace: String,
    name: String,
}

/// One target and the objects that were seen of it.
pub(super) struct Tracked {
    target: Target,
    scope: Scope,
    /// By context, or by id where older incarnations count too.
    known: HashMap<Uuid, Known>,
    keys: HashMap<Uuid, Uuid>,
}

impl Tracked {
    pub(super) fn new(target: Target) -> Self {
        let scope = match target {
            Target::Tasks(_) | Target::Pipelines(_) => Scope::All,
            _ => Scope::Unknown,
        };
        Self { target, scope, known: HashMap::new(), keys: HashMap::new() }
    }

    /// Whether it is a list rather than one object.
    pub(super) fn is_selection(&self) -> bool {
        matches!(self.target, Target::Tasks(_) | Target::Pipelines(_))
    }

    /// The objects as they are, and a version after which no change of theirs is missed.
    pub(super) async fn read(
        &mut self,
        client: &Client,
        allows_missing: bool,
    ) -> Result<(Vec<Object>, Option<u64>)> {
        let read = match &self.target {
            Target::Task(reference) => reading::task(client, reference).await,
            Target::Pipeline(reference) => reading::pipeline(client, reference).await,
            Target::PipelineWithTasks(reference) => reading::pipeline_with_tasks(client, reference).await,
            Target::Tasks(params) => {
                let list = paging::list_whole::<ListTasks, _>(client, params.clone()).await?;
                let objects = list.items.into_iter().map(|task| Object::Task(Box::new(task)));
                return Ok((objects.collect(), Some(list.version)));
            }
            Target::Pipelines(params) => {
                let list = paging::list_whole::<ListPipelines, _>(client, params.clone()).await?;
                let objects = list.items.into_iter().map(|pipeline| Object::Pipeline(Box::new(pipeline)));
                return Ok((objects.collect(), Some(list.version)));
            }
        };
        match read {
            Ok((scope, objects, version)) => {
                self.scope = scope;
                Ok((objects, version))
            }
            Err(error) if error.is_not_found() && allows_missing => {
                self.scope = Scope::Unknown;
                Ok((Vec::new(), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an object is this target's. The first one with the name that is waited for
    /// becomes it.
    pub(super) fn matches(&mut self, object: &Object) -> bool {
        if matches!(self.scope, Scope::Unknown) {
            self.scope = match (&self.target, object) {
                (Target::Task(reference), Object::Task(_)) if object.is_named(reference) => {
                    if object.is_named_as_newest(reference) {
                        Scope::Context(object.context_id())
                    } else {
                        Scope::Exact(object.id())
                    }
                }
                (Target::Pipeline(reference) | Target::PipelineWithTasks(reference), Object::Pipeline(_))
                    if object.is_named(reference) =>
                {
                    Scope::Pipeline(object.id())
                }
                _ => return false,
            };
        }
        match (self.scope.clone(), object) {
            (Scope::Unknown, _) => false,
            (Scope::All, _) => true,
            (Scope::Exact(id), _) => object.id() == id,
            (Scope::Context(context), _) => object.context_id() == context,
            (Scope::Pipeline(id), Object::Pipeline(_)) => object.id() == id,
            (Scope::Pipeline(id), Object::Task(task)) => {
                matches!(self.target, Target::PipelineWithTasks(_))
                    && task.metadata.pipeline.as_ref().is_some_and(|pipeline| pipeline.id == id)
            }
        }
    }

    /// Takes an object unless something newer of it is known.
    pub(super) fn set(&mut self, target: usize, object: Object, changes: &mut VecDeque<Change>) {
        let metadata = object.metadata();
        let known = Known {
            id: object.id(),
            incarnation: metadata.incarnation(),
            version: metadata.version.unwrap_or(0),
            kind: object.kind(),
            namespace: metadata.namespace().to_owned(),
            name: metadata.name().to_owned(),
        };
        let key = if self.counts_all_incarnations() { object.id() } else { object.context_id() };
        if let Some(before) = self.known.get(&key) {
            if (known.incarnation, known.version) <= (before.incarnation, before.version) {
                return;
            }
            self.keys.remove(&before.id);
        }
        self.keys.insert(known.id, key);
        self.known.insert(key, known);
        changes.push_back(Change::Set { target, object });
    }

    /// Takes away an object; says whether it was known.
    pub(super) fn remove(&mut self, target: usize, id: Uuid, changes: &mut VecDeque<Change>) -> bool {
        let Some(known) = self.keys.remove(&id).and_then(|key| self.known.remove(&key)) else { return false };
        changes.push_back(Change::Gone {
            target,
            id: known.id,
            kind: known.kind.to_owned(),
            namespace: known.namespace,
            name: known.name,
        });
        true
    }

    /// Takes the objects of a new reading: those that are not among them any more are gone.
    pub(super) fn replace(&mut self, target: usize, objects: Vec<Object>, changes: &mut VecDeque<Change>) {
        let present: HashSet<Uuid> = objects.iter().map(Object::id).collect();
        let contexts: HashSet<Uuid> = objects.iter().map(Object::context_id).collect();
        let gone: Vec<Uuid> = self
            .known
            .iter()
            .filter(|(key, known)| !present.contains(&known.id) && !contexts.contains(*key))
            .map(|(_, known)| known.id)
            .collect();
        for id in gone {
            self.remove(target, id, changes);
        }
        for object in objects {
            self.set(target, object, changes);
        }
    }

    /// The narrowest watch that holds this target.
    pub(super) fn scope(&self) -> WatchParams {
        let watch = |kinds: &str| WatchParams { kinds: Some(kinds.to_owned()), ..WatchParams::default() };
        let list = |kinds: &str, params: &ListParams| WatchParams {
            namespace: params.namespace.clone(),
            label_selector: params.label_selector.clone(),
            field_selector: params.field_selector.clone(),
            summary: params.summary,
            ..watch(kinds)
        };
        match (&self.target, &self.scope) {
            (Target::Task(reference), Scope::Context(context)) => WatchParams {
                namespace: Some(reference.namespace.clone()),
                context: Some(*context),
                ..watch("Task")
            },
            (Target::Task(reference), _) => {
                WatchParams { namespace: Some(reference.namespace.clone()), ..watch("Task") }
            }
            (Target::Pipeline(reference), Scope::Pipeline(id)) => WatchParams {
                namespace: Some(reference.namespace.clone()),
                pipeline: Some(*id),
                ..watch("Pipeline")
            },
            (Target::PipelineWithTasks(reference), Scope::Pipeline(id)) => WatchParams {
                namespace: Some(reference.namespace.clone()),
                pipeline: Some(*id),
                ..watch("Task,Pipeline")
            },
            (Target::Pipeline(reference) | Target::PipelineWithTasks(reference), _) => {
                WatchParams { namespace: Some(reference.namespace.clone()), ..watch("Task,Pipeline") }
            }
            (Target::Tasks(params), _) => list("Task", params),
            (Target::Pipelines(params), _) => list("Pipeline", params),
        }
    }

    fn counts_all_incarnations(&self) -> bool {
        matches!(&self.target, Target::Tasks(params) if params.all_incarnations)
    }
}
