//! `queue.*`.

use std::sync::Arc;

use ktk_client::api::{Queue, queue};

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        amend_entity::AmendEntity,
        apply_entity::ApplyEntity,
        entity::{CreateEntity, DeleteEntity, GetEntity, ListEntities},
        hold::PauseQueue,
        queue::ScaleQueue,
        requests::Remembered,
    },
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, queue::Create, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let create = CreateEntity::new(engine.ask(caller.by), params)?;
        Ok(engine.write_or_rehearse(create, is_dry_run).await?)
    });
    let router = method!(router, engine, queue::Apply, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<queue::Apply>(&caller.by, &params)?;
        let apply = ApplyEntity::new(engine.ask(caller.by), params)?;
        Ok(engine.write_once_or_rehearse(request, apply, is_dry_run).await?)
    });
    let router = method!(router, engine, queue::Get, |engine, _caller, reference| {
        Ok(engine.read(GetEntity::<Queue>::new(reference)).await?)
    });
    let router = method!(router, engine, queue::ListQueues, |engine, _caller, params| {
        Ok(engine.read(ListEntities::<Queue>::new(params)?).await?)
    });
    let router = method!(router, engine, queue::Scale, |engine, caller, params| {
        let request = Remembered::of::<queue::Scale>(&caller.by, &params)?;
        Ok(engine.write_once(request, ScaleQueue { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, queue::Pause, |engine, caller, params| {
        let request = Remembered::of::<queue::Pause>(&caller.by, &params)?;
        let pause = PauseQueue { ask: engine.ask(caller.by), reference: params.reference, paused: true };
        Ok(engine.write_once(request, pause).await?)
    });
    let router = method!(router, engine, queue::Resume, |engine, caller, params| {
        let request = Remembered::of::<queue::Resume>(&caller.by, &params)?;
        let pause = PauseQueue { ask: engine.ask(caller.by), reference: params.reference, paused: false };
        Ok(engine.write_once(request, pause).await?)
    });
    let router = method!(router, engine, queue::Patch, |engine, caller, params| {
        let (request, is_dry_run) = (Remembered::of::<queue::Patch>(&caller.by, &params)?, params.dry_run);
        let amend = AmendEntity::<Queue>::new(engine.ask(caller.by), params);
        Ok(engine.write_once_or_plan(request, amend, is_dry_run).await?)
    });
    method!(router, engine, queue::Delete, |engine, caller, params| {
        let request = Remembered::of::<queue::Delete>(&caller.by, &params)?;
        let delete = DeleteEntity::<Queue>::new(engine.ask(caller.by), params.reference);
        Ok(engine.write_once(request, delete).await?)
    })
}
