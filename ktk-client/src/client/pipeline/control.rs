//! Pipelines: the verbs of the typed client that change what is there.

use super::{super::Result, Pipelines};
use crate::{
    api::{
        Pipeline,
        entity::NamedParams,
        patch::{Patch, PatchParams, Patched},
        pipeline,
        restart::{RestartParams, Restarted},
        task::{CancelParams, DeleteParams, Deleted},
    },
    client::restart::Restart,
};

impl Pipelines {
    /// Restarts, inside the pipeline, what failed or was cancelled: add what it should do, then
    /// await it.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let restarted = client.pipelines().restart("nightly").from_step("resize").await?;
    /// println!("{} tasks run again", restarted.restarted.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart(&self, name: impl Into<String>) -> Restart<pipeline::Restart> {
        let params = RestartParams { reference: self.client.reference(name), ..RestartParams::default() };
        Restart::new(self.client.clone(), params)
    }

    /// Restarts a pipeline with parameters of its own; a request id is filled in where it is
    /// missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::restart::RestartParams;
    /// let reference = client.pipelines().reference("nightly");
    /// client.pipelines().restart_with(RestartParams { reference, all: true, ..RestartParams::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` with what lives and what differs.
    pub async fn restart_with(&self, params: RestartParams) -> Result<Restarted<Pipeline>> {
        Restart::<pipeline::Restart>::new(self.client.clone(), params).await
    }

    /// Cancels a pipeline; its `always` steps still run.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().cancel("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task::CancelParams;
    /// let reference = client.pipelines().reference("nightly");
    /// // Without the `always` steps.
    /// client.pipelines().cancel_with(CancelParams { reference, now: true, request_id: None }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::cancel`].
    pub async fn cancel_with(&self, params: CancelParams) -> Result<Pipeline> {
        self.client.call_once::<pipeline::Cancel>(params).await
    }

    /// Holds a pipeline: nothing of it starts. What runs goes on.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().pause("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has ended.
    pub async fn pause(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<pipeline::Pause>(params).await
    }

    /// Lets a pipeline go that was held.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().resume("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::pause`].
    pub async fn resume(&self, name: impl Into<String>) -> Result<Pipeline> {
        let params = NamedParams { reference: self.client.reference(name), request_id: None };
        self.client.call_once::<pipeline::Resume>(params).await
    }

    /// Changes a pipeline that exists: its labels and annotations.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::{Patch, PatchParams};
    /// use serde_json::json;
    /// let found = client.pipelines().get("nightly").await?;
    /// let patch = Patch::Merge(json!({"metadata": {"labels": {"team": "media"}}}));
    /// let reference = ktk_client::api::ObjectRef::new("default", "nightly");
    /// // Refused where somebody has changed it since.
    /// let params = PatchParams { version: found.metadata.version, ..PatchParams::new(reference, patch) };
    /// assert!(client.pipelines().patch_with(params).await?.changed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for what cannot change, with all causes; `Conflict` where `params.version` is not its
    /// version any more.
    pub async fn patch_with(&self, params: PatchParams) -> Result<Patched<Pipeline>> {
        self.client.call_once::<pipeline::Patch>(params).await
    }

    /// The same, whatever its version is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::patch::Patch;
    /// let patch = Patch::Merge(serde_json::json!({"metadata": {"labels": {"team": "media"}}}));
    /// println!("{:?}", client.pipelines().patch("nightly", patch).await?.object.metadata.labels);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::patch_with`].
    pub async fn patch(&self, name: impl Into<String>, patch: Patch) -> Result<Patched<Pipeline>> {
        self.patch_with(PatchParams::new(self.client.reference(name), patch)).await
    }

    /// Deletes a pipeline with all its tasks.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().delete("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where others wait for its tasks.
    pub async fn delete(&self, name: impl Into<String>) -> Result<Deleted<Pipeline>> {
        self.delete_with(DeleteParams { reference: self.client.reference(name), ..DeleteParams::default() })
            .await
    }

    /// Deletes a pipeline with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::task::DeleteParams;
    /// let reference = client.pipelines().reference("nightly");
    /// client.pipelines().delete_with(DeleteParams { reference, now: true, ..DeleteParams::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Pipelines::delete`].
    pub async fn delete_with(&self, params: DeleteParams) -> Result<Deleted<Pipeline>> {
        self.client.call_once::<pipeline::Delete>(params).await
    }
}
