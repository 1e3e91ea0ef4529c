//! `server.*`.

use std::{sync::Arc, time::Duration};

use ktk_client::api::{
    ApiError, ErrorReason,
    server::{Counts, ServerStatus, Status, Stop, StopParams, Stopping},
};
use tokio::sync::watch;

use super::RouterBuilder;
use crate::{
    engine::{Engine, expire::Outlook},
    store::Store,
};

/// How long running work goes on after a stop, unless the caller says otherwise.
const DRAIN: Duration = Duration::from_secs(60);

/// What the server says of itself, but for its counts.
#[derive(Clone, Debug)]
pub struct About {
    /// The status; its counts are filled in.
    pub status: ServerStatus,
    /// Where a stop is asked for: how long running work may go on.
    pub stop: watch::Sender<Option<Duration>>,
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
    let about = about.clone();
    let engine = Arc::clone(engine);
    router.method::<Stop, _, _>(move |_caller, params| {
        let (engine, about) = (Arc::clone(&engine), about.clone());
        async move { stop(&engine, &about, params).await }
    })
}

async fn status<S: Store>(engine: &Engine<S>, about: &About) -> Result<ServerStatus, ApiError> {
    let ahead = engine.read(Outlook).await?;
    let mut status = about.status.clone();
    status.stopping = about.stop.borrow().is_some();
    status.counts = Counts { pending: ahead.counts.pending, running: ahead.counts.running };
    Ok(status)
}

async fn stop<S: Store>(engine: &Engine<S>, about: &About, params: StopParams) -> Result<Stopping, ApiError> {
    if params.if_idle {
        let counts = engine.read(Outlook).await?.counts;
        if counts.on_nodes + counts.claimable > 0 {
            let words =
                format!("the server has work: {} running, {} queued", counts.on_nodes, counts.claimable);
            return Err(ApiError::new(ErrorReason::Conflict, words).with_hint("ktk server stop"));
        }
    }
    let drain = params.drain.map_or(DRAIN, |drain| drain.get());
    about.stop.send_modify(|present| {
        *present = Some(present.map_or(drain, |earlier| earlier.min(drain)));
    });
    Ok(Stopping { pid: about.status.pid })
}
