//! Keeps one launcher alive: when it has died, what it left is killed and another is started.

use tokio::sync::Mutex;
use uuid::Uuid;

use super::launcher::{Launcher, LauncherConfig, Process, SpawnError, SpawnRequest, kill_leftovers};

/// Starts processes through a launcher that is always there.
#[derive(Debug)]
pub struct Starter {
    config: LauncherConfig,
    store_id: Uuid,
    launcher: Mutex<Option<Launcher>>,
}

impl Starter {
    /// Kills what an earlier server of this store left behind. The launcher starts with the
    /// first process.
    pub async fn new(config: LauncherConfig, store_id: Uuid) -> Self {
        let starter = Self { config, store_id, launcher: Mutex::default() };
        starter.clean_up().await;
        starter
    }

    async fn clean_up(&self) {
        let store_id = self.store_id.to_string();
        let killed = tokio::task::spawn_blocking(move || kill_leftovers(&store_id)).await.unwrap_or(0);
        if killed > 0 {
            tracing::warn!(killed, "processes of attempts that are over were still alive");
        }
    }

    /// Starts a process; a launcher that has died is replaced once. One that dies meanwhile may have started it: then it
    /// is not started again, as an attempt is one process at most.
    ///
    /// # Errors
    /// Why it was not started.
    pub async fn spawn(&self, request: SpawnRequest) -> Result<Process, SpawnError> {
        let launcher = self.launcher(None).await?;
        match launcher.spawn(request.clone()).await {
            Err(SpawnError::LauncherGone) => {
                let launcher = self.launcher(Some(&launcher)).await?;
                launcher.spawn(request).await
            }
            Err(SpawnError::LauncherLost) => {
                // What it has started goes with it; whether another can be started is the next one's matter.
                let _ = self.launcher(Some(&launcher)).await;
                Err(SpawnError::LauncherLost)
            }
            result => result,
        }
    }

    async fn launcher(&self, dead: Option<&Launcher>) -> Result<Launcher, SpawnError> {
        let mut present = self.launcher.lock().await;
        if let Some(launcher) = &*present
            && dead.is_none_or(|dead| dead.pid() != launcher.pid())
        {
            return Ok(launcher.clone());
        }
        if dead.is_some() {
            tracing::warn!("the launcher has died: its attempts are lost, another is started");
            self.clean_up().await;
        }
        let launcher = Launcher::start(&self.config).await.map_err(|error| SpawnError::NoRoom {
            reason: format!("the launcher does not start: {error}"),
        })?;
        *present = Some(launcher.clone());
        Ok(launcher)
    }

    /// Ends the launcher and all that it runs.
    pub async fn shut_down(&self) {
        if let Some(launcher) = self.launcher.lock().await.take() {
            launcher.shut_down().await;
        }
    }
}
