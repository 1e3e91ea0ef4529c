//! Who the caller is, and what they may do.

use super::{Client, Result};
use crate::api::auth::{Can, CanParams, Verdict, Whoami, WhoamiParams, Whois};

/// The caller, as the server sees them.
///
/// ```no_run
/// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
/// println!("{}", client.auth().whoami().await?.name);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Auth {
    client: Client,
}

impl Auth {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Who the caller is.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let own = client.auth().whoami().await?;
    /// println!("{} as {}", own.name, own.role);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unauthorized` where the token is refused.
    pub async fn whoami(&self) -> Result<Whois> {
        self.client.call::<Whoami>(&WhoamiParams {}).await
    }

    /// Whether the caller may call a method (`task.restart`) or open a stream (`/watch`, `/logs`), in a namespace
    /// where one is named.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// let verdict = client.auth().can("task.restart", Some("media")).await?;
    /// println!("{}", verdict.reason.unwrap_or_else(|| "allowed".into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` for what is no method.
    pub async fn can(&self, method: impl Into<String>, namespace: Option<&str>) -> Result<Verdict> {
        let params = CanParams { method: method.into(), namespace: namespace.map(str::to_owned) };
        self.client.call::<Can>(&params).await
    }
}
