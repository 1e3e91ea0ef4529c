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
use tokio::time::Instant;
use uuid::Uuid;

use super::{Caller, RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        leases::Leases,
        nodes::{HeldLook, RegisterNode, SyncNode},
        operation::{By, Near},
        unit::Effects,
    },
    limits,
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
    /// The count of stops that were answered once: that answer may have been given up.
    said: Option<u64>,
    /// The generation that the store knew, and when.
    known: Option<(u32, Instant)>,
}

impl Call {
    /// Whether the store has something to say to a call, or has to hear it. An attempt that
    /// runs on a full node is no reason: its call only waits.
    fn is_worth_a_look(&self, params: &SyncParams, stops_now: u64) -> bool {
        let is_known = self.known.is_some_and(|(generation, at)| {
            generation == params.generation && at.elapsed() < limits::LEASE / 3
        });
        !is_known
            || self.told != Some(stops_now)
            || params.free > 0
            || params.resync
            || params.leaving
            || !params.reports.is_empty()
    }

    /// Takes down what a look came to.
    fn looked(&mut self, params: &SyncParams, stops_now: u64, has_stops: bool) {
        self.known = Some((params.generation, Instant::now()));
        // What is said to a call that was given up is said again to the next.
        self.told = if has_stops && self.said != Some(stops_now) { None } else { Some(stops_now) };
        self.said = has_stops.then_some(stops_now);
    }
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
        async move { sync(&engine, &calls, caller, params).await }
    })
}

async fn register_node<S: Store>(
    engine: &Engine<S>,
    by: By,
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
    caller: Caller,
    mut params: SyncParams,
) -> Result<Synced, ApiError> {
    let by = caller.by;
    // Where most slots are taken, ends that wait for the disk together cost less, and nobody waits for a slot.
    let is_near = caller.is_worker && params.running <= params.free;
    let deadline = params.wait.map(|wait| Instant::now() + wait.get());
    let mut work = engine.hub.work();
    let mut stops = engine.hub.stops();
    let mut lends = engine.lending.changes();
    let node = params.node;
    let own = with_call(calls, node, |call| {
        call.newest += 1;
        call.newest
    });
    let held = Held { engine, calls, node, own };
    let _seat = (params.free > 0 && !params.leaving).then(|| Seat::take(engine, node, own, params.free));
    loop {
        work.borrow_and_update();
        let stops_now = *stops.borrow_and_update();
        lends.borrow_and_update();
        let waiting = engine.lending.tasks();
        let may_lend = !params.leaving && (!waiting.is_empty() || params.lent > 0);
        let call = with_call(calls, node, |call| *call);
        if call.newest != own {
            return Ok(Synced::default());
        }
        engine.leases.renew(params.node, params.generation, params.running > 0);
        if may_lend || call.is_worth_a_look(&params, stops_now) {
            let check_stops = call.told != Some(stops_now) || params.resync;
            let look = SyncNode { ask: engine.ask(by.clone()), params: params.clone(), check_stops, waiting };
            let unheard = held.unheard(&params);
            let answer = engine.write(Near { operation: look, is_near }).await?;
            unheard.heard();
            if held.looked(&params, stops_now, &answer) {
                return Ok(answer);
            }
        }
        params.resync = false;
        let wants_work = (params.free > 0 || may_lend) && !params.leaving;
        let mut is_over = false;
        let woken = async {
            tokio::select! {
                _ = work.changed(), if wants_work => {}
                _ = stops.changed() => {}
                _ = lends.changed() => {}
                () = until(deadline) => is_over = true,
            }
        };
        if wants_work && !may_lend {
            // Work that comes up meanwhile is taken in the transaction that makes it.
            let unheard = held.unheard(&params);
            let stood = engine.stand(held.look(by.clone(), &params), woken).await.transpose()?;
            unheard.heard();
            if let Some(answer) = stood
                && held.looked(&params, stops_now, &answer)
            {
                return Ok(answer);
            }
        } else {
            woken.await;
        }
        if is_over {
            return Ok(Synced { lent: params.lent, ..Synced::default() });
        }
    }
}

/// A call of a node, as long as it is held.
struct Held<'e, S> {
    engine: &'e Engine<S>,
    calls: &'e Calls,
    node: Uuid,
    own: u64,
}

impl<'e, S: Store> Held<'e, S> {
    /// Takes down what a look came to; whether it is an answer.
    fn looked(&self, params: &SyncParams, stops_now: u64, answer: &Synced) -> bool {
        let Self { engine, calls, node, own } = *self;
        if engine.shared.nearby.looked(node) {
            look_again(engine);
        }
        if !answer.unknown_node {
            with_call(calls, node, |call| {
                if call.newest == own {
                    call.looked(params, stops_now, !answer.stops.is_empty());
                }
            });
            let runs = params.running > 0 || !answer.grants.is_empty();
            engine.leases.renew(node, params.generation, runs);
        }
        answer.unknown_node
            || (params.leaving && params.running == 0)
            || !params.reports.is_empty()
            || !answer.grants.is_empty()
            || !answer.stops.is_empty()
            || answer.lent != params.lent
    }

    /// A look at work that comes up while nothing else changes.
    fn look(&self, by: By, params: &SyncParams) -> HeldLook<impl Fn() -> bool + use<S>> {
        let (calls, node, own) = (Arc::clone(self.calls), self.node, self.own);
        let is_newest = move || with_call(&calls, node, |call| call.newest == own);
        let ask = self.engine.ask(by);
        let look = SyncNode { ask, params: params.clone(), check_stops: false, waiting: Vec::new() };
        HeldLook { look, clock: self.engine.clock.clone(), is_newest }
    }

    fn unheard(&self, params: &SyncParams) -> Unheard<'e> {
        Unheard { leases: &self.engine.leases, node: self.node, generation: params.generation }
    }
}

/// A look that comes to nothing, because it fails or nobody waits for it any more, may yet have granted something that
/// nobody hears of: the node has a lease then.
struct Unheard<'e> {
    leases: &'e Leases,
    node: Uuid,
    generation: u32,
}

impl Unheard<'_> {
    /// Somebody has it. What follows says whether it runs something.
    fn heard(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        self.leases.renew(self.node, self.generation, true);
    }
}

/// A call waits for work as long as this is kept.
struct Seat<'e, S: Store> {
    engine: &'e Engine<S>,
    node: Uuid,
    call: u64,
}

impl<'e, S: Store> Seat<'e, S> {
    fn take(engine: &'e Engine<S>, node: Uuid, call: u64, free: u32) -> Self {
        engine.shared.nearby.sit(node, call, free);
        Self { engine, node, call }
    }
}

impl<S: Store> Drop for Seat<'_, S> {
    fn drop(&mut self) {
        if self.engine.shared.nearby.leave(self.node, self.call) {
            look_again(self.engine);
        }
    }
}

/// What was kept for a node that did not take it is for the others.
fn look_again<S: Store>(engine: &Engine<S>) {
    engine.hub.announce(&Effects { work: true, ..Effects::default() });
}

fn with_call<A>(calls: &Calls, node: Uuid, look: impl FnOnce(&mut Call) -> A) -> A {
    look(calls.lock().expect("nobody panics while holding it").entry(node).or_default())
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
