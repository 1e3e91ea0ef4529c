//! What all operations of one engine share: sources of ids and chance, places, and a cache of
//! what never changes.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use uuid::Uuid;

use super::{
    body::{PipelineHeader, header_from_text},
    error::EngineResult,
};
use crate::{entropy::Entropy, limits, store::Tx};

/// What all operations of one engine share.
#[derive(Debug)]
pub struct Shared {
    pub entropy: Entropy,
    /// Where `KTK_DIR` of every owner lies; absent where no processes run.
    pub work_dir: Option<PathBuf>,
    headers: Mutex<BTreeMap<Uuid, Arc<PipelineHeader>>>,
}

impl Shared {
    pub fn new(entropy: Entropy, work_dir: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self { entropy, work_dir, headers: Mutex::default() })
    }

    /// `KTK_DIR` of a pipeline or restart context.
    pub fn directory(&self, owner: Uuid) -> Option<String> {
        Some(self.work_dir.as_ref()?.join(owner.to_string()).to_string_lossy().into_owned())
    }

    /// A pipeline's header; a pipeline's manifest never changes, so what was read once holds.
    pub async fn header<T: Tx>(&self, tx: &mut T, pipeline: Uuid) -> EngineResult<Arc<PipelineHeader>> {
        if let Some(header) = self.headers.lock().expect("nobody panics while holding it").get(&pipeline) {
            return Ok(Arc::clone(header));
        }
        let bodies = tx.pipeline_bodies(&[pipeline]).await?;
        let header = match bodies.first() {
            Some((_, text)) => Arc::new(header_from_text(&format!("pipeline {pipeline}"), text)?),
            None => Arc::new(PipelineHeader::default()),
        };
        let mut headers = self.headers.lock().expect("nobody panics while holding it");
        if headers.len() >= limits::HEADER_CACHE {
            headers.pop_first();
        }
        headers.insert(pipeline, Arc::clone(&header));
        Ok(header)
    }
}
