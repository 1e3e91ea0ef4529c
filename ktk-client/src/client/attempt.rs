//! What is said of running attempts, as verbs of the typed client.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Result, task::Tasks};
use crate::api::{
    Task,
    attempt::{self, Complete, CompleteParams, Fail, FailParams, Keepalive, KeepaliveParams, ProgressParams},
};

impl Tasks {
    /// Says that an external task has done its work; `outputs` are for those that need it.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let outputs = [("approved".to_owned(), true.into())].into();
    /// client.tasks().complete("approval", Some(outputs)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where the task is not external or does not run.
    pub async fn complete(
        &self,
        name: impl Into<String>,
        outputs: Option<BTreeMap<String, Value>>,
    ) -> Result<Task> {
        let reference = self.reference(name);
        self.complete_with(CompleteParams { reference, outputs, ..CompleteParams::default() }).await
    }

    /// The same with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::attempt::CompleteParams;
    /// let reference = client.tasks().reference("approval");
    /// client.tasks().complete_with(CompleteParams { reference, attempt: Some(1), ..CompleteParams::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::complete`]; `Fenced` where another attempt runs than the one named.
    pub async fn complete_with(&self, params: CompleteParams) -> Result<Task> {
        self.client().call_once::<Complete>(params).await
    }

    /// Says that an external task could not do its work.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().fail("approval", "nobody answered").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::complete`].
    pub async fn fail(&self, name: impl Into<String>, message: impl Into<String>) -> Result<Task> {
        let (reference, message) = (self.reference(name), Some(message.into()));
        self.fail_with(FailParams { reference, message, ..FailParams::default() }).await
    }

    /// The same with parameters of its own; a request id is filled in where it is missing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::attempt::FailParams;
    /// let reference = client.tasks().reference("approval");
    /// client.tasks().fail_with(FailParams { reference, retry: true, ..FailParams::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::complete_with`].
    pub async fn fail_with(&self, params: FailParams) -> Result<Task> {
        self.client().call_once::<Fail>(params).await
    }

    /// Says that the running attempt of a task is alive.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().keepalive("approval").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where the task does not run.
    pub async fn keepalive(&self, name: impl Into<String>) -> Result<Task> {
        let reference = Some(self.reference(name));
        self.keepalive_with(KeepaliveParams { reference, ..KeepaliveParams::default() }).await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::attempt::KeepaliveParams;
    /// // In the process of an attempt, whose token says which one is meant.
    /// client.tasks().keepalive_with(KeepaliveParams::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::keepalive`]; `Fenced` where another attempt runs than the one named.
    pub async fn keepalive_with(&self, params: KeepaliveParams) -> Result<Task> {
        let options = self.client().call_options::<Keepalive>().repeatable();
        self.client().call_with::<Keepalive>(&params, options).await
    }

    /// Says how far the running attempt of a task is: `percent` is from 0 to 100.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().progress("thumbnails", 40.0, Some("half way".into())).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where the task does not run; `Invalid` for another number.
    pub async fn progress(
        &self,
        name: impl Into<String>,
        percent: f64,
        message: Option<String>,
    ) -> Result<Task> {
        let reference = Some(self.reference(name));
        self.progress_with(ProgressParams { reference, percent, message, ..ProgressParams::default() }).await
    }

    /// The same with parameters of its own.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::attempt::ProgressParams;
    /// let reference = Some(client.tasks().reference("thumbnails"));
    /// let params = ProgressParams { reference, attempt: Some(2), percent: 40.0, ..ProgressParams::default() };
    /// client.tasks().progress_with(params).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Tasks::progress`]; `Fenced` where another attempt runs than the one named.
    pub async fn progress_with(&self, params: ProgressParams) -> Result<Task> {
        let options = self.client().call_options::<attempt::Progress>().repeatable();
        self.client().call_with::<attempt::Progress>(&params, options).await
    }
}
