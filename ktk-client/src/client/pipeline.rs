//! Pipelines: the verbs of the typed client.

use futures_util::Stream;

use super::{
    Client, Error, Result,
    changes::{self, ObjectWatch},
    creating::{self, CreateStream},
    entropy,
    follow::Target,
    object::Object,
    paging::{self, ListStream},
    restart::Restart,
    wait::{self, Condition},
};
use crate::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Pipeline,
    entity::NamedParams,
    list::Created,
    patch::{Patch, PatchParams, PatchPipeline, Patched},
    pipeline::{self, ListPipelines},
    restart::{RestartParams, Restarted},
    task::{CancelParams, DeleteParams, Deleted},
    watch::WatchParams,
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

    /// Creates what a stream brings, in as few requests as its pace allows. No more is taken from it than is answered.
    ///
    /// ```no_run
    /// use futures_util::{StreamExt, TryStreamExt, stream};
    /// use ktk_client::{Client, api::{Task, task::TaskSpec}};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let tasks = stream::iter(0..1_000_000).map(|n| Task::new(format!("t{n}"), TaskSpec::handler("resize")));
    /// let mut created = client.tasks().create_stream(tasks);
    /// while let Some(outcome) = created.try_next().await? {
    ///     if let Err(refused) = outcome {
    ///         eprintln!("{refused}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_stream(
        &self,
        pipelines: impl Stream<Item = Pipeline> + Send + 'static,
    ) -> CreateStream<Pipeline> {
        let own = self.clone();
        creating::create_stream(pipelines, move |batch| {
            let own = own.clone();
            Box::pin(async move { own.create_many(&batch).await })
        })
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

    /// The changes of pipelines, from `params.version` on: take it from [`Pipelines::list_whole`] to miss nothing. `kinds` is this
    /// one.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use ktk_client::{Client, api::watch::WatchParams, client::changes::ObjectEvent};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let mut changes = client.pipelines().watch(WatchParams::default());
    /// while let Some(event) = changes.try_next().await? {
    ///     if let ObjectEvent::Changed { object, .. } = event {
    ///         println!("{} has changed", object.metadata.name());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, mut params: WatchParams) -> ObjectWatch<Pipeline> {
        if params.namespace.is_none() && !self.is_everywhere {
            params.namespace = Some(self.client.namespace().to_owned());
        }
        changes::watch(&self.client, "Pipeline", params)
    }

    /// Waits until a pipeline is as it should be, without a time limit; answers it.
    ///
    /// ```no_run
    /// use ktk_client::{Client, client::wait::Condition};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let ended = client.pipelines().wait("nightly", Condition::Finished).await?;
    /// println!("{:?}", ended.status.map(|status| status.phase));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; [`Error::Unmet`] where it ended otherwise; where the server stops.
    pub async fn wait(&self, name: impl Into<String>, condition: Condition) -> Result<Pipeline> {
        let target = Target::Pipeline(self.client.reference(name));
        match wait::one(&self.client, target, condition).await? {
            Object::Pipeline(pipeline) => Ok(*pipeline),
            other => Err(Error::Protocol(format!("{} where a pipeline was waited for", other.kind()))),
        }
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
        self.cancel_with(CancelParams {
            reference: self.client.reference(name),
            now: false,
            request_id: None,
        })
        .await
    }

    /// Cancels a pipeline with parameters of its own.
    ///
    /// # Errors
    /// As [`Pipelines::cancel`].
    pub async fn cancel_with(&self, params: CancelParams) -> Result<Pipeline> {
        self.client.call_once::<pipeline::Cancel>(params).await
    }

    /// Holds a pipeline: nothing of it starts. What runs goes on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<pipeline::Pause>(params).await
    }

    /// Lets a pipeline go that was held.
    ///
    /// # Errors
    /// As [`Pipelines::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<pipeline::Resume>(params).await
    }

    /// Changes a pipeline that exists: its labels and annotations.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Pipeline>> {
        self.client.call_once::<PatchPipeline>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// # Errors
    /// As [`Pipelines::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Pipeline>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
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
        self.client.call_once::<pipeline::Delete>(params).await
    }

    /// A reference in the client's namespace, for parameters.
    pub fn reference(&self, name: impl Into<String>) -> ObjectRef {
        self.client.reference(name)
    }
}
