//! The one call of a worker: reports what ended, renews the lease of what runs, brings work.
//!
//! A call that carries nothing and waits for work is given up as soon as there is something to
//! say; the next one then asks for what the lost answer may have held.

use std::{pin::pin, time::Duration};

use super::runtime::Runtime;
use crate::{
    api::worker::{Registered, Sync, SyncParams, Synced},
    client::{
        CallOptions, Result,
        clock::{self, Instant},
    },
    limits,
};

/// After a call whose answer may be lost, this many ask for it: the server may carry the lost
/// call out while the first of them is on its way.
const RESYNCS: u8 = 2;

/// How often others may go first before the next call: what ends meanwhile goes along with it.
const TURNS: usize = 4;

impl Runtime {
    /// One call and what comes of it.
    pub(super) async fn sync(&mut self, registered: &Registered) -> Result<()> {
        let params = self.sync_params(registered);
        let is_waiting = params.reports.is_empty();
        let was_idle = params.running == 0;
        let sent_at = clock::now();
        let client = self.client.clone();
        let options = self.options(&params, registered);
        let answer = {
            let mut calling = pin!(client.call_with::<Sync>(&params, options));
            loop {
                tokio::select! {
                    biased;
                    answer = &mut calling => break Some(answer),
                    wake = self.wake() => {
                        self.handle(wake);
                        if is_waiting || self.registered.is_none() {
                            break None;
                        }
                    }
                }
            }
        };
        match answer {
            Some(Ok(synced)) => {
                // An idle worker has no lease: that of its first grant begins with the answer,
                // however long the call was held.
                self.heard_at = if was_idle { clock::now() } else { sent_at };
                self.connection_is_back();
                self.resyncs = self.resyncs.saturating_sub(1);
                self.take(synced, is_waiting, sent_at).await;
                Ok(())
            }
            Some(Err(error)) => {
                self.not_answered(params);
                self.away(error).await
            }
            None => {
                // Without a free slot it held no grants, and the server says stops again that a
                // call given up may have answered.
                if params.free > 0 || params.resync || self.registered.is_none() {
                    self.not_answered(params);
                }
                Ok(())
            }
        }
    }

    /// The answer is lost or was given up: what it may have held is asked for again.
    fn not_answered(&mut self, params: SyncParams) {
        if self.registered.is_some() {
            self.reports.put_back(params.reports);
        }
        self.resyncs = RESYNCS;
    }

    fn sync_params(&mut self, registered: &Registered) -> SyncParams {
        let running = self.attempts.held_count();
        let slots = self.params.slots as usize + self.lent as usize;
        let free = slots.saturating_sub(self.attempts.occupied());
        let is_resync = self.resyncs > 0;
        SyncParams {
            node: self.params.id,
            generation: registered.generation,
            reports: self.reports.send(),
            free: if self.is_leaving { 0 } else { free as u32 },
            lent: self.lent,
            running: running as u32,
            stopping: self.attempts.stopping(),
            resync: is_resync,
            held: if is_resync { self.attempts.held() } else { Vec::new() },
            wait: (running > 0).then(|| (registered.lease.get() / 3).into()),
            leaving: self.is_leaving,
        }
    }

    /// A call that waits for work has no time limit when nothing runs: an idle worker sleeps.
    fn options(&self, params: &SyncParams, registered: &Registered) -> CallOptions {
        let options = self.client.call_options::<Sync>().following();
        match params.wait {
            Some(wait) => options.timeout(Some(wait.get() + registered.lease.get() / 3)),
            None if params.reports.is_empty() => options.timeout(None),
            None => options,
        }
    }

    async fn take(&mut self, synced: Synced, was_waiting: bool, sent_at: Instant) {
        if synced.unknown_node {
            self.lose_everything();
            return;
        }
        let mut is_news = !synced.grants.is_empty() || synced.lent != self.lent;
        self.lent = synced.lent;
        // A process takes a while to start, let alone to end.
        let may_end_at_once =
            !synced.stops.is_empty() || synced.grants.iter().any(|grant| grant.type_name.is_some());
        for grant in synced.grants {
            let report =
                if self.is_leaving { self.attempts.give_back(&grant) } else { self.attempts.start(grant) };
            if let Some(report) = report {
                self.reports.push(report);
            }
        }
        for order in &synced.stops {
            is_news |= self.attempts.cancel(order);
        }
        if is_news {
            self.empty_pauses.reset();
            // What ends at once is reported with the next call, instead of making it be given up.
            let turns = if may_end_at_once { TURNS } else { 0 };
            for _ in 0..turns {
                tokio::task::yield_now().await;
                if self.attempts.has_ended() {
                    break;
                }
            }
        } else if was_waiting && clock::now() - sent_at < self.empty_pauses.longest() {
            // The server had nothing to say and did not wait: it is not asked in a loop.
            let pause = self.empty_pauses.next();
            self.rest(pause).await;
        } else {
            self.empty_pauses.reset();
        }
    }

    /// The last call: reports what is left and says that nothing runs here any more.
    pub(super) async fn say_goodbye(&mut self) -> Result<()> {
        let Some(registered) = self.registered.clone() else { return Ok(()) };
        let end = clock::now() + limits::GOODBYE_TIMEOUT;
        loop {
            let left = end.saturating_duration_since(clock::now());
            let params = SyncParams { wait: Some(Duration::ZERO.into()), ..self.sync_params(&registered) };
            let options = self.client.call_options::<Sync>().following().timeout(Some(left));
            match self.client.call_with::<Sync>(&params, options).await {
                Ok(synced) => {
                    self.resyncs = self.resyncs.saturating_sub(1);
                    for grant in &synced.grants {
                        if let Some(report) = self.attempts.give_back(grant) {
                            self.reports.push(report);
                        }
                    }
                    if synced.unknown_node || self.reports.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.not_answered(params);
                    if self.reports.is_empty() {
                        // Nothing is lost by it: the node will be seen to be gone.
                        return Ok(());
                    }
                    let pause = self.pauses.next();
                    if !error.is_retryable() || clock::now() + pause >= end {
                        return Err(error);
                    }
                    clock::sleep(pause).await;
                }
            }
        }
    }
}
