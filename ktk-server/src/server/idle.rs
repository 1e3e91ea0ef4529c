//! The end of a server that a command started and that has nothing to do.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::backend::Host;
use crate::{
    engine::{Engine, expire::Outlook},
    store::Store,
};

/// The timer and what keeps the server small wait for changes as well as those who watch.
const OWN_WAITERS: usize = 2;

/// Asks the server to stop once nothing has been asked, nothing has run, nobody has watched and
/// no clock will move anything for `limit`. One timer, armed for the earliest such moment.
pub async fn watch<S: Store>(
    engine: Arc<Engine<S>>,
    host: Arc<Host<S>>,
    limit: Duration,
    stop: watch::Sender<Option<Duration>>,
) {
    let mut last_busy = Instant::now();
    loop {
        tokio::time::sleep_until(last_busy + limit).await;
        last_busy = host.last_call();
        if last_busy.elapsed() < limit {
            continue;
        }
        if is_busy(&engine).await {
            last_busy = Instant::now();
            continue;
        }
        tracing::info!("nothing to do: the server ends");
        stop.send_replace(Some(Duration::ZERO));
        return;
    }
}

async fn is_busy<S: Store>(engine: &Engine<S>) -> bool {
    if engine.hub.waiting() > OWN_WAITERS {
        return true;
    }
    match engine.read(Outlook).await {
        Ok(ahead) => {
            ahead.has_hooks
                || ahead.counts.on_nodes > 0
                || ahead.counts.claimable > 0
                || ahead.next_due.is_some()
        }
        Err(_) => true,
    }
}
