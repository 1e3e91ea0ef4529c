//! `token.*`.

use std::sync::Arc;

use ktk_client::api::{Token, token};

use super::{RouterBuilder, method};
use crate::{
    engine::{
        Engine,
        entity::{GetEntity, ListEntities},
        requests::Remembered,
        token::{CreateToken, DeleteToken},
    },
    store::Store,
};

/// Registers the methods. What is made holds, and what is deleted is refused, before the answer is on its way.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, token::Create, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let create = CreateToken::new(engine.ask(caller.by), params)?;
        let mut issued = engine.write_or_rehearse(create, is_dry_run).await?;
        if is_dry_run {
            // It opens nothing.
            issued.token = None;
            return Ok(issued);
        }
        engine.load_credentials().await?;
        Ok(issued)
    });
    let router = method!(router, engine, token::Get, |engine, _caller, reference| {
        Ok(engine.read(GetEntity::<Token>::new(reference)).await?)
    });
    let router = method!(router, engine, token::ListTokens, |engine, _caller, params| {
        Ok(engine.read(ListEntities::<Token>::new(params)?).await?)
    });
    method!(router, engine, token::Delete, |engine, caller, params| {
        let request = Remembered::of::<token::Delete>(&caller.by, &params)?;
        let delete = DeleteToken { ask: engine.ask(caller.by), reference: params.reference };
        let deleted = engine.write_once(request, delete).await?;
        engine.load_credentials().await?;
        Ok(deleted)
    })
}
