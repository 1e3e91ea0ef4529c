//! The server's handle of its launcher: starts it, sends requests, and matches the answers.

use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::error::SpawnError;
use super::link::Link;
use super::mark::Mark;
use super::process::{End, Guard, Process, Running};
use super::protocol::{self, Malformed, Reply, Spawn};

/// How long a launcher may take to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a launcher may take to be gone when it was told to end everything, or has closed its socket.
const EXIT_TIMEOUT: Duration = Duration::from_secs(15);

/// How the launcher process is started. It has no environment.
#[derive(Debug, Clone)]
pub struct LauncherConfig {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

impl Default for LauncherConfig {
    fn default() -> Self {
        LauncherConfig { program: "/proc/self/exe".into(), args: vec!["internal".into(), "launcher".into()] }
    }
}

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct SpawnRequest {
    pub mark: Mark,
    pub argv: Vec<String>,
    /// The whole environment, apart from the three variables of `mark`, which replace any of their names here.
    pub env: Vec<(String, String)>,
    /// Must be absolute.
    pub dir: PathBuf,
    /// All of standard input; `None` is `/dev/null`.
    pub stdin: Option<Vec<u8>>,
}

/// A running launcher. When the last clone, and the last [`Process`], is dropped, it ends all that it runs.
#[derive(Debug, Clone)]
pub struct Launcher {
    connection: Arc<Connection>,
}

impl Launcher {
    /// Starts a launcher and waits until it is ready.
    pub async fn start(config: &LauncherConfig) -> io::Result<Launcher> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Before the launcher can be stopped by anyone.
        let child_signals = signal(SignalKind::child())?;
        let child = Command::new(&config.program)
            .arg0("ktk")
            .args(&config.args)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the launcher ended at once"))?;
        let (ready, is_ready) = oneshot::channel();
        let shared = Arc::new(Shared {
            link: Link::new(ours)?,
            waiting: Mutex::new(Some(HashMap::new())),
            ready: Mutex::new(Some(ready)),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
        });
        tokio::spawn(drive(Arc::clone(&shared), child, child_signals));
        let connection = Arc::new(Connection { shared, pid, last_handle: AtomicU64::new(0) });
        match tokio::time::timeout(START_TIMEOUT, is_ready).await {
            Ok(Ok(())) => Ok(Launcher { connection }),
            Ok(Err(_)) => Err(io::Error::other("the launcher ended before it was ready")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the launcher did not become ready")),
        }
    }

    /// Starts an attempt. If the future is dropped before it is ready, the attempt is killed.
    pub async fn spawn(&self, request: SpawnRequest) -> Result<Process, SpawnError> {
        let no_room = |error: io::Error| SpawnError::NoRoom { reason: error.to_string() };
        let mut frame = Vec::new();
        let handle = self.connection.last_handle.fetch_add(1, Ordering::Relaxed) + 1;
        encode(handle, &request, &mut frame)?;
        let (stdout, stdout_end) = output_pipe().map_err(no_room)?;
        let (stderr, stderr_end) = output_pipe().map_err(no_room)?;
        let mut descriptors = vec![stdout_end, stderr_end];
        if let Some(stdin) = &request.stdin {
            descriptors.push(memory_file(stdin).map_err(no_room)?);
        }
        let (started, is_started) = oneshot::channel();
        let (ended, ending) = oneshot::channel();
        let shared = &self.connection.shared;
        shared.expect(handle, Waiting { started: Some(started), ended })?;
        let mut guard = Guard { connection: Arc::clone(&self.connection), handle, is_armed: true };
        shared.link.send(frame, descriptors);
        match is_started.await.unwrap_or(Err(SpawnError::LauncherGone)) {
            Ok(pid) => Ok(Process { pid, stdout, stderr, running: Running { guard, ending, end: None } }),
            Err(error) => {
                guard.is_armed = false;
                Err(error)
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.connection.pid
    }

    /// Resolves when the launcher process is gone. All attempts have then ended or are [`super::Ended::Lost`].
    pub async fn closed(&self) {
        self.connection.shared.closed.cancelled().await;
    }

    /// Kills all attempts and ends the launcher.
    pub async fn shut_down(&self) {
        self.connection.shared.close();
        self.closed().await;
    }
}

/// What launchers and processes share; the launcher ends with the last of them.
#[derive(Debug)]
pub(super) struct Connection {
    shared: Arc<Shared>,
    pid: u32,
    last_handle: AtomicU64,
}

impl Connection {
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
struct Shared {
    link: Link,
    /// By handle; `None` when the launcher is gone.
    waiting: Mutex<Option<HashMap<u64, Waiting>>>,
    ready: Mutex<Option<oneshot::Sender<()>>>,
    /// The launcher has been told that nothing more will come.
    closing: CancellationToken,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Waiting {
    started: Option<oneshot::Sender<Result<u32, SpawnError>>>,
    ended: oneshot::Sender<End>,
}

impl Shared {
    fn expect(&self, handle: u64, waiting: Waiting) -> Result<(), SpawnError> {
        let mut table = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        table.as_mut().ok_or(SpawnError::LauncherGone)?.insert(handle, waiting);
        Ok(())
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

    fn close(&self) {
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
async fn drive(shared: Arc<Shared>, mut launcher: Child, mut child_signals: tokio::signal::unix::Signal) {
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

fn encode(handle: u64, request: &SpawnRequest, frame: &mut Vec<u8>) -> Result<(), SpawnError> {
    let string = |bytes: &[u8], what: &str| {
        CString::new(bytes).map_err(|_| SpawnError::NulByte { what: what.to_owned() })
    };
    let mut env = Vec::with_capacity(request.env.len() + 3);
    for (name, value) in &request.env {
        if name.is_empty() || name.contains('=') {
            return Err(SpawnError::BadVariable { name: name.clone() });
        }
        if !Mark::is_variable(name) {
            let what = || format!("environment variable `{}`", name.escape_debug());
            env.push(
                CString::new(format!("{name}={value}")).map_err(|_| SpawnError::NulByte { what: what() })?,
            );
        }
    }
    for (name, value) in request.mark.variables() {
        env.push(string(format!("{name}={value}").as_bytes(), "the mark")?);
    }
    let argv = request.argv.iter().map(|argument| string(argument.as_bytes(), "an argument"));
    let argv = argv.collect::<Result<Vec<_>, _>>()?;
    let dir = string(request.dir.as_os_str().as_bytes(), "the working directory")?;
    let spawn = Spawn {
        has_stdin: request.stdin.is_some(),
        dir: &dir,
        argv: argv.iter().map(CString::as_c_str).collect(),
        env: env.iter().map(CString::as_c_str).collect(),
    };
    if spawn.encode(handle, frame) { Ok(()) } else { Err(SpawnError::TooLarge) }
}

/// Our end does not block; theirs does, as programs expect.
fn output_pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((pipe::Receiver::from_owned_fd_unchecked(ours)?, theirs))
}

/// Nobody has to feed it, and nobody can change it.
fn memory_file(content: &[u8]) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut written = 0;
    while written < content.len() {
        written += rustix::io::pwrite(&file, &content[written..], written as u64)?;
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}
