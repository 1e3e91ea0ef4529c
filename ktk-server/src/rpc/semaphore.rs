//! `semaphore.*`.

use std::sync::Arc;

use ktk_client::api::{Semaphore, semaphore};

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        amend_entity::AmendEntity,
        apply_entity::ApplyEntity,
        entity::{CreateEntity, DeleteEntity, GetEntity, ListEntities},
        requests::Remembered,
        semaphore::{ScaleSemaphore, cut_down},
    },
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, semaphore::Create, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let create = CreateEntity::new(engine.ask(caller.by), params)?;
        Ok(engine.write_or_rehearse(create, is_dry_run).await?)
    });
    let router = method!(router, engine, semaphore::Apply, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<semaphore::Apply>(&caller.by, &params)?;
        let apply = ApplyEntity::new(engine.ask(caller.by), params)?;
        Ok(engine.write_once_or_rehearse(request, apply, is_dry_run).await?)
    });
    let router = method!(router, engine, semaphore::Get, |engine, caller, reference| {
        let mut object = engine.read(GetEntity::<Semaphore>::new(reference)).await?;
        cut_down(&mut object, |namespace| caller.by.reaches(namespace));
        Ok(object)
    });
    let router = method!(router, engine, semaphore::ListSemaphores, |engine, caller, params| {
        let mut list = engine.read(ListEntities::<Semaphore>::new(params)?).await?;
        for object in &mut list.items {
            cut_down(object, |namespace| caller.by.reaches(namespace));
        }
        Ok(list)
    });
    let router = method!(router, engine, semaphore::Scale, |engine, caller, params| {
        let request = Remembered::of::<semaphore::Scale>(&caller.by, &params)?;
        Ok(engine.write_once(request, ScaleSemaphore { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, semaphore::Patch, |engine, caller, params| {
        let (request, is_dry_run) =
            (Remembered::of::<semaphore::Patch>(&caller.by, &params)?, params.dry_run);
        let amend = AmendEntity::<Semaphore>::new(engine.ask(caller.by), params);
        Ok(engine.write_once_or_plan(request, amend, is_dry_run).await?)
    });
    method!(router, engine, semaphore::Delete, |engine, caller, params| {
        let request = Remembered::of::<semaphore::Delete>(&caller.by, &params)?;
        let delete = DeleteEntity::<Semaphore>::new(engine.ask(caller.by), params.reference);
        Ok(engine.write_once(request, delete).await?)
    })
}
