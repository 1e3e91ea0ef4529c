//! `pipeline.*`.

use std::sync::Arc;

use ktk_client::api::{check, pipeline};

use super::{RouterBuilder, expressions, method};
use crate::{
    engine::{
        Engine, cancel::CancelPipeline, create_pipeline::CreatePipeline, delete::DeletePipeline, read,
        restart_pipeline::RestartPipeline,
    },
    store::Store,
};

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, pipeline::Create, |engine, caller, params| {
        engine.takes_work()?;
        let causes = expressions::causes(&engine.jq, check::pipeline_expressions(&params.object)).await?;
        let create = CreatePipeline::new(engine.ask(caller.by), params, &engine.types(), causes)?;
        Ok(engine.write(create).await?)
    });
    let router = method!(router, engine, pipeline::Restart, |engine, caller, params| {
        engine.takes_work()?;
        Ok(engine.write(RestartPipeline::new(engine.ask(caller.by), params)?).await?)
    });
    let router = method!(router, engine, pipeline::Cancel, |engine, caller, params| {
        Ok(engine.write(CancelPipeline { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, pipeline::Delete, |engine, caller, params| {
        Ok(engine.write(DeletePipeline { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, pipeline::Get, |engine, caller, reference| {
        Ok(engine.read(read::GetPipeline { ask: engine.ask(caller.by), reference }).await?)
    });
    method!(router, engine, pipeline::ListPipelines, |engine, caller, params| {
        Ok(engine.read(read::ListPipelines { ask: engine.ask(caller.by), params }).await?)
    })
}
