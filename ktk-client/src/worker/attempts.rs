//! The attempts that a worker runs: each is started once, told to stop, and reported.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::{
    Stop, StopSignal,
    executors::{self, Executors},
    fences::FenceMemory,
    task_group,
};
use crate::api::{
    Reason,
    worker::{Fence, Grant, Outcome, Report, StopOrder},
};

/// An attempt that has not ended.
struct Running {
    task: Uuid,
    attempt: u32,
    is_process: bool,
    grace: Duration,
    stop: watch::Sender<Option<Stop>>,
    told: Option<Stop>,
    /// The worker's own end stops it, not its task's.
    is_interrupted: bool,
    /// The lease is gone: it is not this worker's any more, its result is nobody's.
    is_lost: bool,
}

impl Running {
    /// Tells it to stop, unless it was told as hard before.
    fn tell(&mut self, stop: Stop) {
        let is_harder = match (self.told, stop) {
            (None, _) => true,
            (Some(Stop::Graceful(_)), Stop::Now) => true,
            (Some(Stop::Graceful(before)), Stop::Graceful(now)) => now < before,
            (Some(Stop::Now), _) => false,
        };
        if is_harder {
            self.told = Some(stop);
            self.stop.send_replace(Some(stop));
        }
    }
}

/// All attempts of a worker.
pub(super) struct Attempts {
    executors: Arc<Executors>,
    running: HashMap<Fence, Running>,
    lost: usize,
    ended: FenceMemory,
    sender: mpsc::UnboundedSender<(Fence, Outcome)>,
    receiver: mpsc::UnboundedReceiver<(Fence, Outcome)>,
}

impl Attempts {
    pub(super) fn new(executors: Arc<Executors>) -> Self {
        // Holds one end for each running attempt at most, and those are bounded by the slots.
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { executors, running: HashMap::new(), lost: 0, ended: FenceMemory::default(), sender, receiver }
    }

    /// How many take a slot, lost ones that have not ended included.
    pub(super) fn occupied(&self) -> usize {
        self.running.len()
    }

    /// How many are this worker's: what its lease is for.
    pub(super) fn held_count(&self) -> usize {
        self.running.len() - self.lost
    }

    pub(super) fn held(&self) -> Vec<Fence> {
        self.running.iter().filter(|(_, running)| !running.is_lost).map(|(fence, _)| *fence).collect()
    }

    /// Those that were told to stop.
    pub(super) fn stopping(&self) -> Vec<Fence> {
        let is_told = |running: &Running| !running.is_lost && running.told.is_some();
        self.running.iter().filter(|(_, running)| is_told(running)).map(|(fence, _)| *fence).collect()
    }

    /// Starts a grant unless its fence was started before; answers with a report where it ends
    /// without having begun.
    pub(super) fn start(&mut self, grant: Grant) -> Option<Report> {
        let fence = grant.fence;
        if self.running.contains_key(&fence) || self.ended.contains(fence) {
            return None;
        }
        let executor = match self.executors.of(&grant) {
            Ok(executor) => executor,
            Err(outcome) => return Some(self.refuse(&grant, outcome)),
        };
        let (stop, signal) = StopSignal::new();
        let running = Running {
            task: grant.task,
            attempt: grant.attempt,
            is_process: grant.run.is_some(),
            grace: grant.grace_period.get(),
            stop,
            told: None,
            is_interrupted: false,
            is_lost: false,
        };
        self.running.insert(fence, running);
        let sender = self.sender.clone();
        task_group::start_attempt(async move {
            let outcome = executors::run(executor, grant, signal).await;
            // Nobody listens only when the worker is gone.
            let _ = sender.send((fence, outcome));
        });
        None
    }

    /// Gives a grant back unbegun: the worker is about to end.
    pub(super) fn give_back(&mut self, grant: &Grant) -> Option<Report> {
        if self.running.contains_key(&grant.fence) || self.ended.contains(grant.fence) {
            return None;
        }
        let outcome = Outcome {
            reason: Some(Reason::Interrupted),
            message: Some("its worker was ending".to_owned()),
            ..Outcome::default()
        };
        Some(self.refuse(grant, outcome))
    }

    fn refuse(&mut self, grant: &Grant, outcome: Outcome) -> Report {
        self.ended.insert(grant.fence);
        Report { task: grant.task, attempt: grant.attempt, fence: grant.fence, outcome }
    }

    /// The next attempt that ends.
    pub(super) async fn next_ended(&mut self) -> (Fence, Outcome) {
        self.receiver.recv().await.expect("this end of the channel holds the other one too")
    }

    /// An attempt that has ended, if there is one now.
    pub(super) fn try_ended(&mut self) -> Option<(Fence, Outcome)> {
        self.receiver.try_recv().ok()
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.receiver.is_empty()
    }

    /// Takes an end; answers with its report, unless its lease is lost.
    pub(super) fn take(&mut self, fence: Fence, mut outcome: Outcome) -> Option<Report> {
        let running = self.running.remove(&fence)?;
        self.ended.insert(fence);
        if running.is_lost {
            self.lost -= 1;
            return None;
        }
        // A process that ends well after it was asked to leave has not said that its work is
        // done; a handler that answers has.
        if running.is_interrupted && (outcome.reason.is_some() || running.is_process) {
            outcome.reason = Some(Reason::Interrupted);
            outcome.outputs = None;
        }
        Some(Report { task: running.task, attempt: running.attempt, fence, outcome })
    }

    /// Stops an attempt whose task was cancelled; says whether that was news.
    pub(super) fn cancel(&mut self, order: &StopOrder) -> bool {
        let Some(running) = self.running.get_mut(&order.fence).filter(|running| !running.is_lost) else {
            return false;
        };
        let before = running.told;
        running.tell(if order.now { Stop::Now } else { Stop::Graceful(running.grace) });
        // Its task asked for it, whatever the worker wants.
        running.is_interrupted = false;
        running.told != before
    }

    /// Stops everything because the worker ends: with each one's own grace period, at most
    /// `grace`, or at once.
    pub(super) fn interrupt(&mut self, grace: Option<Duration>, now: bool) {
        for running in self.running.values_mut() {
            running.is_interrupted |= running.told.is_none();
            let grace = grace.map_or(running.grace, |grace| grace.min(running.grace));
            running.tell(if now { Stop::Now } else { Stop::Graceful(grace) });
        }
    }

    /// Stops everything at once: it is not this worker's any more.
    pub(super) fn lose(&mut self) {
        for running in self.running.values_mut() {
            running.is_lost = true;
            running.tell(Stop::Now);
        }
        self.lost = self.running.len();
    }
}
