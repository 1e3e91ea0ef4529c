//! What a watch delivers: changes after a version, in version order.

use std::sync::Arc;

use ktk_client::api::{ApiError, ErrorReason, watch::WatchEvent};

use super::{
    error::{EngineError, EngineResult},
    viewer::{Drawn, Viewer},
};
use crate::{
    limits,
    model::row::Change,
    store::{Operation, Tx},
};

/// One page of all watches that have seen as much.
pub struct WatchPage {
    pub viewers: Vec<Arc<Viewer>>,
    pub after: u64,
}

/// What they are told.
#[derive(Debug)]
pub struct Told {
    /// By version, and for each of them by viewer: its place among them, and what it is told. What is told to several
    /// is one and the same.
    pub events: Vec<(usize, Arc<WatchEvent>)>,
    /// Up to here everything has now been seen.
    pub upto: u64,
}

impl Told {
    /// What the only viewer is told.
    #[cfg(test)]
    pub fn alone(self) -> Vec<WatchEvent> {
        self.events.into_iter().map(|(_, event)| Arc::unwrap_or_clone(event)).collect()
    }
}

impl Operation for WatchPage {
    type Output = Told;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<Told> {
        let Self { viewers, after } = self;
        let after = *after;
        for viewer in viewers {
            viewer.enter()?;
        }
        let start = tx.history_start().await?;
        if after < start {
            let words = format!("version {after} is older than the kept history, which begins at {start}");
            return Err(expired(words));
        }
        let page = (limits::WATCH_ROUND / viewers.len().max(1)).clamp(1, limits::WATCH_PAGE);
        let changes = tx.changes(after, page).await?;
        let Some(upto) = changes.last().map(Change::version) else {
            let newest = tx.version().await?;
            // Nothing happened after a version that this store has never given: it was restored from a backup, or is
            // another one, and silence would be a lie.
            if after > newest {
                let words =
                    format!("version {after} is newer than all that this store knows, which is {newest}");
                return Err(expired(words));
            }
            return Ok(Told { events: Vec::new(), upto: after });
        };
        let mut events = Vec::new();
        for change in &changes {
            let mut drawn = Drawn::default();
            for (index, viewer) in viewers.iter().enumerate() {
                events.extend(viewer.event(tx, change, &mut drawn).await?.map(|event| (index, event)));
            }
        }
        Ok(Told { events, upto })
    }
}

fn expired(words: String) -> EngineError {
    EngineError::Refused(
        ApiError::new(ErrorReason::Expired, words).with_hint("list again and watch from there"),
    )
}
