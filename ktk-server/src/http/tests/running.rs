//! A server over a socket of its own, in front of a made-up backend.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::{Config, Listener, ServeError, Timeouts, serve};
use super::fake::Fake;

/// A server that runs until it is told to close, or dropped.
pub(super) struct Running {
    pub(super) fake: Arc<Fake>,
    pub(super) socket: PathBuf,
    _directory: TempDir,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(super) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(super) async fn start_with(config: Config) -> Self {
        let directory = tempfile::Builder::new().prefix("ktk").tempdir().unwrap();
        let socket = directory.path().join("run/ktk.sock");
        let fake = Fake::new();
        let listener = Listener::bind(&socket).unwrap();
        let (shutdown, told) = oneshot::channel::<()>();
        let backend = Arc::clone(&fake);
        #[expect(clippy::disallowed_methods, reason = "the test keeps and joins it")]
        let task = tokio::spawn(serve(listener, None, config, backend, async move {
            let _ = told.await;
        }));
        Self { fake, socket, _directory: directory, shutdown: Some(shutdown), task }
    }

    /// Tells the server to close.
    pub(super) fn close(&mut self) {
        let _ = self.shutdown.take().expect("closed once").send(());
    }

    /// Waits for its end.
    pub(super) async fn ended(self) {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.task).await;
        ended.expect("it ends").expect("it does not panic").expect("it ends well");
    }
}

/// Timeouts that a test can wait for.
pub(super) fn impatient() -> Timeouts {
    let short = Duration::from_millis(60);
    Timeouts { head: short, body: short, idle: short, heartbeat: short, close: short }
}
