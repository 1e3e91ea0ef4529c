//! The server itself: its state and its end.

use super::{Client, Result};
use crate::api::server::{ServerStatus, Status, StatusParams, Stop, StopParams, Stopping};

/// The server that answers.
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
    /// # Errors
    /// Where the server could not be asked.
    pub async fn status(&self) -> Result<ServerStatus> {
        self.client.call::<Status>(&StatusParams {}).await
    }

    /// Ends the server: it takes no new work, finishes what runs within the drain time, and what
    /// is left goes on with its next start. Answers at once.
    ///
    /// # Errors
    /// `Conflict` where it was to stop only if idle and is not.
    pub async fn stop(&self, params: StopParams) -> Result<Stopping> {
        self.client.call::<Stop>(&params).await
    }
}
