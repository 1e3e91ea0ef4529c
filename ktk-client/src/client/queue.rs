//! Queues: the verbs of the typed client.

use super::{
    Client, Result,
    changes::{self, ObjectWatch},
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Queue,
    entity::{CreateParams, NamedParams},
    list::Created,
    patch::{Patch, PatchParams, PatchQueue, Patched},
    queue::{self, ListQueues, ScaleParams},
    task::Deleted,
    watch::WatchParams,
};

/// Queues: they belong to no namespace.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
}

impl Queues {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Makes a queue.
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &Queue) -> Result<Created<Queue>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None }).await
    }

    /// Makes a queue with parameters of its own; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// As [`Queues::create`].
    pub async fn create_with(&self, params: CreateParams<Queue>) -> Result<Created<Queue>> {
        self.client.call_once::<queue::Create>(params).await
    }

    /// One queue, by any reference.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Queue> {
        self.client.call::<queue::Get>(&self.client.reference(name)).await
    }

    /// One queue, or nothing where there is none.
    ///
    /// # Errors
    /// As [`Queues::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Queue>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of queues.
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Queue>> {
        self.client.call::<ListQueues>(&params).await
    }

    /// All queues, as a stream over the pages.
    pub fn list_all(&self, params: ListParams) -> ListStream<Queue> {
        paging::list_all::<ListQueues, _>(self.client.clone(), params)
    }

    /// The changes of queues, from `params.version` on. `kinds` is this one.
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<Queue> {
        changes::watch(&self.client, "Queue", params)
    }

    /// Changes a queue that exists: its labels, annotations and spec.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Queue>> {
        self.client.call_once::<PatchQueue>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// # Errors
    /// As [`Queues::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Queue>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a queue that nobody uses.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` with who uses it.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Queue>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Delete>(params).await
    }

    /// Pauses a queue: none of its tasks starts. What runs goes on.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Queue> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Pause>(params).await
    }

    /// Lets the tasks of a queue start again.
    ///
    /// # Errors
    /// As [`Queues::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Queue> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Resume>(params).await
    }

    /// Says how many tasks of a queue run at once from now on; `None` is no limit. What runs goes on.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for 0: pause the queue instead.
    pub async fn scale(&self, name: impl Into<String>, max_running: Option<u32>) -> Result<Queue> {
        let params = ScaleParams { reference: self.client.reference(name), max_running, request_id: None };
        self.client.call_once::<queue::Scale>(params).await
    }
}
