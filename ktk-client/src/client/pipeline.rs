//! Pipelines: the verbs of the typed client.

use super::{
    Client, Result, entropy,
    paging::{self, ListStream},
    restart::Restart,
};
use crate::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Pipeline,
    entity::NamedParams,
    list::Created,
    pipeline::{self, ListPipelines},
    restart::{RestartParams, Restarted},
    task::{CancelParams, DeleteParams, Deleted},
};

/// Pipelines of one namespace. Names are any reference: exact name, `NAME@N`, human name, id, or a
/// prefix of the digest.
#[derive(Clone, Debug)]
pub struct Pipelines {
    client: Client,
    is_everywhere: bool,
}

impl Pipelines {
    pub(super) fn new(client: Client) -> Self {
        Self { client, is_everywhere: false }
    }

    /// Lists look into all namespaces; whatever names one object stays in the client's.
    #[must_use]
    pub fn all_namespaces(mut self) -> Self {
        self.is_everywhere = true;
        self
    }

    fn scoped(&self, mut params: ListParams) -> ListParams {
        if params.namespace.is_none() && !self.is_everywhere {
            params.namespace = Some(self.client.namespace().to_owned());
        }
        params
    }

    fn params_of(&self, pipeline: &Pipeline) -> pipeline::CreateParams {
        pipeline::CreateParams {
            object: pipeline.clone(),
            request_id: None,
            caller_env: None,
            params: Default::default(),
            new_name_if_taken: false,
        }
    }

    /// What a create sends: with namespace and request id. `with_env` adds the caller's
    /// environment, for processes on this machine.
    fn completed(&self, mut params: pipeline::CreateParams, with_env: bool) -> pipeline::CreateParams {
        let namespace = self.client.namespace();
        params.object.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
        params.request_id.get_or_insert_with(entropy::request_id);
        if with_env && params.caller_env.is_none() {
            params.caller_env = self.client.caller_env();
        }
        params
    }

    /// Creates a pipeline and all its tasks, or nothing. The processes get the caller's `PATH`,
    /// `HOME` and so on where the server is this machine's.
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken, `Invalid` with every cause.
    pub async fn create(&self, pipeline: &Pipeline) -> Result<Created<Pipeline>> {
        self.send(self.completed(self.params_of(pipeline), true)).await
    }

    /// Creates a pipeline with parameters of its own; a namespace and a request id are filled in
    /// where they are missing.
    ///
    /// # Errors
    /// As [`Pipelines::create`].
    pub async fn create_with(&self, params: pipeline::CreateParams) -> Result<Created<Pipeline>> {
        self.send(self.completed(params, false)).await
    }

    /// What the server would refuse a pipeline for, beyond what its manifest says by itself. Nothing is made.
    ///
    /// # Errors
    /// Where the server could not be asked.
    pub async fn check(&self, pipeline: &Pipeline) -> Result<Vec<Cause>> {
        let params = self.completed(self.params_of(pipeline), false);
        Ok(self.client.call::<pipeline::Check>(&params).await?.causes)
    }

    async fn send(&self, params: pipeline::CreateParams) -> Result<Created<Pipeline>> {
        let options = self.client.call_options::<pipeline::Create>().repeatable();
        self.client.call_with::<pipeline::Create>(&params, options).await
    }

    /// Creates many pipelines, in as few requests as the limits allow. Each stands for itself:
    /// the answers, in the order of `pipelines`, say what became of it.
    ///
    /// # Errors
    /// Where the server could not be asked; earlier requests of a big batch may have been
    /// carried out.
    pub async fn create_many(
        &self,
        pipelines: &[Pipeline],
    ) -> Result<Vec<Result<Created<Pipeline>, ApiError>>> {
        let params: Vec<_> =
            pipelines.iter().map(|pipeline| self.completed(self.params_of(pipeline), true)).collect();
        let options = self.client.call_options::<pipeline::Create>().repeatable();
        self.client.call_batch_with::<pipeline::Create>(&params, options).await
    }

    /// One pipeline.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Pipeline> {
        self.client.call::<pipeline::Get>(&self.client.reference(name)).await
    }

    /// One pipeline, or nothing where there is none.
    ///
    /// # Errors
    /// As [`Pipelines::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Pipeline>> {
        super::task::absent_as_none(self.get(name).await)
    }

    /// One page of pipelines.
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Pipeline>> {
        self.client.call::<ListPipelines>(&self.scoped(params)).await
    }

    /// All pipelines, as a stream over the pages.
    pub fn list_all(&self, params: ListParams) -> ListStream<Pipeline> {
        paging::list_all::<ListPipelines, _>(self.client.clone(), self.scoped(params))
    }

    /// All pipelines as one list, with the version from which a watch misses nothing.
    ///
    /// # Errors
    /// As [`Pipelines::list`].
    pub async fn list_whole(&self, params: ListParams) -> Result<List<Pipeline>> {
        paging::list_whole::<ListPipelines, _>(&self.client, self.scoped(params)).await
    }

    /// Restarts, inside the pipeline, what failed or was cancelled: add what it should do, then
    /// await it.
    pub fn restart(&self, name: impl Into<String>) -> Restart<pipeline::Restart> {
        let params = RestartParams { reference: self.client.reference(name), ..RestartParams::default() };
        Restart::new(self.client.clone(), params)
    }

    /// Restarts a pipeline with parameters of its own; a request id is filled in where it is
    /// missing.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with what lives and what differs.
    pub async fn restart_with(&self, params: RestartParams) -> Result<Restarted<Pipeline>> {
        Restart::<pipeline::Restart>::new(self.client.clone(), params).await
    }

    /// Cancels a pipeline; its `always` steps still run.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn cancel(&self, name: impl Into<String>) -> Result<Pipeline> {
        self.cancel_with(CancelParams { reference: self.client.reference(name), now: false }).await
    }

    /// Cancels a pipeline with parameters of its own.
    ///
    /// # Errors
    /// As [`Pipelines::cancel`].
    pub async fn cancel_with(&self, params: CancelParams) -> Result<Pipeline> {
        self.client.call::<pipeline::Cancel>(&params).await
    }

    /// Holds a pipeline: nothing of it starts. What runs goes on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name) };
        self.client.call::<pipeline::Pause>(&params).await
    }

    /// Lets a pipeline go that was held.
    ///
    /// # Errors
    /// As [`Pipelines::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name) };
        self.client.call::<pipeline::Resume>(&params).await
    }

    /// Deletes a pipeline with all its tasks.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where others wait for its tasks.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Pipeline>> {
        self.delete_with(DeleteParams { reference: self.client.reference(name), ..DeleteParams::default() })
            .await
    }

    /// Deletes a pipeline with parameters of its own.
    ///
    /// # Errors
    /// As [`Pipelines::delete`].
    pub async fn delete_with(&self, params: DeleteParams) -> Result<Deleted<Pipeline>> {
        self.client.call::<pipeline::Delete>(&params).await
    }

    /// A reference in the client's namespace, for parameters.
    pub fn reference(&self, name: impl Into<String>) -> ObjectRef {
        self.client.reference(name)
    }
}
