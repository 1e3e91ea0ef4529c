//! `worker.*`: registration, and the one call of a worker, which is held while there is nothing
//! to answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use ktk_client::api::{
    ApiError,
    worker::{Register, RegisterParams, Registered, Sync, SyncParams, Synced},
};
use uuid::Uuid;

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        nodes::{RegisterNode, SyncNode},
    },
    store::Store,
};

/// What is known of each node's calls.
type Calls = Arc<Mutex<BTreeMap<Uuid, Call>>>;

/// The calls of one node.
#[derive(Clone, Copy, Debug, Default)]
struct Call {
    /// The newest call: an older one that is still held takes no more work.
    newest: u64,
    /// The count of stops up to which the node has been told.
    told: Option<u64>,
}

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let calls: Calls = Arc::default();
    let router = method!(router, engine, Register, |engine, caller, params| {
        register_node(&engine, caller.by, params).await
    });
    let engine = Arc::clone(engine);
    router.method::<Sync, _, _>(move |caller, params| {
        let (engine, calls) = (Arc::clone(&engine), Arc::clone(&calls));
        async move { sync(&engine, &calls, caller.by, params).await }
    })
}

async fn register_node<S: Store>(
    engine: &Engine<S>,
    by: String,
    params: RegisterParams,
) -> Result<Registered, ApiError> {
    let (id, types) = (params.id, params.types.clone());
    let store_id = engine.store.info().id;
    let registered = engine.write(RegisterNode { ask: engine.ask(by), params, store_id }).await?;
    engine.add_types(&types);
    engine.leases.renew(id, registered.generation, false);
    Ok(registered)
}

/// Looks once; while there is nothing to answer, waits for a wake-up that was registered before
/// the look, and looks again.
async fn sync<S: Store>(
    engine: &Engine<S>,
    calls: &Calls,
    by: String,
    mut params: SyncParams,
) -> Result<Synced, ApiError> {
    let deadline = params.wait.map(|wait| tokio::time::Instant::now() + wait.get());
    let mut work = engine.hub.work();
    let mut stops = engine.hub.stops();
    let node = params.node;
    let own = with_call(calls, node, |call| {
        call.newest += 1;
        call.newest
    });
    loop {
        work.borrow_and_update();
        let stops_now = *stops.borrow_and_update();
        let call = with_call(calls, node, |call| *call);
        if call.newest != own {
            return Ok(Synced::default());
        }
        let check_stops = call.told != Some(stops_now) || params.resync;
        engine.leases.renew(params.node, params.generation, params.running > 0);
        let look = SyncNode { ask: engine.ask(by.clone()), params: params.clone(), check_stops };
        let answer = engine.write(look).await?;
        if !answer.unknown_node {
            with_call(calls, node, |call| call.told = Some(stops_now));
            let runs = params.running > 0 || !answer.grants.is_empty();
            engine.leases.renew(params.node, params.generation, runs);
        }
        let has_answer = answer.unknown_node
            || (params.leaving && params.running == 0)
            || !params.reports.is_empty()
            || !answer.grants.is_empty()
            || !answer.stops.is_empty();
        if has_answer {
            return Ok(answer);
        }
        params.resync = false;
        let wants_work = params.free > 0 && !params.leaving;
        tokio::select! {
            _ = work.changed(), if wants_work => {}
            _ = stops.changed() => {}
            () = until(deadline) => return Ok(answer),
        }
    }
}

fn with_call<A>(calls: &Calls, node: Uuid, look: impl FnOnce(&mut Call) -> A) -> A {
    look(calls.lock().expect("nobody panics while holding it").entry(node).or_default())
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
