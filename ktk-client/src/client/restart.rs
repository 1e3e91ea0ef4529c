//! A restart that is put together word by word, for tasks and pipelines alike.

use std::{future::IntoFuture, marker::PhantomData};

use serde_json::Value;

use super::{BoxFuture, Client, Result, entropy};
use crate::api::{
    ApiError, Method,
    restart::{self, Cascade, PlanParams, PlanRow, Planned, RestartParams, Restarted, Wanted},
};

impl Client {
    /// What many restarts would do, one after the other: each is planned after those before it, and nothing is changed.
    /// The answers are in the order of `restarts`, which are [`restart::MAX_PLANNED`] at most.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{ObjectRef, restart::{RestartParams, Wanted}};
    /// let wanted = ["fetch", "resize"].map(|name| {
    ///     let reference = ObjectRef::new("default", name);
    ///     Wanted::Task(RestartParams { reference, ..RestartParams::default() })
    /// });
    /// for plan in client.plan_restarts(wanted.to_vec()).await? {
    ///     match plan {
    ///         Ok(rows) => rows.iter().for_each(|row| println!("{} {}", row.task, row.action.as_str())),
    ///         Err(refused) => println!("{refused}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Api`](super::Error::Api) where they could not be planned together: too many, or too many rows.
    pub async fn plan_restarts(&self, restarts: Vec<Wanted>) -> Result<Vec<Result<Vec<PlanRow>, ApiError>>> {
        let plans = self.call::<restart::Plan>(&PlanParams { restarts }).await?.plans;
        let answer = |planned| match planned {
            Planned::Plan(rows) => Ok(rows),
            Planned::Refused(error) => Err(error),
        };
        Ok(plans.into_iter().map(answer).collect())
    }
}

/// A restart: add what it should do, then await it.
///
/// ```no_run
/// use ktk_client::{Client, api::restart::Cascade};
///
/// # async fn example(client: Client) -> Result<(), ktk_client::Error> {
/// let restarted = client.tasks().restart("build-web").cascade(Cascade::All).reason("new compiler").await?;
/// println!("{}", restarted.object.incarnation_name());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing happens before it is awaited"]
pub struct Restart<M> {
    client: Client,
    params: RestartParams,
    method: PhantomData<fn() -> M>,
}

impl<M, T> Restart<M>
where
    M: Method<Params = RestartParams, Output = Restarted<T>>,
{
    pub(super) fn new(client: Client, params: RestartParams) -> Self {
        Self { client, params, method: PhantomData }
    }

    /// What happens to dependents that have finished.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::restart::Cascade;
    /// client.tasks().restart("build-web").cascade(Cascade::None).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cascade(mut self, cascade: Cascade) -> Self {
        self.params.cascade = cascade;
        self
    }

    /// Cancels what lives; the restart happens when that has ended. Of a pipeline it goes with
    /// [`Restart::from_step`] or [`Restart::all`].
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().restart("build-web").force().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn force(mut self) -> Self {
        self.params.force = true;
        self
    }

    /// Answers with the plan and changes nothing.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// for row in client.tasks().restart("build-web").dry_run().await?.plan {
    ///     println!("{} {}: {}", row.task, row.action.as_str(), row.why);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn dry_run(mut self) -> Self {
        self.params.dry_run = true;
        self
    }

    /// `Conflict` unless the newest incarnation is this one.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// match client.tasks().restart("build-web").if_newest(3).await {
    ///     Err(error) if error.is_conflict() => println!("somebody was faster"),
    ///     other => drop(other?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn if_newest(mut self, incarnation: u32) -> Self {
        self.params.if_newest = Some(incarnation);
        self
    }

    /// In a pipeline: restarts this step instead of what failed.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().restart("nightly").from_step("resize").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_step(mut self, step: impl Into<String>) -> Self {
        self.params.from_step = Some(step.into());
        self
    }

    /// Of a pipeline: a new incarnation, whose tasks all run again and reuse nothing. [`Restart::set`] changes its
    /// parameters (`params.date`).
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().restart("nightly").all().set("params.date", "2026-11-22").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn all(mut self) -> Self {
        self.params.all = true;
        self
    }

    /// Gives the new incarnation another value in a field of its spec; repeatable.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> Result<(), ktk_client::Error> {
    /// client.tasks().restart("thumbnails").set("inputs.width", 100).set("run.env.Q", "80").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.params.changes.insert(field.into(), value.into());
        self
    }

    /// Kept in `metadata.restart.reason`.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().restart("build-web").reason("new compiler").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.params.reason = Some(reason.into());
        self
    }

    /// A request id of one's own; without one each restart gets a new one.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tasks().restart("build-web").request_id("alert-17").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.params.request_id = Some(id.into());
        self
    }

    async fn send(mut self) -> Result<Restarted<T>> {
        self.params.request_id.get_or_insert_with(entropy::request_id);
        let options = self.client.call_options::<M>().repeatable();
        self.client.call_with::<M>(&self.params, options).await
    }
}

impl<M, T> IntoFuture for Restart<M>
where
    M: Method<Params = RestartParams, Output = Restarted<T>>,
    T: Send + 'static,
{
    type Output = Result<Restarted<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
