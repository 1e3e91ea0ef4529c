//! The end of a server that a command started and that has nothing to do.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::backend::Host;
use crate::{
    engine::{Engine, expire::Outlook},
    store::Store,
};

/// Asks the server to stop once nothing has been asked, nothing has run, nobody has watched and
/// no clock will move anything for `limit`. One timer, armed for the earliest such moment.
pub async fn watch<S: Store>(
    engine: Arc<Engine<S>>,
    host: Arc<Host<S>>,
    limit: Duration,
    stop: watch::Sender<Option<Duration>>,
) -> anyhow::Result<()> {
    let mut last_busy = Instant::now();
    loop {
        tokio::time::sleep_until(last_busy + limit).await;
        last_busy = host.traffic.last();
        if last_busy.elapsed() < limit {
            continue;
        }
        if is_busy(&engine, &host).await {
            last_busy = Instant::now();
            continue;
        }
        tracing::info!("nothing to do: the server ends");
        stop.send_replace(Some(Duration::ZERO));
        return std::future::pending().await;
    }
}

async fn is_busy<S: Store>(engine: &Engine<S>, host: &Host<S>) -> bool {
    if host.traffic.streams() > 0 {
        return true;
    }
    match engine.read(Outlook).await {
        Ok(ahead) => ahead.counts.running > 0 || ahead.counts.claimable > 0 || ahead.next_due.is_some(),
        Err(_) => true,
    }
}
