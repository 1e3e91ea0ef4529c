//! The files of what was deleted go after it.

use std::sync::Arc;

use super::RemovedReceiver;
use crate::{exec::place::Places, logs::LogStore};

/// Removes logs and directories of what is gone, until the server has closed.
pub async fn remove_what_is_gone(
    mut removed: RemovedReceiver,
    logs: Arc<dyn LogStore>,
    places: Places,
    closed: impl Future<Output = ()>,
) {
    tokio::pin!(closed);
    loop {
        let gone = tokio::select! {
            biased;
            gone = removed.recv() => gone,
            () = &mut closed => return,
        };
        let Some(gone) = gone else { return };
        for task in gone.tasks {
            if let Err(error) = logs.remove(task).await {
                tracing::warn!(%task, %error, "the log of a deleted task stays");
            }
        }
        let places = places.clone();
        let owners = gone.owners;
        let removal =
            tokio::task::spawn_blocking(move || owners.iter().for_each(|owner| places.remove(*owner)));
        if removal.await.is_err() {
            tracing::error!("removing directories panicked");
        }
    }
}
