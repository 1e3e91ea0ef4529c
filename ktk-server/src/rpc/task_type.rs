//! `tasktype.*`.

use std::sync::Arc;

use ktk_client::api::{TaskType, task_type};

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        amend_entity::AmendEntity,
        entity::{CreateEntity, DeleteEntity, GetEntity, ListEntities},
        requests::Remembered,
        task_type::ApplyTaskTypes,
    },
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, task_type::Create, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let create = CreateEntity::new(engine.ask(caller.by), params)?;
        Ok(engine.write_or_rehearse(create, is_dry_run).await?)
    });
    let router = method!(router, engine, task_type::Get, |engine, _caller, reference| {
        Ok(engine.read(GetEntity::<TaskType>::new(reference)).await?)
    });
    let router = method!(router, engine, task_type::ListTaskTypes, |engine, _caller, params| {
        Ok(engine.read(ListEntities::<TaskType>::new(params)?).await?)
    });
    let router = method!(router, engine, task_type::Apply, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<task_type::Apply>(&caller.by, &params)?;
        let apply = ApplyTaskTypes::new(engine.ask(caller.by), params)?;
        Ok(engine.write_once_or_plan(request, apply, is_dry_run).await?)
    });
    let router = method!(router, engine, task_type::Patch, |engine, caller, params| {
        let (request, is_dry_run) =
            (Remembered::of::<task_type::Patch>(&caller.by, &params)?, params.dry_run);
        let amend = AmendEntity::<TaskType>::new(engine.ask(caller.by), params);
        Ok(engine.write_once_or_plan(request, amend, is_dry_run).await?)
    });
    method!(router, engine, task_type::Delete, |engine, caller, params| {
        let request = Remembered::of::<task_type::Delete>(&caller.by, &params)?;
        let delete = DeleteEntity::<TaskType>::new(engine.ask(caller.by), params.reference);
        Ok(engine.write_once(request, delete).await?)
    })
}
