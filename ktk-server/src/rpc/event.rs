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
    method!(router, engine, event::ListEvents, |engine, _caller, params| {
        Ok(engine.read(ListEvents { params }).await?)
    })
}
