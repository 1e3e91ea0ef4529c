//! The files of what was deleted go after it: with each deletion, and once at the start what an earlier server was
//! killed over.

use std::sync::Arc;

use anyhow::Context as _;
use uuid::Uuid;

use super::RemovedReceiver;
use crate::{
    engine::{Engine, remove::FindGone},
    exec::place::Places,
    limits,
    logs::LogStore,
    store::Store,
};

/// Removes logs and directories of what is gone, until the server has closed.
pub async fn remove_what_is_gone<S: Store>(
    engine: Arc<Engine<S>>,
    mut removed: RemovedReceiver,
    logs: Arc<dyn LogStore>,
    places: Places,
    closed: impl Future<Output = ()>,
) {
    tokio::pin!(closed);
    tokio::select! {
        left = remove_what_was_left(&engine, &*logs, &places) => {
            if let Err(error) = left {
                tracing::warn!(error = %format!("{error:#}"), "what deleted tasks left behind was not looked for");
            }
        }
        () = &mut closed => return,
    }
    drop(engine);
    loop {
        let gone = tokio::select! {
            biased;
            gone = removed.recv() => gone,
            () = &mut closed => return,
        };
        let Some(gone) = gone else { return };
        remove_logs(&*logs, gone.tasks).await;
        remove_directories(&places, gone.owners).await;
    }
}

/// A server that was killed between a deletion and its files left them. Ids are never used again: what the store
/// does not know any more is gone for good.
async fn remove_what_was_left<S: Store>(
    engine: &Engine<S>,
    logs: &dyn LogStore,
    places: &Places,
) -> anyhow::Result<()> {
    let reader = places.clone();
    let owners = tokio::task::spawn_blocking(move || reader.owners()).await?.context("the directories")?;
    for ids in owners.chunks(limits::FILES_BATCH) {
        let gone = engine.read(FindGone { ids: ids.to_vec() }).await?;
        remove_directories(places, gone).await;
    }
    for last_byte in 0..=u8::MAX {
        let tasks = logs.tasks(last_byte).await?;
        for ids in tasks.chunks(limits::FILES_BATCH) {
            let gone = engine.read(FindGone { ids: ids.to_vec() }).await?;
            remove_logs(logs, gone).await;
        }
    }
    Ok(())
}

async fn remove_logs(logs: &dyn LogStore, tasks: Vec<Uuid>) {
    for task in tasks {
        if let Err(error) = logs.remove(task).await {
            tracing::warn!(%task, %error, "the log of a deleted task stays");
        }
    }
}

async fn remove_directories(places: &Places, owners: Vec<Uuid>) {
    if owners.is_empty() {
        return;
    }
    let places = places.clone();
    let removal = tokio::task::spawn_blocking(move || owners.iter().for_each(|owner| places.remove(*owner)));
    if removal.await.is_err() {
        tracing::error!("removing directories panicked");
    }
}
