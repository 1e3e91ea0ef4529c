//! What the server asks of the engine behind it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ktk_client::api::{ApiError, Secret, log::LogParams, watch::WatchParams};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    engine::{changes::Told, lending::Lent, operation::By, viewer::Viewer},
    logs::LogStore,
    rpc::Router,
};

/// What stands behind the socket.
pub trait Backend: Send + Sync + 'static {
    /// Who speaks with a token.
    ///
    /// # Errors
    /// `Unauthorized` where nobody does.
    fn identify(&self, token: Secret) -> BoxFuture<'_, Result<By, ApiError>>;

    /// Resolves once what lets a caller speak has ended: its token was deleted or is past its time, its attempt is over.
    /// Never for who needs none.
    fn ended(&self, _by: &By) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    /// Whoever waits for something, an attempt among them: kept for as long as it does.
    fn waits(&self, _by: &By) -> Option<Lent> {
        None
    }

    /// The methods of `POST /rpc`.
    fn router(&self) -> &Router;

    /// Rises with every committed change.
    fn versions(&self) -> watch::Receiver<u64>;

    /// Checks what is to be watched, and gives the version to begin from: `params.version`, else the newest.
    ///
    /// # Errors
    /// `Invalid` for selectors and kinds, `Expired` for a version whose history is gone.
    fn watch_start<'a>(
        &'a self,
        by: &'a By,
        params: WatchParams,
    ) -> BoxFuture<'a, Result<(Arc<Viewer>, u64), ApiError>>;

    /// Events after a version, in order and at most a page of them, and the version up to which whoever takes
    /// them has then seen everything. That version does not rise when there is nothing more.
    ///
    /// # Errors
    /// `Expired` when the history has gone meanwhile; whatever the store fails with.
    fn watch_page(&self, viewers: Vec<Arc<Viewer>>, after: u64) -> BoxFuture<'_, Result<Told, ApiError>>;

    /// The newest version.
    ///
    /// # Errors
    /// Whatever the store fails with.
    fn newest(&self) -> BoxFuture<'_, Result<u64, ApiError>>;

    /// Whose log it is, and how far the task has come.
    ///
    /// # Errors
    /// `NotFound`, `Ambiguous`, `Forbidden`.
    fn log_target<'a>(
        &'a self,
        by: &'a By,
        params: &'a LogParams,
    ) -> BoxFuture<'a, Result<LogTarget, ApiError>>;

    /// Where the logs are.
    fn logs(&self) -> Arc<dyn LogStore>;

    /// How the server's run goes on. Streams end when it is no longer `Running`.
    fn lifecycle(&self) -> watch::Receiver<Lifecycle>;

    /// What every answer says of the server.
    fn identity(&self) -> &Identity;
}

/// How far a task has come, as its log must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// Its id.
    pub task: Uuid,
    /// The newest attempt so far; 0 before the first.
    pub attempt: u32,
    /// No attempt will follow.
    pub is_terminal: bool,
    /// The newest attempt runs now.
    pub is_running: bool,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// It works.
    Running,
    /// It answers and takes reports, but starts nothing any more.
    Stopping,
    /// It has ended.
    Gone,
}

/// What every answer says of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `0.1.0`.
    pub version: String,
    /// What tells two binaries of one version apart: text that sorts by age.
    pub build: String,
    /// Whether a command started it by itself.
    pub is_auto_started: bool,
}
