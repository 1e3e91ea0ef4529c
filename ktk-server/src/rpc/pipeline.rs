//! `pipeline.*`.

use std::{sync::Arc, time::Duration};

use ktk_client::api::{ApiError, ObjectRef, Pipeline, check, pipeline, restart::Restarted, why::WhyPipeline};

use super::{RouterBuilder, expressions, method};
use crate::{
    engine::{
        Engine,
        amend_pipeline::AmendPipeline,
        apply_pipeline::ApplyPipeline,
        cancel::CancelPipeline,
        create_pipeline::{CheckPipeline, CreatePipeline},
        delete::DeletePipeline,
        hold::HoldPipeline,
        read,
        requests::Remembered,
        restart_pipeline::RestartPipeline,
        why_pipeline::PipelineWhy,
    },
    store::Store,
};

/// How long a forced restart is waited for.
const FORCED: Duration = Duration::from_secs(40);

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>) -> RouterBuilder {
    let router = method!(router, engine, pipeline::Create, |engine, caller, params| {
        engine.takes_work()?;
        let causes = expressions::causes(&engine.jq, check::pipeline_expressions(&params.object)).await?;
        let is_dry_run = params.dry_run;
        let create = CreatePipeline::new(engine.ask(caller.by), params, &engine.types(), causes)?;
        Ok(engine.write_or_rehearse(create, is_dry_run).await?)
    });
    let router = method!(router, engine, pipeline::Apply, |engine, caller, params| {
        engine.takes_work()?;
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<pipeline::Apply>(&caller.by, &params)?;
        let causes = expressions::causes(&engine.jq, check::pipeline_expressions(&params.object)).await?;
        let apply = ApplyPipeline::new(engine.ask(caller.by), params, &engine.types(), causes)?;
        Ok(engine.write_once_or_rehearse(request, apply, is_dry_run).await?)
    });
    let router = method!(router, engine, pipeline::Check, |engine, caller, params| {
        let causes = expressions::causes(&engine.jq, check::pipeline_expressions(&params.object)).await?;
        let create = CreatePipeline::new(engine.ask(caller.by), params, &engine.types(), causes)?;
        Ok(engine.read(CheckPipeline(create)).await?)
    });
    let router = method!(router, engine, pipeline::Restart, |engine, caller, params| {
        engine.takes_work()?;
        let (is_dry_run, is_forced) = (params.dry_run, params.force && params.all && !params.dry_run);
        let restart = RestartPipeline::new(engine.ask(caller.by), params)?;
        let answer = engine.write_or_plan(restart, is_dry_run).await?;
        if is_forced && !answer.created { forced(&engine, answer).await } else { Ok(answer) }
    });
    let router = method!(router, engine, pipeline::Cancel, |engine, caller, params| {
        let request = Remembered::of::<pipeline::Cancel>(&caller.by, &params)?;
        Ok(engine.write_once(request, CancelPipeline { ask: engine.ask(caller.by), params }).await?)
    });
    let router = method!(router, engine, pipeline::Pause, |engine, caller, params| {
        let request = Remembered::of::<pipeline::Pause>(&caller.by, &params)?;
        let hold = HoldPipeline { ask: engine.ask(caller.by), reference: params.reference, held: true };
        Ok(engine.write_once(request, hold).await?)
    });
    let router = method!(router, engine, pipeline::Resume, |engine, caller, params| {
        let request = Remembered::of::<pipeline::Resume>(&caller.by, &params)?;
        let hold = HoldPipeline { ask: engine.ask(caller.by), reference: params.reference, held: false };
        Ok(engine.write_once(request, hold).await?)
    });
    let router = method!(router, engine, pipeline::Patch, |engine, caller, params| {
        let (request, is_dry_run) = (Remembered::of::<pipeline::Patch>(&caller.by, &params)?, params.dry_run);
        let amend = AmendPipeline { ask: engine.ask(caller.by), params };
        Ok(engine.write_once_or_plan(request, amend, is_dry_run).await?)
    });
    let router = method!(router, engine, pipeline::Delete, |engine, caller, params| {
        let is_dry_run = params.dry_run;
        let request = Remembered::of::<pipeline::Delete>(&caller.by, &params)?;
        let delete = DeletePipeline { ask: engine.ask(caller.by), params };
        Ok(engine.write_once_or_plan(request, delete, is_dry_run).await?)
    });
    let router = method!(router, engine, pipeline::Get, |engine, caller, reference| {
        Ok(engine.read(read::GetPipeline { ask: engine.ask(caller.by), reference }).await?)
    });
    let router = method!(router, engine, WhyPipeline, |engine, caller, reference| {
        Ok(engine.read(PipelineWhy { ask: engine.ask(caller.by), reference }).await?)
    });
    method!(router, engine, pipeline::ListPipelines, |engine, caller, params| {
        Ok(engine.read(read::ListPipelines { ask: engine.ask(caller.by), params }).await?)
    })
}

/// A forced restart of the whole happens when all that runs has ended: the call is held until then. Whoever gives up
/// waiting loses nothing, the wish is stored.
async fn forced<S: Store>(
    engine: &Engine<S>,
    asked: Restarted<Pipeline>,
) -> Result<Restarted<Pipeline>, ApiError> {
    let live = &asked.object.metadata;
    let reference = ObjectRef::new(live.namespace(), live.name());
    let incarnation = live.incarnation();
    let mut versions = engine.hub.versions();
    let made = async {
        loop {
            versions.borrow_and_update();
            let get = read::GetPipeline { ask: engine.ask("ktk"), reference: reference.clone() };
            let newest = engine.read(get).await?;
            if newest.metadata.incarnation() > incarnation {
                return Ok::<Pipeline, ApiError>(newest);
            }
            if versions.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    match tokio::time::timeout(FORCED, made).await {
        Ok(newest) => Ok(Restarted { object: newest?, created: true, ..asked }),
        Err(_) => Ok(asked),
    }
}
