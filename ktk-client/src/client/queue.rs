//! Queues: the verbs of the typed client.

use super::{
    Client, Result,
    changes::{self, ObjectWatch},
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Queue,
    apply::{AppliedObject, ApplyParams},
    entity::{CreateParams, NamedParams},
    list::Created,
    patch::{Patch, PatchParams, Patched},
    queue::{self, ListQueues, ScaleParams},
    task::Deleted,
    watch::WatchParams,
};

/// Queues: they belong to no namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// let default = client.queues().get("default").await?;
/// println!("{:?}", default.spec.max_running);
/// # Ok(())
/// # }
/// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::queue::{Queue, QueueSpec};
    /// let spec = QueueSpec { max_running: Some(4), ..QueueSpec::default() };
    /// client.queues().create(&Queue::new("nightly", spec)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &Queue) -> Result<Created<Queue>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None, dry_run: false }).await
    }

    /// Makes a queue with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{entity::CreateParams, queue::{Queue, QueueSpec}};
    /// let object = Queue::new("nightly", QueueSpec::default());
    /// client.queues().create_with(CreateParams { object, request_id: Some("set-up-1".into()), dry_run: false }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Queues::create`].
    pub async fn create_with(&self, params: CreateParams<Queue>) -> Result<Created<Queue>> {
        self.client.call_once::<queue::Create>(params).await
    }

    /// Makes a queue as it is given, or changes it until it is so, as a member of no set. What others have set, and
    /// this does not name, stays.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Queue, queue::QueueSpec};
    /// let applied = client.queues().apply(&Queue::new("batch", QueueSpec::default())).await?;
    /// println!("{}", applied.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Queues::apply_with`].
    pub async fn apply(&self, queue: &Queue) -> Result<AppliedObject<Queue>> {
        self.apply_with(ApplyParams::new(queue.clone())).await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Queue, apply::ApplyParams, queue::QueueSpec};
    /// let params = ApplyParams { source: Some("team".into()), dry_run: true, ..ApplyParams::new(Queue::new("batch", QueueSpec::default())) };
    /// println!("{}", client.queues().apply_with(params).await?.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for what has no name, and for what cannot be so or stays as it was made, with all causes.
    pub async fn apply_with(&self, params: ApplyParams<Queue>) -> Result<AppliedObject<Queue>> {
        self.client.call_once::<queue::Apply>(params).await
    }

    /// One queue, by any reference.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{:?}", client.queues().get("nightly").await?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Queue> {
        self.client.call::<queue::Get>(&self.client.reference(name)).await
    }

    /// One queue, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let is_there = client.queues().get_opt("nightly").await?.is_some();
    /// # let _ = is_there;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Queues::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Queue>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of queues.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for queue in client.queues().list(Default::default()).await?.items {
    ///     println!("{}", queue.metadata.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Queue>> {
        self.client.call::<ListQueues>(&params).await
    }

    /// All queues, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let queues: Vec<_> = client.queues().list_all(Default::default()).try_collect().await?;
    /// println!("{} queues", queues.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, params: ListParams) -> ListStream<Queue> {
        paging::list_all::<ListQueues, _>(self.client.clone(), params)
    }

    /// The changes of queues, from `params.version` on. `kinds` is this one.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let mut changes = client.queues().watch(Default::default());
    /// while let Some(event) = changes.try_next().await? {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<Queue> {
        changes::watch(&self.client, "Queue", params)
    }

    /// Changes a queue that exists: its labels, annotations and spec.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::{Patch, PatchParams};
    /// use serde_json::json;
    /// let found = client.queues().get("batch").await?;
    /// let patch = Patch::Merge(json!({"spec": {"maxRunning": 4}}));
    /// let reference = ktk_client::api::ObjectRef::new("default", "batch");
    /// // Refused where somebody has changed it since.
    /// let params = PatchParams { version: found.metadata.version, ..PatchParams::new(reference, patch) };
    /// assert!(client.queues().patch_with(params).await?.changed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Queue>> {
        self.client.call_once::<queue::Patch>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::Patch;
    /// let patch = Patch::Merge(serde_json::json!({"spec": {"maxRunning": 4}}));
    /// println!("{:?}", client.queues().patch("batch", patch).await?.object.metadata.labels);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Queues::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Queue>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a queue that nobody uses.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.queues().delete("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` with who uses it.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Queue>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Delete>(params).await
    }

    /// Pauses a queue: none of its tasks starts. What runs goes on.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.queues().pause("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Queue> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Pause>(params).await
    }

    /// Lets the tasks of a queue start again.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.queues().resume("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Queues::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Queue> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<queue::Resume>(params).await
    }

    /// Says how many tasks of a queue run at once from now on; `None` is no limit. What runs goes on.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.queues().scale("nightly", Some(8)).await?;
    /// client.queues().scale("nightly", None).await?; // no limit
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for 0: pause the queue instead.
    pub async fn scale(&self, name: impl Into<String>, max_running: Option<u32>) -> Result<Queue> {
        let params = ScaleParams { reference: self.client.reference(name), max_running, request_id: None };
        self.client.call_once::<queue::Scale>(params).await
    }
}
