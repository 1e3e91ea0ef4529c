//! `task.complete`, `task.fail`, `task.keepalive`, `task.progress`.

use std::sync::Arc;

use ktk_client::api::attempt;

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        attempt::{EndExternal, KeepAlive, TellProgress},
        requests::Remembered,
    },
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, attempt::Complete, |engine, caller, params| {
        Ok(engine.write(EndExternal::complete(engine.ask(caller.by), params)?).await?)
    });
    let router = method!(router, engine, attempt::Fail, |engine, caller, params| {
        Ok(engine.write(EndExternal::fail(engine.ask(caller.by), params)?).await?)
    });
    let router = method!(router, engine, attempt::Keepalive, |engine, caller, params| {
        let request = Remembered::of::<attempt::Keepalive>(&caller.by, &params)?;
        Ok(engine.write_once(request, KeepAlive { ask: engine.ask(caller.by), params }).await?)
    });
    method!(router, engine, attempt::Progress, |engine, caller, params| {
        let request = Remembered::of::<attempt::Progress>(&caller.by, &params)?;
        Ok(engine.write_once(request, TellProgress::new(engine.ask(caller.by), params)?).await?)
    })
}
