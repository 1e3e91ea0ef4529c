//! Tasks: the verbs of the typed client that change what is there.

use super::{super::Result, Tasks};
use crate::{
    api::{
        Task,
        entity::NamedParams,
        patch::{Patch, PatchParams, Patched},
        restart::{AdoptParams, RestartParams, Restarted},
        task::{self, CancelParams, DeleteParams, Deleted},
    },
    client::restart::Restart,
};

impl Tasks {
    /// Restarts a task: add what it should do, then await it. A `Conflict` says what lives.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let restarted = client.tasks().restart("thumbnails").set("inputs.width", 100).await?;
    /// println!("{}, {}", restarted.object.incarnation_name(), if restarted.created { "new" } else { "made before" });
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart(&self, name: impl Into<String>) -> Restart<task::Restart> {
        let params = RestartParams { reference: self.client.reference(name), ..RestartParams::default() };
        Restart::new(self.client.clone(), params)
    }

    /// Restarts a task with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::restart::RestartParams;
    /// let reference = client.tasks().reference("thumbnails");
    /// client.tasks().restart_with(RestartParams { reference, if_newest: Some(3), ..RestartParams::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with what lives and what differs.
    pub async fn restart_with(&self, params: RestartParams) -> Result<Restarted<Task>> {
        Restart::<task::Restart>::new(self.client.clone(), params).await
    }

    /// Takes the outputs of an older incarnation (`NAME@N`) back: a new incarnation carries them without running.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let adopted = client.tasks().adopt("thumbnails@1").await?;
    /// println!("{} has its outputs again", adopted.object.incarnation_name());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it did not succeed, or where another incarnation lives.
    pub async fn adopt(&self, name: impl Into<String>) -> Result<Restarted<Task>> {
        self.adopt_with(AdoptParams { reference: self.client.reference(name), ..AdoptParams::default() })
            .await
    }

    /// As [`Tasks::adopt`] with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::restart::AdoptParams;
    /// let reference = client.tasks().reference("thumbnails@1");
    /// let plan = client.tasks().adopt_with(AdoptParams { reference, dry_run: true, ..AdoptParams::default() }).await?.plan;
    /// println!("{} tasks are touched", plan.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::adopt`].
    pub async fn adopt_with(&self, params: AdoptParams) -> Result<Restarted<Task>> {
        self.client.call_once::<task::Adopt>(params).await
    }

    /// Cancels a task: ends a pending one, stops a running one with its grace period.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().cancel("thumbnails").await?;
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task::CancelParams;
    /// let reference = client.tasks().reference("thumbnails");
    /// client.tasks().cancel_with(CancelParams { reference, now: true, request_id: None }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::cancel`].
    pub async fn cancel_with(&self, params: CancelParams) -> Result<Task> {
        self.client.call_once::<task::Cancel>(params).await
    }

    /// Holds a task: nothing of it starts. What runs goes on.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().pause("thumbnails").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Task> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task::Pause>(params).await
    }

    /// Lets a task go that was held.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().resume("thumbnails").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Task> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<task::Resume>(params).await
    }

    /// Changes a task that exists: labels and annotations, and its priority, queue, hold and runAfter while it is
    /// pending.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::{Patch, PatchParams};
    /// use serde_json::json;
    /// let found = client.tasks().get("thumbnails").await?;
    /// let patch = Patch::Merge(json!({"spec": {"priority": 10}}));
    /// let reference = ktk_client::api::ObjectRef::new("default", "thumbnails");
    /// // Refused where somebody has changed it since.
    /// let params = PatchParams { version: found.metadata.version, ..PatchParams::new(reference, patch) };
    /// assert!(client.tasks().patch_with(params).await?.changed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Task>> {
        self.client.call_once::<task::Patch>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::Patch;
    /// let patch = Patch::Merge(serde_json::json!({"spec": {"priority": 10}}));
    /// println!("{:?}", client.tasks().patch("thumbnails", patch).await?.object.metadata.labels);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Task>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a task with its whole restart context, or (`NAME@N`) one older incarnation.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let deleted = client.tasks().delete("thumbnails").await?;
    /// println!("{}", if deleted.gone { "gone" } else { "goes when its last attempt has ended" });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where others wait for it or it belongs to a pipeline.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Task>> {
        self.delete_with(DeleteParams { reference: self.client.reference(name), ..DeleteParams::default() })
            .await
    }

    /// Deletes a task with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task::DeleteParams;
    /// let reference = client.tasks().reference("thumbnails");
    /// let would = DeleteParams { reference, cascade: true, dry_run: true, ..DeleteParams::default() };
    /// println!("{:?} would go with it", client.tasks().delete_with(would).await?.also);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::delete`].
    pub async fn delete_with(&self, params: DeleteParams) -> Result<Deleted<Task>> {
        self.client.call_once::<task::Delete>(params).await
    }
}
