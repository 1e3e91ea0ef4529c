//! The worker processes of a server: few, started when they are needed, gone when they are not.

use std::{ffi::OsString, path::PathBuf, sync::Mutex, time::Duration};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::{Fault, child::Child};

/// How many workers there are at most.
const WORKERS: usize = 2;

/// How long a worker without anything to do is kept.
const IDLE: Duration = Duration::from_secs(30);

/// How a worker process is started. It has no environment.
#[derive(Clone, Debug)]
pub struct JqConfig {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// The worker processes of a server.
#[derive(Debug)]
pub struct Pool {
    config: JqConfig,
    seats: Semaphore,
    idle: Mutex<Vec<Child>>,
    used: Notify,
}

/// A place among those that work, with a worker once one is needed.
#[derive(Debug)]
pub(super) struct Seat<'p> {
    pool: &'p Pool,
    child: Option<Child>,
    _permit: SemaphorePermit<'p>,
}

impl Pool {
    /// A pool whose workers are started when they are needed.
    pub fn new(config: JqConfig) -> Self {
        Self { config, seats: Semaphore::new(WORKERS), idle: Mutex::default(), used: Notify::new() }
    }

    /// Waits for a place.
    pub(super) async fn seat(&self) -> Seat<'_> {
        let permit = self.seats.acquire().await.expect("nobody closes it");
        Seat { pool: self, child: None, _permit: permit }
    }

    /// Ends workers that have had nothing to do for a while. Without workers it sleeps.
    pub async fn retire(&self) {
        loop {
            self.used.notified().await;
            while tokio::time::timeout(IDLE, self.used.notified()).await.is_ok() {}
            self.take_idle().clear();
        }
    }

    fn take_idle(&self) -> Vec<Child> {
        std::mem::take(&mut *self.idle.lock().expect("nobody panics while holding it"))
    }
}

impl<'p> Seat<'p> {
    /// The worker, and whether it has not heard the scope of this seat yet.
    pub(super) async fn take(&mut self) -> Result<(Child, bool), Fault> {
        if let Some(child) = self.child.take() {
            return Ok((child, false));
        }
        let idle = self.pool.idle.lock().expect("nobody panics while holding it").pop();
        match idle {
            Some(child) => Ok((child, true)),
            None => match Child::start(&self.pool.config).await {
                Ok(child) => Ok((child, true)),
                Err(error) => Err(Fault::Unavailable(format!("no worker starts: {error}"))),
            },
        }
    }

    /// The worker is kept for the next call; one that is not given back is killed.
    pub(super) fn give_back(&mut self, child: Child) {
        self.child = Some(child);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.pool.idle.lock().expect("nobody panics while holding it").push(child);
            self.pool.used.notify_one();
        }
    }
}
