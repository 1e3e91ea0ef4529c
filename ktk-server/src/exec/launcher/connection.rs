//! The server's side of the conversation: who waits for which answer, and the task that passes the answers on until
//! the launcher is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::process::Child;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::error::SpawnError;
use super::link::Link;
use super::process::End;
use super::protocol::{self, Malformed, Reply};

/// How long a launcher may take to be gone when it was told to end everything, or has closed its socket.
const EXIT_TIMEOUT: Duration = Duration::from_secs(15);

/// What launchers and processes share; the launcher ends with the last of them.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) pid: u32,
    last_handle: AtomicU64,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, pid: u32) -> Self {
        Connection { shared, pid, last_handle: AtomicU64::new(0) }
    }

    pub(super) fn next_handle(&self) -> u64 {
        self.last_handle.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn stop(&self, handle: u64, grace: Duration) {
        let mut frame = Vec::new();
        protocol::encode_stop(handle, grace, &mut frame);
        self.shared.link.send(frame, Vec::new());
    }

    pub(super) fn kill(&self, handle: u64) {
        let mut frame = Vec::new();
        protocol::encode_kill(handle, &mut frame);
        self.shared.link.send(frame, Vec::new());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Link,
    /// By handle; `None` when the launcher is gone.
    waiting: Mutex<Option<HashMap<u64, Waiting>>>,
    ready: Mutex<Option<oneshot::Sender<()>>>,
    /// The launcher has been told that nothing more will come.
    closing: CancellationToken,
    pub(super) closed: CancellationToken,
}

/// Whether the attempt has started, with its pid, and later how it ended.
type Answers = (oneshot::Receiver<Result<u32, SpawnError>>, oneshot::Receiver<End>);

#[derive(Debug)]
struct Waiting {
    started: Option<oneshot::Sender<Result<u32, SpawnError>>>,
    ended: oneshot::Sender<End>,
}

impl Shared {
    pub(super) fn new(link: Link, ready: oneshot::Sender<()>) -> Self {
        Shared {
            link,
            waiting: Mutex::new(Some(HashMap::new())),
            ready: Mutex::new(Some(ready)),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    /// To be called before the request is sent.
    pub(super) fn expect(&self, handle: u64) -> Result<Answers, SpawnError> {
        let (started, is_started) = oneshot::channel();
        let (ended, ending) = oneshot::channel();
        let mut table = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let table = table.as_mut().ok_or(SpawnError::LauncherGone)?;
        table.insert(handle, Waiting { started: Some(started), ended });
        Ok((is_started, ending))
    }

    fn take_replies(&self, inbox: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut table = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(table) = table.as_mut() else { return Ok(()) };
        let mut taken = 0;
        while let Some((frame, length)) = protocol::split(&inbox[taken..])? {
            taken += length;
            // Who asked may have gone meanwhile.
            match frame.reply()? {
                Reply::Ready => {
                    let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let _ = ready.map(|ready| ready.send(()));
                }
                Reply::Started { pid } => {
                    let started = table.get_mut(&frame.handle).and_then(|waiting| waiting.started.take());
                    let _ = started.map(|started| started.send(Ok(pid)));
                }
                Reply::Failed(error) => {
                    let started = table.remove(&frame.handle).and_then(|waiting| waiting.started);
                    let _ = started.map(|started| started.send(Err(error)));
                }
                Reply::Ended(end) => {
                    let _ = table.remove(&frame.handle).map(|waiting| waiting.ended.send(end));
                }
            }
        }
        inbox.drain(..taken);
        Ok(())
    }

    pub(super) fn close(&self) {
        self.link.close();
        self.closing.cancel();
    }

    /// Those who wait find their senders gone.
    fn lose_all(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.closed.cancel();
    }
}

/// Passes bytes on until the launcher is gone.
pub(super) async fn drive(
    shared: Arc<Shared>,
    mut launcher: Child,
    mut child_signals: tokio::signal::unix::Signal,
) {
    let mut inbox = Vec::new();
    // It remembers that something waits to be sent, so it must outlive each turn.
    let mut flush = std::pin::pin!(shared.link.flush());
    let mut is_overdue = std::pin::pin!(async {
        shared.closing.cancelled().await;
        tokio::time::sleep(EXIT_TIMEOUT).await;
    });
    loop {
        tokio::select! {
            received = shared.link.receive(&mut inbox) => match received {
                Ok(1..) if shared.take_replies(&mut inbox).is_ok() => {}
                _ => break,
            },
            Some(()) = child_signals.recv() => go_on_if_stopped(&launcher),
            _ = &mut flush => break,
            () = &mut is_overdue => break,
        }
    }
    shared.close();
    // Its children get their PDEATHSIG when it is gone, not when its socket is.
    if tokio::time::timeout(EXIT_TIMEOUT, launcher.wait()).await.is_err() {
        let _ = launcher.kill().await;
    }
    shared.lose_all();
}

/// A task may send its parent SIGSTOP, which nobody can ignore.
fn go_on_if_stopped(launcher: &Child) {
    let Some(pid) = launcher.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) else { return };
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    if let Ok(Some(_)) = rustix::process::waitid(WaitId::Pid(pid), options) {
        let _ = rustix::process::kill_process(pid, Signal::CONT);
    }
}
