//! What all operations of one engine share: sources of ids and chance, places, and a cache of
//! what never changes.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ktk_client::api::{Entity as _, TaskType};
use serde_json::Value;
use uuid::Uuid;

use super::{
    body::{PipelineHeader, header_from_text},
    catalogue::Catalogue,
    credentials::Credentials,
    error::EngineResult,
    nearby::Nearby,
};
use crate::{entropy::Entropy, limits, model::schema::Schema, store::Tx};

/// What all operations of one engine share.
#[derive(Debug)]
pub struct Shared {
    pub entropy: Entropy,
    /// Where `KTK_DIR` of every owner lies; absent where no processes run.
    pub work_dir: Option<PathBuf>,
    /// Who waits for work at this moment.
    pub nearby: Nearby,
    /// The tokens that hold.
    pub credentials: Credentials,
    headers: Mutex<BTreeMap<Uuid, Arc<PipelineHeader>>>,
    schemas: Mutex<BTreeMap<String, Arc<Schema>>>,
    catalogue: Mutex<Option<Arc<Catalogue>>>,
}

impl Shared {
    pub fn new(entropy: Entropy, work_dir: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            entropy,
            work_dir,
            nearby: Nearby::default(),
            credentials: Credentials::default(),
            headers: Mutex::default(),
            schemas: Mutex::default(),
            catalogue: Mutex::default(),
        })
    }

    /// `KTK_DIR` of a pipeline or restart context.
    pub fn directory(&self, owner: Uuid) -> Option<String> {
        Some(self.work_dir.as_ref()?.join(owner.to_string()).to_string_lossy().into_owned())
    }

    /// A schema, read once as long as it is in use.
    ///
    /// # Errors
    /// Why it is none.
    pub fn schema(&self, schema: &Value) -> Result<Arc<Schema>, String> {
        let text = schema.to_string();
        let mut schemas = self.schemas.lock().expect("nobody panics while holding it");
        if let Some(known) = schemas.get(&text) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(Schema::new(schema)?);
        if schemas.len() >= limits::SCHEMA_CACHE {
            schemas.pop_first();
        }
        schemas.insert(text, Arc::clone(&read));
        Ok(read)
    }

    /// The task types, read once as long as none of them changes.
    pub async fn catalogue<T: Tx>(&self, tx: &mut T) -> EngineResult<Arc<Catalogue>> {
        let rows = tx.all_entities(TaskType::KIND).await?;
        let mut catalogue = self.catalogue.lock().expect("nobody panics while holding it");
        if let Some(known) = catalogue.as_ref().filter(|known| known.is_of(&rows)) {
            return Ok(Arc::clone(known));
        }
        Ok(Arc::clone(catalogue.insert(Arc::new(Catalogue::new(rows)))))
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
