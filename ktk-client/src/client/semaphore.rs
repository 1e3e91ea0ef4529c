//! Semaphores: the verbs of the typed client.

use super::{
    Client, Result,
    changes::{self, ObjectWatch},
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Semaphore,
    apply::{AppliedObject, ApplyParams},
    entity::{CreateParams, NamedParams},
    list::Created,
    patch::{Patch, PatchParams, Patched},
    semaphore::{self, ListSemaphores, ScaleParams},
    task::Deleted,
    watch::WatchParams,
};

/// Semaphores: they belong to no namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// let gpu = client.semaphores().get("gpu").await?;
/// println!("{} permits", gpu.spec.permits);
/// # Ok(())
/// # }
/// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::semaphore::Semaphore;
    /// client.semaphores().create(&Semaphore::new("gpu", 2)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` with every cause; `AlreadyExists` where the name is taken.
    pub async fn create(&self, object: &Semaphore) -> Result<Created<Semaphore>> {
        self.create_with(CreateParams { object: object.clone(), request_id: None, dry_run: false }).await
    }

    /// Makes a semaphore with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{entity::CreateParams, semaphore::Semaphore};
    /// let object = Semaphore::new("gpu", 2);
    /// client.semaphores().create_with(CreateParams { object, request_id: Some("set-up-2".into()), dry_run: false }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Semaphores::create`].
    pub async fn create_with(&self, params: CreateParams<Semaphore>) -> Result<Created<Semaphore>> {
        self.client.call_once::<semaphore::Create>(params).await
    }

    /// Makes a semaphore as it is given, or changes it until it is so, as a member of no set. What others have set, and
    /// this does not name, stays.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::Semaphore;
    /// let applied = client.semaphores().apply(&Semaphore::new("gpu", 2)).await?;
    /// println!("{}", applied.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Semaphores::apply_with`].
    pub async fn apply(&self, semaphore: &Semaphore) -> Result<AppliedObject<Semaphore>> {
        self.apply_with(ApplyParams::new(semaphore.clone())).await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Semaphore, apply::ApplyParams};
    /// let params = ApplyParams { source: Some("team".into()), dry_run: true, ..ApplyParams::new(Semaphore::new("gpu", 2)) };
    /// println!("{}", client.semaphores().apply_with(params).await?.outcome.as_str());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for what has no name, and for what cannot be so or stays as it was made, with all causes.
    pub async fn apply_with(&self, params: ApplyParams<Semaphore>) -> Result<AppliedObject<Semaphore>> {
        self.client.call_once::<semaphore::Apply>(params).await
    }

    /// One semaphore, by any reference.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for holder in client.semaphores().get("gpu").await?.status.unwrap_or_default().holders {
    ///     println!("{} holds {}", holder.task, holder.permits);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Semaphore> {
        self.client.call::<semaphore::Get>(&self.client.reference(name)).await
    }

    /// One semaphore, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let is_there = client.semaphores().get_opt("gpu").await?.is_some();
    /// # let _ = is_there;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Semaphores::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Semaphore>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of semaphores.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for semaphore in client.semaphores().list(Default::default()).await?.items {
    ///     println!("{}: {}", semaphore.metadata.name(), semaphore.spec.permits);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Semaphore>> {
        self.client.call::<ListSemaphores>(&params).await
    }

    /// All semaphores, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let semaphores: Vec<_> = client.semaphores().list_all(Default::default()).try_collect().await?;
    /// println!("{} semaphores", semaphores.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, params: ListParams) -> ListStream<Semaphore> {
        paging::list_all::<ListSemaphores, _>(self.client.clone(), params)
    }

    /// The changes of semaphores, from `params.version` on. `kinds` is this one.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let mut changes = client.semaphores().watch(Default::default());
    /// while let Some(event) = changes.try_next().await? {
    ///     println!("{event:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, params: WatchParams) -> ObjectWatch<Semaphore> {
        changes::watch(&self.client, "Semaphore", params)
    }

    /// Changes a semaphore that exists: its labels, annotations and spec.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::{Patch, PatchParams};
    /// use serde_json::json;
    /// let found = client.semaphores().get("gpu").await?;
    /// let patch = Patch::Merge(json!({"spec": {"permits": 4}}));
    /// let reference = ktk_client::api::ObjectRef::new("default", "gpu");
    /// // Refused where somebody has changed it since.
    /// let params = PatchParams { version: found.metadata.version, ..PatchParams::new(reference, patch) };
    /// assert!(client.semaphores().patch_with(params).await?.changed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Semaphore>> {
        self.client.call_once::<semaphore::Patch>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::Patch;
    /// let patch = Patch::Merge(serde_json::json!({"spec": {"permits": 4}}));
    /// println!("{:?}", client.semaphores().patch("gpu", patch).await?.object.metadata.labels);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Semaphores::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Semaphore>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a semaphore that nobody uses.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.semaphores().delete("gpu").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` with who uses it.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Semaphore>> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<semaphore::Delete>(params).await
    }

    /// Gives a semaphore another size, at once. Nothing is taken from those who hold permits.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.semaphores().scale("gpu", 4).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where the number is absurd.
    pub async fn scale(&self, name: impl Into<String>, permits: u32) -> Result<Semaphore> {
        let params = ScaleParams { reference: self.client.reference(name), permits, request_id: None };
        self.client.call_once::<semaphore::Scale>(params).await
    }
}
