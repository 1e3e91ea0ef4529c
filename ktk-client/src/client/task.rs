//! Tasks: the verbs of the typed client that make and read them.

mod applying;
mod control;
mod look;

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
    wait::{self, Condition},
};
use crate::api::{
    ApiError, Cause, List, ListParams, ObjectRef, Task,
    list::Created,
    log::LogParams,
    table::{self, TableParams, TaskLine},
    task::{self, ListTasks},
    watch::WatchParams,
};

/// Tasks of one namespace. Names are any reference: exact name, `NAME@N`, human name, id, or a
/// prefix of the digest.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// let media = client.in_namespace("media").tasks();
/// let task = media.get("thumbnails").await?;
/// println!("{} is {:?}", task.incarnation_name(), task.status.map(|status| status.phase));
/// # Ok(())
/// # }
/// ```
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
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let page = client.tasks().all_namespaces().list(Default::default()).await?;
    /// println!("{} tasks on the first page", page.items.len());
    /// # Ok(())
    /// # }
    /// ```
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
        task::CreateParams { object: task.clone(), request_id: None, caller_env: None, dry_run: false }
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, task::TaskSpec};
    /// let created = client.tasks().create(&Task::new("hello", TaskSpec::command(["echo", "hello"]))).await?;
    /// println!("{}", created.object.metadata.human_name.unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` where the name is taken, `Invalid` with every cause.
    pub async fn create(&self, task: &Task) -> Result<Created<Task>> {
        self.send(self.completed(self.params_of(task), task.spec.run.is_some())).await
    }

    /// Creates a task with parameters of its own; a namespace and a request id are filled in
    /// where they are missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, task::{CreateParams, TaskSpec}};
    /// let object = Task::new("invoice-4711", TaskSpec::handler("invoice"));
    /// // Whoever delivers the order twice makes one task.
    /// let params = CreateParams { object, request_id: Some("order-4711".into()), caller_env: None, dry_run: false };
    /// client.tasks().create_with(params).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::create`].
    pub async fn create_with(&self, params: task::CreateParams) -> Result<Created<Task>> {
        self.send(self.completed(params, false)).await
    }

    /// What the server would refuse a task for, beyond what its manifest says by itself. Nothing is made.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, task::TaskSpec};
    /// for cause in client.tasks().check(&Task::new("resize", TaskSpec::handler("resize@3"))).await? {
    ///     println!("{}: {}", cause.field, cause.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Task, task::TaskSpec};
    /// let tasks: Vec<Task> = (0..100).map(|n| Task::new(format!("t{n}"), TaskSpec::handler("resize"))).collect();
    /// for outcome in client.tasks().create_many(&tasks).await? {
    ///     match outcome {
    ///         Ok(created) => println!("{}", created.object.metadata.name()),
    ///         Err(refused) => eprintln!("{refused}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let task = client.tasks().get("thumbnails@2").await?;
    /// println!("{:?}", task.status.map(|status| status.phase));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Task> {
        self.client.call::<task::Get>(&self.client.reference(name)).await
    }

    /// One task, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// if client.tasks().get_opt("thumbnails").await?.is_none() {
    ///     println!("there is none");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Task>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of tasks: by default the newest incarnation of each.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::ListParams;
    /// let failed = ListParams { field_selector: Some("status.phase=Failed".into()), ..ListParams::default() };
    /// for task in client.tasks().list(failed).await?.items {
    ///     println!("{}", task.metadata.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Task>> {
        self.client.call::<ListTasks>(&self.scoped(params)).await
    }

    /// One page of tasks as rows of a table: what people see of each, and no more.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::table::TableParams;
    /// for line in client.tasks().table(TableParams::default()).await?.items {
    ///     println!("{} {}", line.name, line.phase);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::list`].
    pub async fn table(&self, params: TableParams) -> Result<List<TaskLine>> {
        let params = TableParams { list: self.scoped(params.list), ..params };
        self.client.call::<table::TaskTable>(&params).await
    }

    /// All tasks, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use ktk_client::api::ListParams;
    /// let media = ListParams { label_selector: Some("team=media".into()), ..ListParams::default() };
    /// let mut tasks = client.tasks().list_all(media);
    /// while let Some(task) = tasks.try_next().await? {
    ///     println!("{}", task.metadata.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::watch::WatchParams;
    /// let tasks = client.tasks().list_whole(Default::default()).await?;
    /// let changes = client.tasks().watch(WatchParams { version: Some(tasks.version), ..WatchParams::default() });
    /// # drop(changes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::list`].
    pub async fn list_whole(&self, params: ListParams) -> Result<List<Task>> {
        paging::list_whole::<ListTasks, _>(&self.client, self.scoped(params)).await
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
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use ktk_client::client::log::chunk_bytes;
    /// let mut log = client.tasks().follow_logs("build-web");
    /// while let Some(event) = log.try_next().await? {
    ///     print!("{}", String::from_utf8_lossy(&chunk_bytes(&event)));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_logs(&self, name: impl Into<String>) -> LogStream {
        self.client.logs(LogParams { name: name.into(), follow: true, ..LogParams::default() })
    }

    /// A reference in the client's namespace, for parameters.
    ///
    /// ```
    /// use ktk_client::{Client, api::ObjectRef};
    /// # fn example(client: Client) {
    /// let reference = client.in_namespace("media").tasks().reference("thumbnails");
    /// assert_eq!(reference, ObjectRef::new("media", "thumbnails"));
    /// # }
    /// ```
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
