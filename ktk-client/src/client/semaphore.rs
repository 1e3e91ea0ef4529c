//! Semaphores: the verbs of the typed client.

use super::{
    Client, Result,
    changes::{self, ObjectWatch},
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Semaphore,
    entity::{CreateParams, NamedParams},
    list::Created,
    patch::{Patch, PatchParams, PatchSemaphore, Patched},
    semaphore::{self, ListSemaphores, ScaleParams},
    task::Deleted,
    watch::WatchParams,
};

/// Semaphores: they belong to no namespace.
#[derive(Clone, Debug)]
pub struct Semaphores {
    client: Client,
}

impl Semaphores {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes a semaphore.
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &Semaphore) -> Result<Created<Semaphore>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None }).await
    }

    /// Makes a semaphore with parameters of its own; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// As [`Semaphores::create`].
    pub async fn create_with(&self, params: CreateParams<Semaphore>) -> Result<Created<Semaphore>> {
        self.client.call_once::<semaphore::Create>(params).await
    }

    /// One semaphore, by any reference.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Semaphore> {
        self.client.call::<semaphore::Get>(&self.client.reference(name)).await
    }

    /// One semaphore, or nothing where there is none.
    ///
    /// # Errors
    /// As [`Semaphores::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Semaphore>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of semaphores.
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Semaphore>> {
        self.client.call::<ListSemaphores>(&params).await
    }

    /// All semaphores, as a stream over the pages.
    pub fn list_all(&self, params: ListParams) -> ListStream<Semaphore> {
        paging::list_all::<ListSemaphores, _>(self.client.clone(), params)
    }

    /// The changes of semaphores, from `params.version` on. `kinds` is this one.
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<Semaphore> {
        changes::watch(&self.client, "Semaphore", params)
    }

    /// Changes a semaphore that exists: its labels, annotations and spec.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Semaphore>> {
        self.client.call_once::<PatchSemaphore>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// # Errors
    /// As [`Semaphores::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Semaphore>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a semaphore that nobody uses.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` with who uses it.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Semaphore>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<semaphore::Delete>(params).await
    }

    /// Gives a semaphore another size, at once. Nothing is taken from those who hold permits.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where the number is absurd.
    pub async fn scale(&self, name: impl Into<String>, permits: u32) -> Result<Semaphore> {
        let params = ScaleParams { reference: self.client.reference(name), permits, request_id: None };
        self.client.call_once::<semaphore::Scale>(params).await
    }
}
