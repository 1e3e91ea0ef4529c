//! `server.*`.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use ktk_client::api::{
    ApiError, Cause, ErrorReason,
    server::{
        Collect, CollectParams, Collected, CollectedItem, Counts, ServerStatus, Status, Stop, StopParams,
        Stopping,
    },
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Caller, RouterBuilder, usage::Meter};
use crate::{
    engine::{
        Engine,
        collect::{Going, PlanHarvest},
        collector,
        error::EngineError,
        expire::Outlook,
        requests::{Answered, Remembered},
    },
    model::row::WholeKind,
    store::Store,
};

/// How long running work goes on after a stop, unless the caller says otherwise.
const DRAIN: Duration = Duration::from_secs(60);

/// What the server says of itself, but for its counts.
#[derive(Clone)]
pub struct About {
    /// The status; its counts are filled in.
    pub status: ServerStatus,
    /// Where a stop is asked for: how long running work may go on.
    pub stop: watch::Sender<Option<Duration>>,
    /// What the attempts that run on its machine take.
    pub meter: Meter,
}

/// Registers the methods.
pub fn register<S: Store>(router: RouterBuilder, engine: &Arc<Engine<S>>, about: &About) -> RouterBuilder {
    let own = about.clone();
    let router = {
        let engine = Arc::clone(engine);
        router.method::<Status, _, _>(move |_caller, _params| {
            let (engine, about) = (Arc::clone(&engine), own.clone());
            async move { status(&engine, &about).await }
        })
    };
    let router = {
        let engine = Arc::clone(engine);
        router.method::<Collect, _, _>(move |caller, params| {
            let engine = Arc::clone(&engine);
            async move { collect(&engine, &caller, &params).await }
        })
    };
    let about = about.clone();
    let engine = Arc::clone(engine);
    router.method::<Stop, _, _>(move |caller, params| {
        let (engine, about) = (Arc::clone(&engine), about.clone());
        async move { stop(&engine, &about, &caller, params).await }
    })
}

async fn status<S: Store>(engine: &Engine<S>, about: &About) -> Result<ServerStatus, ApiError> {
    let ahead = engine.read(Outlook).await?;
    let mut status = about.status.clone();
    status.stopping = about.stop.borrow().is_some();
    status.counts = Counts { pending: ahead.counts.pending, running: ahead.counts.running };
    Ok(status)
}

async fn collect<S: Store>(
    engine: &Engine<S>,
    caller: &Caller,
    params: &CollectParams,
) -> Result<Collected, ApiError> {
    let request = Remembered::of::<Collect>(&caller.by, params)?.filter(|_| !params.dry_run);
    if let Some(first) = engine.first_answer(request.as_ref()).await? {
        return Ok(first);
    }
    let retention = engine.retention();
    let (going, next, kept_until) = if params.dry_run {
        let after = params.after.as_deref().map(place).transpose()?;
        let plan = PlanHarvest { retention: retention.clone(), now: engine.clock.now(), jump: None, after };
        let harvest = engine.read(plan).await?;
        let next = harvest.last.filter(|_| harvest.has_more).map(|(at, id)| format!("{at}/{id}"));
        (harvest.going, next, collector::kept_until(engine).await?)
    } else {
        let (gone, has_more) = collector::collect_now(engine, &caller.by.name).await?;
        (gone, has_more.then(|| "more".to_owned()), None)
    };
    let items = going.into_iter().map(item).collect();
    let collected = Collected { items, next, retention: retention.to_string(), kept_until };
    // A server that dies before has collected, and collects what is left when it is asked again.
    if request.is_some() { Ok(engine.write_once(request, Answered(collected)).await?) } else { Ok(collected) }
}

/// Where a page begins.
fn place(text: &str) -> Result<(Timestamp, Uuid), ApiError> {
    let read = || -> Option<(Timestamp, Uuid)> {
        let (at, id) = text.split_once('/')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    let cause = || vec![Cause::new("after", "is no `next` of an answer")];
    read().ok_or_else(|| ApiError::invalid("the request", cause()))
}

fn item(going: Going) -> CollectedItem {
    let Going { whole, rule, since } = going;
    CollectedItem {
        kind: match whole.kind {
            WholeKind::Task => "Task".into(),
            WholeKind::Pipeline => "Pipeline".into(),
        },
        namespace: whole.namespace,
        name: whole.name,
        id: whole.id,
        tasks: whole.tasks,
        phase: whole.phase,
        finished_at: whole.finished_at.unwrap_or(since),
        rule: rule.to_string(),
        since,
    }
}

async fn stop<S: Store>(
    engine: &Engine<S>,
    about: &About,
    caller: &Caller,
    params: StopParams,
) -> Result<Stopping, ApiError> {
    let request = Remembered::of::<Stop>(&caller.by, &params)?;
    match engine.first_answer(request.as_ref()).await {
        Ok(Some(first)) => return Ok(first),
        Err(EngineError::Refused(refused)) => return Err(refused),
        // A store that has failed keeps no server alive.
        Ok(None) | Err(_) => {}
    }
    if params.if_idle {
        let counts = engine.read(Outlook).await?.counts;
        if counts.on_nodes + counts.claimable > 0 {
            let words =
                format!("the server has work: {} running, {} queued", counts.on_nodes, counts.claimable);
            return Err(ApiError::new(ErrorReason::Conflict, words).with_hint("ktk server stop"));
        }
    }
    let stopping = Stopping { pid: about.status.pid };
    if request.is_some() {
        // Asked again without it, the server would stop once more, which is the same.
        drop(engine.write_once(request, Answered(stopping.clone())).await);
    }
    let drain = params.drain.map_or(DRAIN, |drain| drain.get());
    about.stop.send_modify(|present| {
        *present = Some(present.map_or(drain, |earlier| earlier.min(drain)));
    });
    Ok(stopping)
}
