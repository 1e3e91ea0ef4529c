//! Pipelines: the verbs of the typed client that make and read them.

mod control;
mod look;

use futures_util::Stream;

use super::{
    Client, Error, Result,
    changes::{self, ObjectWatch},
    creating::{self, CreateStream},
    entropy,
    follow::Target,
    object::Object,
    paging::{self, ListStream},
    wait::{self, Condition},
};
use crate::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Pipeline,
    apply::{AppliedObject, ApplyParams},
    list::Created,
    pipeline::{self, ListPipelines},
    watch::WatchParams,
};

/// Pipelines of one namespace. Names are any reference: exact name, `NAME@N`, human name, id, or a
/// prefix of the digest.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// let nightly = client.pipelines().get("nightly").await?;
/// println!("{:?}", nightly.status.map(|status| status.phase));
/// # Ok(())
/// # }
/// ```
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
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let page = client.pipelines().all_namespaces().list(Default::default()).await?;
    /// println!("{} pipelines on the first page", page.items.len());
    /// # Ok(())
    /// # }
    /// ```
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
            dry_run: false,
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, pipeline::{PipelineSpec, Step}, task::{RunSpec, TaskSpec}};
    /// let run = |command: &str| Some(RunSpec { command: vec![command.into()], ..RunSpec::default() });
    /// let fetch = Step { name: "fetch".into(), run: run("./fetch"), ..Step::default() };
    /// let load = Step { name: "load".into(), needs: vec!["fetch".into()], run: run("./load"), ..Step::default() };
    /// let spec = PipelineSpec { steps: vec![fetch, load], ..PipelineSpec::default() };
    /// client.pipelines().create(&Pipeline::new("nightly", spec)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken, `Invalid` with every cause.
    pub async fn create(&self, pipeline: &Pipeline) -> Result<Created<Pipeline>> {
        self.send(self.completed(self.params_of(pipeline), true)).await
    }

    /// Creates a pipeline with parameters of its own; a namespace and a request id are filled in
    /// where they are missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, pipeline::{CreateParams, PipelineSpec}};
    /// let params = CreateParams {
    ///     object: Pipeline::new("nightly", PipelineSpec::default()),
    ///     params: [("date".to_owned(), "2026-11-22".into())].into(),
    ///     request_id: Some("night-of-2026-11-22".into()),
    ///     caller_env: None,
    ///     new_name_if_taken: false,
    ///     dry_run: false,
    /// };
    /// client.pipelines().create_with(params).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::create`].
    pub async fn create_with(&self, params: pipeline::CreateParams) -> Result<Created<Pipeline>> {
        self.send(self.completed(params, false)).await
    }

    /// What the server would refuse a pipeline for, beyond what its manifest says by itself. Nothing is made.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, pipeline::PipelineSpec};
    /// for cause in client.pipelines().check(&Pipeline::new("nightly", PipelineSpec::default())).await? {
    ///     println!("{}: {}", cause.field, cause.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, pipeline::PipelineSpec};
    /// let nights: Vec<Pipeline> =
    ///     (1..=30).map(|n| Pipeline::new(format!("night-{n}"), PipelineSpec::default())).collect();
    /// let refused = client.pipelines().create_many(&nights).await?.into_iter().filter_map(Result::err);
    /// refused.for_each(|refused| eprintln!("{refused}"));
    /// # Ok(())
    /// # }
    /// ```
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
    /// use futures_util::{TryStreamExt, stream};
    /// use ktk_client::api::{Pipeline, pipeline::PipelineSpec};
    ///
    /// # async fn example(client: ktk_client::Client, spec: PipelineSpec) -> ktk_client::client::Result<()> {
    /// let nights = stream::iter(0..1_000).map(move |n| Pipeline::new(format!("night-{n}"), spec.clone()));
    /// # use futures_util::StreamExt;
    /// let mut created = client.pipelines().create_stream(nights);
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

    /// Makes a pipeline as it is given, or changes it until it is so, as a member of no set. What others have set, and
    /// this does not name, stays.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, pipeline::PipelineSpec};
    /// let applied = client.pipelines().apply(&Pipeline::new("nightly", PipelineSpec::default())).await?;
    /// println!("{}", applied.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::apply_with`].
    pub async fn apply(&self, pipeline: &Pipeline) -> Result<AppliedObject<Pipeline>> {
        self.apply_with(ApplyParams {
            caller_env: self.client.caller_env(),
            ..ApplyParams::new(pipeline.clone())
        })
        .await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Pipeline, apply::ApplyParams, pipeline::PipelineSpec};
    /// let params = ApplyParams { source: Some("team".into()), dry_run: true, ..ApplyParams::new(Pipeline::new("nightly", PipelineSpec::default())) };
    /// println!("{}", client.pipelines().apply_with(params).await?.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for what has no name, and for what cannot be so or stays as it was made, with all causes.
    pub async fn apply_with(&self, mut params: ApplyParams<Pipeline>) -> Result<AppliedObject<Pipeline>> {
        let namespace = self.client.namespace();
        params.object.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
        self.client.call_once::<pipeline::Apply>(params).await
    }

    /// One pipeline.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let nightly = client.pipelines().get("nightly").await?;
    /// println!("{:?}", nightly.status.map(|status| status.steps));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Pipeline> {
        self.client.call::<pipeline::Get>(&self.client.reference(name)).await
    }

    /// One pipeline, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// if client.pipelines().get_opt("nightly").await?.is_none() {
    ///     println!("there is none");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Pipeline>> {
        super::task::absent_as_none(self.get(name).await)
    }

    /// One page of pipelines.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::ListParams;
    /// let running = ListParams { field_selector: Some("status.phase=Running".into()), ..ListParams::default() };
    /// println!("{} run", client.pipelines().list(running).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Pipeline>> {
        self.client.call::<ListPipelines>(&self.scoped(params)).await
    }

    /// All pipelines, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let mut pipelines = client.pipelines().list_all(Default::default());
    /// while let Some(pipeline) = pipelines.try_next().await? {
    ///     println!("{}", pipeline.metadata.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let pipelines = client.pipelines().list_whole(Default::default()).await?;
    /// println!("{} pipelines at version {}", pipelines.items.len(), pipelines.version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::list`].
    pub async fn list_whole(&self, params: ListParams) -> Result<List<Pipeline>> {
        paging::list_whole::<ListPipelines, _>(&self.client, self.scoped(params)).await
    }

    /// A reference in the client's namespace, for parameters.
    ///
    /// ```
    /// use ktk_client::{Client, client::follow::Target};
    /// # fn example(client: Client) {
    /// let target = Target::PipelineWithTasks(client.pipelines().reference("nightly"));
    /// # drop(target);
    /// # }
    /// ```
    pub fn reference(&self, name: impl Into<String>) -> ObjectRef {
        self.client.reference(name)
    }
}
