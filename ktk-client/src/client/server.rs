//! The server itself: its state and its end.

use serde_json::Value;

use super::{Client, Result, entropy};
use crate::api::{
    discover::{self, DiscoverParams},
    rpc::Repeatable as _,
    server::{
        Collect, CollectParams, Collected, ServerStatus, Status, StatusParams, Stop, StopParams, Stopping,
    },
};

/// The server that answers.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// println!("{}", client.server().status().await?.version);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
}

impl Server {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Who answers, and what it has to do.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let status = client.server().status().await?;
    /// println!("{} run, {} wait", status.counts.running, status.counts.pending);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the server could not be asked.
    pub async fn status(&self) -> Result<ServerStatus> {
        self.client.call::<Status>(&StatusParams {}).await
    }

    /// The API as the server describes it: an OpenRPC document.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let document = client.server().discover().await?;
    /// println!("{}", document["info"]["version"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the server could not be asked.
    pub async fn discover(&self) -> Result<Value> {
        self.client.call::<discover::Discover>(&DiscoverParams {}).await
    }

    /// Removes what is past its time, or says what would go: one page; `next` says whether there is more.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::server::CollectParams;
    /// let would = client.server().collect(CollectParams { dry_run: true, ..CollectParams::default() }).await?;
    /// for item in would.items {
    ///     println!("{} {}: {}", item.kind, item.name, item.rule);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unavailable` where the store takes no changes: what was removed until then is gone.
    pub async fn collect(&self, params: CollectParams) -> Result<Collected> {
        self.client.call_once::<Collect>(params).await
    }

    /// Ends the server: it takes no new work, finishes what runs within the drain time, and what
    /// is left goes on with its next start. Answers at once.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::api::{Duration, server::StopParams};
    /// let params = StopParams { drain: Some(Duration::from_secs(10)), ..StopParams::default() };
    /// println!("process {} is going to end", client.server().stop(params).await?.pid);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Conflict` where it was to stop only if idle and is not; [`Error::ServerStopping`](super::Error::ServerStopping)
    /// where this user's local server has gone before its answer came, or was stopped before.
    pub async fn stop(&self, mut params: StopParams) -> Result<Stopping> {
        params.identify(entropy::request_id);
        // Nobody is started to be stopped.
        let options = self.client.call_options::<Stop>().repeatable().following();
        self.client.call_with::<Stop>(&params, options).await
    }
}
