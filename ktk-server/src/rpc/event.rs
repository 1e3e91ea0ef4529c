//! `event.*`.

use std::sync::Arc;

use ktk_client::api::event;

use super::{RouterBuilder, method};
use crate::{
    engine::{Engine, events::ListEvents},
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    method!(router, engine, event::ListEvents, |engine, caller, params| {
        if let Some(namespace) = &params.namespace {
            engine.ask(caller.by.clone()).enter(namespace)?;
        }
        let mut list = engine.read(ListEvents { params }).await?;
        list.items.retain(|event| caller.by.reaches(event.metadata.namespace()));
        Ok(list)
    })
}
