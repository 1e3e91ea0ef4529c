//! `object.*`: what is the same of all kinds.

use std::sync::Arc;

use ktk_client::api::apply;

use super::{RouterBuilder, method};
use crate::{
    engine::{Engine, applied::LastApplied},
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    method!(router, engine, apply::LastApplied, |engine, caller, params| {
        Ok(engine.read(LastApplied { ask: engine.ask(caller.by), params }).await?)
    })
}
