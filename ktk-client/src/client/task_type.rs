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
    patch::{Patch, PatchParams, Patched},
    task::Deleted,
    task_type::{self, Applied, ApplyParams, ListTaskTypes},
    watch::WatchParams,
};

/// Task types: they belong to no namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// let resize = client.task_types().get("resize@3").await?;
/// println!("{}", resize.reference());
/// # Ok(())
/// # }
/// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task_type::{TaskType, TaskTypeSpec};
    /// use serde_json::json;
    /// let inputs = json!({"type": "object", "required": ["width"], "properties": {"width": {"type": "integer"}}});
    /// let spec = TaskTypeSpec { version: 3, inputs: Some(inputs), ..TaskTypeSpec::default() };
    /// client.task_types().create(&TaskType::new("resize", spec)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &TaskType) -> Result<Created<TaskType>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None, dry_run: false }).await
    }

    /// Makes a type with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{entity::CreateParams, task_type::{TaskType, TaskTypeSpec}};
    /// let object = TaskType::new("resize", TaskTypeSpec::default());
    /// client.task_types().create_with(CreateParams { object, request_id: Some("release-7".into()), dry_run: false }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`TaskTypes::create`].
    pub async fn create_with(&self, params: CreateParams<TaskType>) -> Result<Created<TaskType>> {
        self.client.call_once::<task_type::Create>(params).await
    }

    /// One version by `NAME@VERSION`, or the newest by name or alias.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{:?}", client.task_types().get("resize@3").await?.spec.inputs);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<TaskType> {
        self.client.call::<task_type::Get>(&self.client.reference(name)).await
    }

    /// One type, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let is_there = client.task_types().get_opt("resize@3").await?.is_some();
    /// # let _ = is_there;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`TaskTypes::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<TaskType>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of types.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for task_type in client.task_types().list(Default::default()).await?.items {
    ///     println!("{}", task_type.reference());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<TaskType>> {
        self.client.call::<ListTaskTypes>(&params).await
    }

    /// All types, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let types: Vec<_> = client.task_types().list_all(Default::default()).try_collect().await?;
    /// println!("{} types", types.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, params: ListParams) -> ListStream<TaskType> {
        paging::list_all::<ListTaskTypes, _>(self.client.clone(), params)
    }

    /// The changes of types, from `params.version` on. `kinds` is this one.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let mut changes = client.task_types().watch(Default::default());
    /// while let Some(event) = changes.try_next().await? {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<TaskType> {
        changes::watch(&self.client, "TaskType", params)
    }

    /// Makes and changes types until they are as given, and with `prune` removes what is gone from their set: all of
    /// it or nothing; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task_type::{ApplyParams, TaskType, TaskTypeSpec};
    /// let objects = vec![TaskType::new("resize", TaskTypeSpec { version: 4, ..TaskTypeSpec::default() })];
    /// let applied = client.task_types().apply(&ApplyParams { objects, ..ApplyParams::default() }).await?;
    /// for result in applied.results {
    ///     println!("{}: {}", result.name, result.outcome.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` with every cause; `Conflict` where another set has one of them.
    pub async fn apply(&self, params: &ApplyParams) -> Result<Applied> {
        self.client.call_once::<task_type::Apply>(params.clone()).await
    }

    /// Changes a version of a task type that exists: its labels and annotations.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::{Patch, PatchParams};
    /// use serde_json::json;
    /// let found = client.task_types().get("resize@3").await?;
    /// let patch = Patch::Merge(json!({"metadata": {"labels": {"team": "media"}}}));
    /// let reference = ktk_client::api::ObjectRef::new("default", "resize@3");
    /// // Refused where somebody has changed it since.
    /// let params = PatchParams { version: found.metadata.version, ..PatchParams::new(reference, patch) };
    /// assert!(client.task_types().patch_with(params).await?.changed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<TaskType>> {
        self.client.call_once::<task_type::Patch>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::Patch;
    /// let patch = Patch::Merge(serde_json::json!({"metadata": {"labels": {"team": "media"}}}));
    /// println!("{:?}", client.task_types().patch("resize@3", patch).await?.object.metadata.labels);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`TaskTypes::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<TaskType>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a version; tasks keep what they were made with.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.task_types().delete("resize@3").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<TaskType>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task_type::Delete>(params).await
    }
}
