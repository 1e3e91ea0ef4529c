//! The local server: where it listens, how it is started where there is none, how an older one
//! gives way to a newer.

mod data_dir;
mod detach;
mod flock;
mod launch;
mod replace;
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use tokio::sync::OnceCell;

pub use data_dir::{LOCK_FILE, LOG_FILE, START_LOCK_FILE, prepare_data_dir, socket_path};
pub use detach::detach;
pub use launch::READY_LINE;

use super::{
    BoxFuture, Error, Notice, NoticeHook, Result, Revival, SseByteStream, Transport,
    builder::Autostart,
    http::{Answer, Http},
};
use crate::api::{
    ErrorReason, Secret,
    rpc::{ErrorObject, Response},
};

/// Where the local server is and what may be done about it.
#[derive(Clone)]
pub(super) struct Policy {
    pub(super) socket: PathBuf,
    /// Absent where only a socket is known: nothing is started there.
    pub(super) data_dir: Option<PathBuf>,
    pub(super) autostart: Autostart,
    pub(super) program: Option<PathBuf>,
    pub(super) server_args: Vec<String>,
    pub(super) own_build: Option<(String, String)>,
    pub(super) on_notice: Option<NoticeHook>,
}

impl Policy {
    fn notice(&self, notice: Notice) {
        if let Some(hook) = &self.on_notice {
            hook(notice);
        }
    }

    /// The data directory in which a server may be started.
    fn startable(&self) -> Option<&PathBuf> {
        self.data_dir.as_ref().filter(|_| self.autostart == Autostart::Auto)
    }
}

/// The way to a server on this machine, which it starts where it may.
pub(super) struct LocalTransport {
    http: Http,
    policy: Policy,
    /// Set when it is known who answers: the server's age is looked at once.
    greeted: OnceCell<()>,
}

impl LocalTransport {
    pub(super) fn new(http: Http, policy: Policy) -> Self {
        Self { http, policy, greeted: OnceCell::new() }
    }

    async fn greet(&self) -> Result<()> {
        self.greeted.get_or_try_init(|| replace::replace_older(&self.http, &self.policy)).await.map(|_| ())
    }

    async fn carry(&self, body: Bytes) -> Result<Bytes> {
        let answer = self.post(body.clone()).await?;
        if !(answer.is_stopping && refuses_new_work(&answer.body)) {
            return Ok(answer.body);
        }
        let Some(data_dir) = self.policy.startable() else { return Ok(answer.body) };
        launch::start_next(&self.http, &self.policy, data_dir).await?;
        Ok(self.http.post(body, None).await?.body)
    }

    /// The first call asks by itself whether the server is too old: a question of its own would cost each command a
    /// round trip.
    async fn post(&self, body: Bytes) -> Result<Answer> {
        if self.greeted.initialized() {
            return self.http.post(body, None).await;
        }
        if let Some(data_dir) = &self.policy.data_dir {
            data_dir::check_socket(&self.policy.socket, data_dir)?;
        }
        let own = self.policy.own_build.as_ref().map(|(version, build)| (version.as_str(), build.as_str()));
        let answer = self.http.post(body.clone(), own).await?;
        if !answer.is_too_old {
            let _ = self.greeted.set(());
            return Ok(answer);
        }
        self.greet().await?;
        self.http.post(body, None).await
    }

    async fn bring_back(&self, why: Revival) -> Result<bool> {
        let Some(data_dir) = self.policy.startable() else { return Ok(false) };
        let is_new = launch::start_if_absent(&self.http, &self.policy, data_dir, why).await?;
        if is_new {
            // It is of this very build.
            let _ = self.greeted.set(());
        }
        Ok(true)
    }
}

impl Transport for LocalTransport {
    fn address(&self) -> String {
        self.http.address().to_owned()
    }

    fn call(&self, body: Bytes) -> BoxFuture<'_, Result<Bytes>> {
        Box::pin(self.carry(body))
    }

    fn stream(
        &self,
        path_and_query: String,
        last_event_id: Option<String>,
    ) -> BoxFuture<'_, Result<SseByteStream>> {
        Box::pin(async move {
            self.greet().await?;
            self.http.open(&path_and_query, last_event_id.as_deref()).await
        })
    }

    fn revive(&self, why: Revival) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.bring_back(why))
    }

    fn with_token(&self, token: &Secret) -> Option<Arc<dyn Transport>> {
        let http = self.http.with_token(Some(token.clone()));
        Some(Arc::new(Self::new(http, self.policy.clone())))
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// Whether any call of an answer was refused because the server takes no new work.
fn refuses_new_work(answer: &[u8]) -> bool {
    let responses = match serde_json::from_slice::<Vec<Response>>(answer) {
        Ok(responses) => responses,
        Err(_) => serde_json::from_slice::<Response>(answer).into_iter().collect(),
    };
    let is_refusal =
        |error: &ErrorObject| error.data.as_ref().is_some_and(|data| data.reason == ErrorReason::Unavailable);
    responses.iter().any(|response| response.error.as_ref().is_some_and(is_refusal))
}

/// Whether nobody listens there: no socket, or one that its server left behind.
fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Unreachable { .. })
        && matches!(error.io_kind(), Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused))
}
