//! `node.*`.

use std::sync::Arc;

use ktk_client::api::{ApiError, node};

use super::{RouterBuilder, method};
use crate::{
    engine::{Engine, nodes::ListNodes},
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, node::ListNodes, |engine, _caller, _params| {
        Ok(engine.read(ListNodes { named: None }).await?)
    });
    method!(router, engine, node::Get, |engine, _caller, reference| {
        let name = reference.name.clone();
        let found = engine.read(ListNodes { named: Some(reference) }).await?;
        found.items.into_iter().next().ok_or_else(|| ApiError::not_found("node", &name))
    })
}
