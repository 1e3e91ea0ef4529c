//! The life of a worker: registers, calls again and again, and heeds what happens meanwhile.

use std::{pin::pin, sync::Arc, time::Duration};

use super::{ShutdownSignal, attempts::Attempts, executors::Executors, reports::Reports, shutdown::Ending};
use crate::{
    api::worker::{Fence, Outcome, Register, RegisterParams, Registered},
    client::{
        Client, ConnectionHook, ConnectionState, Error, Result,
        clock::{self, Instant},
        pause::Pauses,
    },
    limits,
};

/// Something that happens while a call is on its way, or during a pause.
pub(super) enum Wake {
    Ended(Fence, Outcome),
    Told(Ending),
    DrainIsOver,
    LeaseIsLost,
}

/// Called each time the server has registered the worker.
pub(super) type RegisteredHook = Arc<dyn Fn(&Registered) + Send + Sync>;

/// What the program wants to be told.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) connection: Option<ConnectionHook>,
    pub(super) registered: Option<RegisteredHook>,
}

pub(super) struct Runtime {
    pub(super) client: Client,
    pub(super) params: RegisterParams,
    executors: Arc<Executors>,
    pub(super) attempts: Attempts,
    pub(super) reports: Reports,
    shutdown: ShutdownSignal,
    hooks: Hooks,
    pub(super) registered: Option<Registered>,
    pub(super) resyncs: u8,
    /// How many attempts lend their slots, as the server says.
    pub(super) lent: u32,
    /// When the call was sent that the server last answered.
    pub(super) heard_at: Instant,
    pub(super) is_leaving: bool,
    /// Whether its server is in the same process, and judges its lease alone.
    pub(super) is_embedded: bool,
    drain_end: Option<Instant>,
    is_lost: bool,
    pub(super) pauses: Pauses,
    pub(super) empty_pauses: Pauses,
}

impl Runtime {
    pub(super) fn new(
        client: Client,
        params: RegisterParams,
        executors: Executors,
        hooks: Hooks,
        shutdown: ShutdownSignal,
    ) -> Self {
        let executors = Arc::new(executors);
        Self {
            client,
            params,
            attempts: Attempts::new(executors.clone()),
            executors,
            reports: Reports::default(),
            shutdown,
            hooks,
            registered: None,
            resyncs: 0,
            lent: 0,
            heard_at: clock::now(),
            is_leaving: false,
            is_embedded: false,
            drain_end: None,
            is_lost: false,
            pauses: Pauses::new(limits::FOLLOW_PAUSES),
            empty_pauses: Pauses::new(limits::EMPTY_ANSWER_PAUSES),
        }
    }

    pub(super) async fn run(mut self) -> Result<()> {
        let result = self.work().await;
        if result.is_err() {
            self.lose_everything();
        }
        while self.attempts.occupied() > 0 {
            let (fence, outcome) = self.attempts.next_ended().await;
            self.attempts.take(fence, outcome);
        }
        result
    }

    async fn work(&mut self) -> Result<()> {
        // The first time nobody may be there: then it fails, or starts the local server.
        let registered = self.client.call::<Register>(&self.params).await?;
        self.begin_generation(registered);
        loop {
            while let Some((fence, outcome)) = self.attempts.try_ended() {
                self.ended(fence, outcome);
            }
            if self.is_leaving && self.attempts.occupied() == 0 {
                return self.say_goodbye().await;
            }
            match self.registered.clone() {
                None => self.register_again().await?,
                Some(registered) => self.sync(&registered).await?,
            }
        }
    }

    fn begin_generation(&mut self, registered: Registered) {
        self.executors.registered(&registered);
        if let Some(hook) = &self.hooks.registered {
            hook(&registered);
        }
        self.registered = Some(registered);
        self.heard_at = clock::now();
        self.resyncs = 0;
    }

    /// Registers after the lease or the server's memory of it was lost.
    async fn register_again(&mut self) -> Result<()> {
        let client = self.client.clone();
        let params = self.params.clone();
        let options = client.call_options::<Register>().following();
        let mut calling = pin!(client.call_with::<Register>(&params, options));
        loop {
            tokio::select! {
                biased;
                answer = &mut calling => return match answer {
                    Ok(registered) => {
                        self.connection_is_back();
                        self.begin_generation(registered);
                        Ok(())
                    }
                    Err(error) => self.away(error).await,
                },
                wake = self.wake() => self.handle(wake),
            }
            if self.is_leaving && self.attempts.occupied() == 0 {
                return Ok(());
            }
        }
    }

    /// The server does not answer: waits a while, or gives up where waiting is no use.
    pub(super) async fn away(&mut self, error: Error) -> Result<()> {
        let is_passing = error.is_retryable() || matches!(error, Error::Autostart { .. });
        if !is_passing {
            return Err(error);
        }
        if !std::mem::replace(&mut self.is_lost, true) {
            self.announce(ConnectionState::Lost { error: error.to_string() });
        }
        let pause = self.pauses.next();
        self.rest(pause).await;
        Ok(())
    }

    /// Waits, while attempts go on; shorter where there is nothing left to wait for.
    pub(super) async fn rest(&mut self, pause: Duration) {
        let end = clock::now() + pause;
        loop {
            tokio::select! {
                () = clock::sleep_until(Some(end)) => return,
                wake = self.wake() => {
                    let is_away = self.is_lost;
                    self.handle(wake);
                    if !is_away || self.is_leaving && self.attempts.occupied() == 0 {
                        return;
                    }
                }
            }
        }
    }

    pub(super) async fn wake(&mut self) -> Wake {
        let lease = self.registered.as_ref().filter(|_| !self.is_embedded && self.attempts.held_count() > 0);
        let lease_end = lease.map(|registered| self.heard_at + registered.lease.get());
        tokio::select! {
            biased;
            (fence, outcome) = self.attempts.next_ended() => Wake::Ended(fence, outcome),
            ending = self.shutdown.changed() => Wake::Told(ending),
            () = clock::sleep_until(lease_end) => Wake::LeaseIsLost,
            () = clock::sleep_until(self.drain_end) => Wake::DrainIsOver,
        }
    }

    pub(super) fn handle(&mut self, wake: Wake) {
        match wake {
            Wake::Ended(fence, outcome) => self.ended(fence, outcome),
            Wake::LeaseIsLost => self.lose_everything(),
            Wake::DrainIsOver => {
                self.drain_end = None;
                self.attempts.interrupt(None, false);
            }
            Wake::Told(ending) => {
                self.is_leaving |= ending != Ending::None;
                self.drain_end = match ending {
                    Ending::Drain(limit) => limit.map(|limit| clock::now() + limit),
                    _ => None,
                };
                match ending {
                    Ending::Stop(grace) => self.attempts.interrupt(grace, false),
                    Ending::Now => self.attempts.interrupt(None, true),
                    Ending::None | Ending::Drain(_) => {}
                }
            }
        }
    }

    fn ended(&mut self, fence: Fence, outcome: Outcome) {
        if let Some(report) = self.attempts.take(fence, outcome) {
            self.reports.push(report);
        }
    }

    /// What runs is not this worker's any more: somebody else may run it. It registers anew.
    pub(super) fn lose_everything(&mut self) {
        self.attempts.lose();
        self.reports.clear();
        self.registered = None;
    }

    pub(super) fn connection_is_back(&mut self) {
        self.pauses.reset();
        if std::mem::take(&mut self.is_lost) {
            self.announce(ConnectionState::Restored);
        }
    }

    fn announce(&self, state: ConnectionState) {
        if let Some(hook) = &self.hooks.connection {
            hook(state);
        }
    }
}
