//! Nodes: the verbs of the typed client.

use super::{
    Client, Result,
    paging::{self, ListStream},
    task::absent_as_none,
};
use crate::api::{
    List, ListParams, Node,
    node::{self, ListNodes},
};

/// Servers and workers: they belong to no namespace.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// for node in client.nodes().list(Default::default()).await?.items {
///     println!("{}", node.metadata.name());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Nodes {
    client: Client,
}

impl Nodes {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// One node, by name or id.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{:?}", client.nodes().get("worker-amber").await?.status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound`, or `Ambiguous` with the candidates.
    pub async fn get(&self, name: impl Into<String>) -> Result<Node> {
        self.client.call::<node::Get>(&self.client.reference(name)).await
    }

    /// One node, or nothing where there is none.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let is_there = client.nodes().get_opt("worker-amber").await?.is_some();
    /// # let _ = is_there;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Nodes::get`], without `NotFound`.
    pub async fn get_opt(&self, name: impl Into<String>) -> Result<Option<Node>> {
        absent_as_none(self.get(name).await)
    }

    /// One page of nodes.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{} nodes", client.nodes().list(Default::default()).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` where a selector cannot be read.
    pub async fn list(&self, params: ListParams) -> Result<List<Node>> {
        self.client.call::<ListNodes>(&params).await
    }

    /// All nodes, as a stream over the pages.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use futures_util::TryStreamExt;
    /// let nodes: Vec<_> = client.nodes().list_all(Default::default()).try_collect().await?;
    /// println!("{} nodes", nodes.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_all(&self, params: ListParams) -> ListStream<Node> {
        paging::list_all::<ListNodes, _>(self.client.clone(), params)
    }
}
