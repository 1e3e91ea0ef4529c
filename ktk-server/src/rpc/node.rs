//! `node.*`.

use std::sync::Arc;

use ktk_client::api::{ApiError, node};

use super::{RouterBuilder, method};
use crate::{
    engine::{Engine, nodes::ListNodes, read::Selectors},
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, node::ListNodes, |engine, _caller, params| {
        let (labels, fields) = (params.label_selector.as_deref(), params.field_selector.as_deref());
        // Nodes have no field that selects.
        let selectors = Selectors::parse(labels, fields, &[])?;
        Ok(engine.read(ListNodes { named: None, selectors }).await?)
    });
    method!(router, engine, node::Get, |engine, _caller, reference| {
        let name = reference.name.clone();
        let found = engine
            .read(ListNodes { named: Some(reference), selectors: Selectors::parse(None, None, &[])? })
            .await?;
        found.items.into_iter().next().ok_or_else(|| ApiError::not_found("node", &name))
    })
}
