//! Tasks: the verbs of the typed client.

use futures_util::Stream;

use super::{
    Client, Error, Result,
    changes::{self, ObjectWatch},
    creating::{self, CreateStream},
    entropy,
    follow::Target,
    log::LogStream,
    object::Object,
    paging::{self, ListStream},
    restart::Restart,
    wait::{self, Condition},
};
use crate::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Task,
    entity::NamedParams,
    list::Created,
    log::LogParams,
    patch::{Patch, PatchParams, PatchTask, Patched},
    restart::{AdoptParams, RestartParams, Restarted},
    table::{self, TableParams, TaskLine},
    task::{self, ListTasks},
    task::{CancelParams, DeleteParams, Deleted},
    watch::WatchParams,
    why::{self, WhyAnswer},
};

/// Tasks of one namespace. Names are any reference: exact name, `NAME@N`, human name, id, or a
/// prefix of the digest.
#[derive(Clone, Debug)]
pub struct Tasks {
    client: Client,
    is_everywhere: bool,
}

impl Tasks {
    pub(super) fn new(client: Client) -> Self {
        Self { client, is_everywhere: false }
    }

    /// Lists look into all namespaces; whatever names one object stays in the client's.
    #[must_use]
    pub fn all_namespaces(mut self) -> Self {
        self.is_everywhere = true;
        self
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    fn scoped(&self, mut params: ListParams) -> ListParams {
        if params.namespace.is_none() && !self.is_everywhere {
            params.namespace = Some(self.client.namespace().to_owned());
        }
        params
    }

    fn params_of(&self, task: &Task) -> task::CreateParams {
        task::CreateParams { object: task.clone(), request_id: None, caller_env: None }
    }

    /// What a create sends: with namespace and request id. `with_env` adds the caller's
    /// environment, for processes on this machine.
    fn completed(&self, mut params: task::CreateParams, with_env: bool) -> task::CreateParams {
        let namespace = self.client.namespace();
        params.object.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
        params.request_id.get_or_insert_with(entropy::request_id);
        if with_env && params.caller_env.is_none() {
            params.caller_env = self.client.caller_env();
        }
        params
    }

    /// Creates a task. Its process gets the caller's `PATH`, `HOME` and so on where the server is
    /// this machine's.
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken, `Invalid` with every cause.
    pub async fn create(&self, task: &Task) -> Result<Created<Task>> {
        self.send(self.completed(self.params_of(task), task.spec.run.is_some())).await
    }

    /// Creates a task with parameters of its own; a namespace and a request id are filled in
    /// where they are missing.
    ///
    /// # Errors
    /// As [`Tasks::create`].
    pub async fn create_with(&self, params: task::CreateParams) -> Result<Created<Task>> {
        self.send(self.completed(params, false)).await
    }

    /// What the server would refuse a task for, beyond what its manifest says by itself. Nothing is made.
    ///
    /// # Errors
    /// Where the server could not be asked.
    pub async fn check(&self, task: &Task) -> Result<Vec<Cause>> {
        let params = self.completed(self.params_of(task), false);
        Ok(self.client.call::<task::Check>(&params).await?.causes)
    }

    async fn send(&self, params: task::CreateParams) -> Result<Created<Task>> {
        let options = self.client.call_options::<task::Create>().repeatable();
        self.client.call_with::<task::Create>(&params, options).await
    }

    /// Creates many tasks, in as few requests as the limits allow. Each stands for itself: the
    /// answers, in the order of `tasks`, say what became of it.
    ///
    /// # Errors
    /// Where the server could not be asked; earlier requests of a big batch may have been
    /// carried out.
    pub async fn create_many(&self, tasks: &[Task]) -> Result<Vec<Result<Created<Task>, ApiError>>> {
        let params: Vec<_> =
            tasks.iter().map(|task| self.completed(self.params_of(task), task.spec.run.is_some())).collect();
        let options = self.client.call_options::<task::Create>().repeatable();
        self.client.call_batch_with::<task::Create>(&params, options).await
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
    pub fn create_stream(&self, tasks: impl Stream<Item = Task> + Send + 'static) -> CreateStream<Task> {
        let own = self.clone();
        creating::create_stream(tasks, move |batch| {
            let own = own.clone();
            Box::pin(async move { own.create_many(&batch).await })
        })
    }

    /// One task; a bare name means its newest incarnation.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Task> {
        self.client.call::<task::Get>(&self.client.reference(name)).await
    }

    /// One task, or nothing where there is none.
    ///
    /// # Errors
    /// As [`Tasks::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Task>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of tasks: by default the newest incarnation of each.
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Task>> {
        self.client.call::<ListTasks>(&self.scoped(params)).await
    }

    /// One page of tasks as rows of a table: what people see of each, and no more.
    ///
    /// # Errors
    /// As [`Tasks::list`].
    pub async fn table(&self, params: TableParams) -> Result<List<TaskLine>> {
        let params = TableParams { list: self.scoped(params.list), ..params };
        self.client.call::<table::TaskTable>(&params).await
    }

    /// All tasks, as a stream over the pages.
    pub fn list_all(&self, params: ListParams) -> ListStream<Task> {
        paging::list_all::<ListTasks, _>(self.client.clone(), self.scoped(params))
    }

    /// The changes of tasks, from `params.version` on: take it from [`Tasks::list_whole`] to miss nothing. `kinds` is this
    /// one.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use ktk_client::{Client, api::watch::WatchParams, client::changes::ObjectEvent};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let mut changes = client.tasks().watch(WatchParams::default());
    /// while let Some(event) = changes.try_next().await? {
    ///     if let ObjectEvent::Changed { object, .. } = event {
    ///         println!("{} has changed", object.metadata.name());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, mut params: WatchParams) -> ObjectWatch<Task> {
        if params.namespace.is_none() && !self.is_everywhere {
            params.namespace = Some(self.client.namespace().to_owned());
        }
        changes::watch(&self.client, "Task", params)
    }

    /// Waits until a task is as it should be, without a time limit; answers it.
    ///
    /// ```no_run
    /// use ktk_client::{Client, client::wait::Condition};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let ended = client.tasks().wait("nightly", Condition::Finished).await?;
    /// println!("{:?}", ended.status.map(|status| status.phase));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; [`Error::Unmet`] where it ended otherwise; where the server stops.
    pub async fn wait(&self, name: impl Into<String>, condition: Condition) -> Result<Task> {
        let target = Target::Task(self.client.reference(name));
        match wait::one(&self.client, target, condition).await? {
            Object::Task(task) => Ok(*task),
            other => Err(Error::Protocol(format!("{} where a task was waited for", other.kind()))),
        }
    }

    /// All tasks as one list, with the version from which a watch misses nothing.
    ///
    /// # Errors
    /// As [`Tasks::list`].
    pub async fn list_whole(&self, params: ListParams) -> Result<List<Task>> {
        paging::list_whole::<ListTasks, _>(&self.client, self.scoped(params)).await
    }

    /// All incarnations of a task's restart context, oldest first.
    ///
    /// # Errors
    /// As [`Tasks::get`].
    pub async fn tree(&self, name: impl Into<String>) -> Result<List<Task>> {
        self.client.call::<task::Tree>(&self.client.reference(name)).await
    }

    /// Everything that a pending task waits for.
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn why(&self, name: impl Into<String>) -> Result<WhyAnswer> {
        self.client.call::<why::Why>(&self.client.reference(name)).await
    }

    /// Restarts a task: add what it should do, then await it. A `Conflict` says what lives.
    pub fn restart(&self, name: impl Into<String>) -> Restart<task::Restart> {
        let params = RestartParams { reference: self.client.reference(name), ..RestartParams::default() };
        Restart::new(self.client.clone(), params)
    }

    /// Restarts a task with parameters of its own; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with what lives and what differs.
    pub async fn restart_with(&self, params: RestartParams) -> Result<Restarted<Task>> {
        Restart::<task::Restart>::new(self.client.clone(), params).await
    }

    /// Takes the outputs of an older incarnation (`NAME@N`) back: a new incarnation carries them without running.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it did not succeed, or where another incarnation lives.
    pub async fn adopt(&self, name: impl Into<String>) -> Result<Restarted<Task>> {
        self.adopt_with(AdoptParams { reference: self.client.reference(name), ..AdoptParams::default() })
            .await
    }

    /// As [`Tasks::adopt`] with parameters of its own; a request id is filled in where it is missing.
    ///
    /// # Errors
    /// As [`Tasks::adopt`].
    pub async fn adopt_with(&self, params: AdoptParams) -> Result<Restarted<Task>> {
        self.client.call_once::<task::Adopt>(params).await
    }

    /// Cancels a task: ends a pending one, stops a running one with its grace period.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn cancel(&self, name: impl Into<String>) -> Result<Task> {
        self.cancel_with(CancelParams {
            reference: self.client.reference(name),
            now: false,
            request_id: None,
        })
        .await
    }

    /// Cancels a task with parameters of its own.
    ///
    /// # Errors
    /// As [`Tasks::cancel`].
    pub async fn cancel_with(&self, params: CancelParams) -> Result<Task> {
        self.client.call_once::<task::Cancel>(params).await
    }

    /// The log of a task's newest attempt as far as it is written.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use ktk_client::{Client, client::log::chunk_bytes};
    ///
    /// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
    /// let mut log = client.tasks().logs("build-web");
    /// while let Some(event) = log.try_next().await? {
    ///     print!("{}", String::from_utf8_lossy(&chunk_bytes(&event)));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn logs(&self, name: impl Into<String>) -> LogStream {
        self.client.logs(LogParams { name: name.into(), ..LogParams::default() })
    }

    /// The log of a task, from its newest attempt on until it has ended.
    pub fn follow_logs(&self, name: impl Into<String>) -> LogStream {
        self.client.logs(LogParams { name: name.into(), follow: true, ..LogParams::default() })
    }

    /// Changes a task that exists: labels and annotations, and its priority, queue,
    /// hold and runAfter while it is pending.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Task>> {
        self.client.call_once::<PatchTask>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// # Errors
    /// As [`Tasks::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Task>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Holds a task: nothing of it starts. What runs goes on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Task> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task::Pause>(params).await
    }

    /// Lets a task go that was held.
    ///
    /// # Errors
    /// As [`Tasks::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Task> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task::Resume>(params).await
    }

    /// Deletes a task with its whole restart context, or (`NAME@N`) one older incarnation.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where others wait for it or it belongs to a pipeline.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Task>> {
        self.delete_with(DeleteParams { reference: self.client.reference(name), ..DeleteParams::default() })
            .await
    }

    /// Deletes a task with parameters of its own.
    ///
    /// # Errors
    /// As [`Tasks::delete`].
    pub async fn delete_with(&self, params: DeleteParams) -> Result<Deleted<Task>> {
        self.client.call_once::<task::Delete>(params).await
    }

    /// A reference in the client's namespace, for parameters.
    pub fn reference(&self, name: impl Into<String>) -> ObjectRef {
        self.client.reference(name)
    }
}

/// `NotFound` as `None`.
pub(super) fn absent_as_none<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
