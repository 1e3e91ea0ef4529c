//! What the HTTP server serves: the engine, its logs, and the state of the process.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ktk_client::api::{ApiError, ObjectRef, Secret, log::LogParams, watch::WatchParams};
use tokio::{sync::watch, time::Instant};

use crate::{
    engine::{
        Engine,
        attempt_token::{AttemptRuns, Identify},
        changes::{Told, WatchPage},
        expire::Outlook,
        lending::Lent,
        operation::{By, Scope},
        read::GetTask,
        viewer::{Filter, Viewer},
    },
    http::{Backend, Identity, Lifecycle, LogTarget},
    limits,
    logs::LogStore,
    rpc::Router,
    store::Store,
};

/// What the HTTP server serves.
pub struct Host<S> {
    pub engine: Arc<Engine<S>>,
    pub router: Arc<Router>,
    pub logs: Arc<dyn LogStore>,
    pub lifecycle: watch::Receiver<Lifecycle>,
    pub identity: Identity,
    /// When somebody last called.
    pub calls: watch::Sender<Instant>,
}

impl<S: Store> Host<S> {
    /// When somebody last called.
    pub fn last_call(&self) -> Instant {
        *self.calls.borrow()
    }

    /// Resolves once the server has nothing left to say.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lifecycle = self.lifecycle.clone();
        async move {
            // A server that is gone without a word is gone as well.
            let _ = lifecycle.wait_for(|state| *state == Lifecycle::Gone).await;
        }
    }

    async fn start(&self, by: &By, params: WatchParams) -> Result<(Arc<Viewer>, u64), ApiError> {
        let version = params.version;
        let viewer = Arc::new(Viewer::new(self.engine.ask(by.clone()), Filter::new(params)?));
        // Refused at once, and not with the first look.
        viewer.enter()?;
        match version {
            Some(version) => {
                // One look finds out whether that is still in the kept history.
                self.watch_page(vec![Arc::clone(&viewer)], version).await?;
                Ok((viewer, version))
            }
            None => Ok((viewer, self.newest().await?)),
        }
    }

    async fn target(&self, by: &By, params: &LogParams) -> Result<LogTarget, ApiError> {
        let namespace = params.namespace.as_deref().unwrap_or(ktk_client::api::DEFAULT_NAMESPACE);
        let reference = ObjectRef::new(namespace, &params.name);
        let task = self.engine.read(GetTask { ask: self.engine.ask(by.clone()), reference }).await?;
        let status = task.status.as_ref();
        Ok(LogTarget {
            task: task.metadata.id.unwrap_or_default(),
            attempt: status.map_or(0, |status| status.attempt),
            is_terminal: status.is_some_and(|status| status.phase.is_terminal()),
            is_running: status.is_some_and(|status| status.phase == ktk_client::api::Phase::Running),
        })
    }
}

/// Waits until an attempt has ended. Something has changed then, so that nothing is asked for while nothing does.
async fn attempt_ended<S: Store>(engine: &Engine<S>, scope: Scope) {
    let mut versions = engine.hub.versions();
    loop {
        versions.borrow_and_update();
        match engine.read(AttemptRuns { scope: scope.clone() }).await {
            Ok(true) => {}
            // A store that fails ends the server.
            Ok(false) | Err(_) => return,
        }
        tokio::time::sleep(limits::ATTEMPT_TOKEN_PAUSE).await;
        if versions.changed().await.is_err() {
            return;
        }
    }
}

impl<S: Store> Backend for Host<S> {
    fn router(&self) -> &Router {
        self.calls.send_replace(Instant::now());
        &self.router
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.engine.hub.versions()
    }

    fn identify(&self, token: Secret) -> BoxFuture<'_, Result<By, ApiError>> {
        if let Some(known) = self.engine.shared.credentials.judge(&token, self.engine.clock.now()) {
            return Box::pin(std::future::ready(Ok(By::token(known))));
        }
        Box::pin(async move { Ok(self.engine.read(Identify { token }).await?) })
    }

    fn ended(&self, by: &By) -> BoxFuture<'static, ()> {
        let engine = Arc::clone(&self.engine);
        match (&by.token, &by.scope) {
            (Some(token), _) => {
                let id = token.id;
                Box::pin(async move { engine.shared.credentials.ended(id, &engine.clock).await })
            }
            (None, Some(scope)) => {
                let scope = scope.clone();
                Box::pin(async move { attempt_ended(&engine, scope).await })
            }
            (None, None) => Box::pin(std::future::pending()),
        }
    }

    fn waits(&self, by: &By) -> Option<Lent> {
        by.scope.as_ref().map(|scope| self.engine.lending.begin(scope.task))
    }

    fn watch_start<'a>(
        &'a self,
        by: &'a By,
        params: WatchParams,
    ) -> BoxFuture<'a, Result<(Arc<Viewer>, u64), ApiError>> {
        Box::pin(self.start(by, params))
    }

    fn watch_page(&self, viewers: Vec<Arc<Viewer>>, after: u64) -> BoxFuture<'_, Result<Told, ApiError>> {
        Box::pin(async move { Ok(self.engine.read(WatchPage { viewers, after }).await?) })
    }

    fn newest(&self) -> BoxFuture<'_, Result<u64, ApiError>> {
        Box::pin(async move { Ok(self.engine.read(Outlook).await?.version) })
    }

    fn log_target<'a>(
        &'a self,
        by: &'a By,
        params: &'a LogParams,
    ) -> BoxFuture<'a, Result<LogTarget, ApiError>> {
        Box::pin(self.target(by, params))
    }

    fn logs(&self) -> Arc<dyn LogStore> {
        Arc::clone(&self.logs)
    }

    fn lifecycle(&self) -> watch::Receiver<Lifecycle> {
        self.lifecycle.clone()
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }
}
