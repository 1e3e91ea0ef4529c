//! Queues: what is their own.

use ktk_client::api::{DEFAULT_QUEUE, Queue, queue::QueueSpec};

use super::{entity::Kind, error::EngineResult, unit::Unit};
use crate::store::Tx;

impl Kind for Queue {
    fn built_in() -> Option<Self> {
        Some(Self::new(DEFAULT_QUEUE, QueueSpec::default()))
    }

    async fn users<T: Tx>(_unit: &mut Unit<'_, T>, _name: &str) -> EngineResult<Vec<String>> {
        Ok(Vec::new())
    }

    async fn complete<T: Tx>(_tx: &mut T, _object: &mut Self) -> EngineResult<()> {
        Ok(())
    }
}
