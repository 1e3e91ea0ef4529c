//! Task types: the verbs of the typed client.

use super::{
    Client, Result,
    changes::{self, ObjectWatch},
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, TaskType,
    entity::{CreateParams, NamedParams},
    list::Created,
    patch::{Patch, PatchParams, PatchTaskType, Patched},
    task::Deleted,
    task_type::{self, Applied, ApplyParams, ListTaskTypes},
    watch::WatchParams,
};

/// Task types: they belong to no namespace.
#[derive(Clone, Debug)]
pub struct TaskTypes {
    client: Client,
}

impl TaskTypes {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes a type.
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &TaskType) -> Result<Created<TaskType>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None }).await
    }

    /// Makes a type with parameters of its own; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// As [`TaskTypes::create`].
    pub async fn create_with(&self, params: CreateParams<TaskType>) -> Result<Created<TaskType>> {
        self.client.call_once::<task_type::Create>(params).await
    }

    /// One version by `NAME@VERSION`, or the newest by name or alias.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<TaskType> {
        self.client.call::<task_type::Get>(&self.client.reference(name)).await
    }

    /// One type, or nothing where there is none.
    ///
    /// # Errors
    /// As [`TaskTypes::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<TaskType>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of types.
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<TaskType>> {
        self.client.call::<ListTaskTypes>(&params).await
    }

    /// All types, as a stream over the pages.
    pub fn list_all(&self, params: ListParams) -> ListStream<TaskType> {
        paging::list_all::<ListTaskTypes, _>(self.client.clone(), params)
    }

    /// The changes of types, from `params.version` on. `kinds` is this one.
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<TaskType> {
        changes::watch(&self.client, "TaskType", params)
    }

    /// Makes and changes types until they are as given, and with `prune` removes what is gone from their set: all of
    /// it or nothing; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// `Invalid` with every cause; `Conflict` where another set has one of them.
    pub async fn apply(&self, params: &ApplyParams) -> Result<Applied> {
        self.client.call_once::<task_type::Apply>(params.clone()).await
    }

    /// Changes a version of a task type that exists: its labels and annotations.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<TaskType>> {
        self.client.call_once::<PatchTaskType>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// # Errors
    /// As [`TaskTypes::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<TaskType>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a version; tasks keep what they were made with.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<TaskType>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task_type::Delete>(params).await
    }
}
