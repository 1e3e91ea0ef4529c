//! Reading what is followed, as it is now.

use uuid::Uuid;

use super::{Client, Error, Result, object::Object, paging};
use crate::api::{self, DEFAULT_NAMESPACE, ListParams, ObjectRef, task::ListTasks};

/// The field selector of a pipeline's tasks.
const PIPELINE_FIELD: &str = "metadata.pipeline.id";

/// What belongs to a target, as far as that is known.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Nothing has that name yet.
    Unknown,
    /// This very object.
    Exact(Uuid),
    /// The newest incarnation of this context.
    Context(Uuid),
    /// This pipeline, and its tasks where they are followed too.
    Pipeline(Uuid),
    /// Whatever the watch brings.
    All,
}

/// A scope, its objects, and a version after which no change of theirs is missed.
pub(super) type Reading = (Scope, Vec<Object>, Option<u64>);

pub(super) async fn task(client: &Client, reference: &ObjectRef) -> Result<Reading> {
    let object = Object::Task(Box::new(client.call::<api::task::Get>(reference).await?));
    let version = object.metadata().version;
    let scope = if object.is_named_as_newest(reference) {
        Scope::Context(object.context_id())
    } else {
        Scope::Exact(object.id())
    };
    Ok((scope, vec![object], version))
}

pub(super) async fn pipeline(client: &Client, reference: &ObjectRef) -> Result<Reading> {
    let object = Object::Pipeline(Box::new(client.call::<api::pipeline::Get>(reference).await?));
    let version = object.metadata().version;
    Ok((Scope::Pipeline(object.id()), vec![object], version))
}

pub(super) async fn pipeline_with_tasks(client: &Client, reference: &ObjectRef) -> Result<Reading> {
    let pipeline = client.call::<api::pipeline::Get>(reference).await?;
    let id = pipeline.metadata.id.ok_or_else(|| Error::Protocol("a pipeline without an id".to_owned()))?;
    let namespace = pipeline.metadata.namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let params = ListParams {
        namespace: Some(namespace.clone()),
        field_selector: Some(format!("{PIPELINE_FIELD}={id}")),
        ..ListParams::default()
    };
    let tasks = paging::list_whole::<ListTasks, _>(client, params).await?;
    // Again, so that it is no older than the version of the list.
    let pipeline = client.call::<api::pipeline::Get>(&ObjectRef::new(namespace, id.to_string())).await?;
    let mut objects = vec![Object::Pipeline(Box::new(pipeline))];
    objects.extend(tasks.items.into_iter().map(|task| Object::Task(Box::new(task))));
    Ok((Scope::Pipeline(id), objects, Some(tasks.version)))
}
