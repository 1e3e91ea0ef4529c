//! Semaphores: what is their own.

use ktk_client::api::Semaphore;

use super::{entity::Kind, error::EngineResult, unit::Unit};
use crate::store::Tx;

impl Kind for Semaphore {
    async fn users<T: Tx>(_unit: &mut Unit<'_, T>, _name: &str) -> EngineResult<Vec<String>> {
        Ok(Vec::new())
    }

    async fn complete<T: Tx>(_tx: &mut T, _object: &mut Self) -> EngineResult<()> {
        Ok(())
    }
}
