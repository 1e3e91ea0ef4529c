//! Events: the verbs of the typed client.

use super::{Client, Result};
use crate::api::{
    Event, List,
    event::{ListEvents, ListParams},
};

/// What happened to objects of one namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// for event in client.events().list(Default::default()).await?.items {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Events {
    client: Client,
    is_everywhere: bool,
}

impl Events {
    pub(super) fn new(client: Client) -> Self {
        Self { client, is_everywhere: false }
    }

    /// Looks into all namespaces.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let everywhere = client.events().all_namespaces().list(Default::default()).await?;
    /// println!("{} events", everywhere.items.len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn all_namespaces(mut self) -> Self {
        self.is_everywhere = true;
        self
    }

    /// Events, oldest first.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{} events", client.events().list(Default::default()).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the server could not be asked.
    pub async fn list(&self, mut params: ListParams) -> Result<List<Event>> {
        if params.namespace.is_none() && !self.is_everywhere {
            params.namespace = Some(self.client.namespace().to_owned());
        }
        self.client.call::<ListEvents>(&params).await
    }
}
