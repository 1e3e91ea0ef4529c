//! Starting the local server: once, however many ask for it at the same time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use tokio::{io::AsyncReadExt as _, net::unix::pipe, sync::oneshot};

use super::{
    LOCK_FILE, LOG_FILE, Notice, Policy, START_LOCK_FILE, data_dir::prepare_data_dir, flock, is_absent,
};
use crate::{
    client::{
        Error, Result, Revival, clock,
        http::{Greeting, Http},
        pause::Pauses,
    },
    env, limits,
};

/// What a server that is started by itself writes to its standard output, as a line, when it
/// can be called. It then lets go of the pipe.
pub const READY_LINE: &str = "ready";

/// How much of the log's end goes into an error.
const TAIL_BYTES: u64 = 16 << 10;

/// Makes sure that a server answers; says whether this call started it.
pub(super) async fn start_if_absent(
    http: &Http,
    policy: &Policy,
    data_dir: &Path,
    why: Revival,
) -> Result<bool> {
    if why == Revival::Resume && was_stopped(policy, data_dir)? {
        return Err(Error::ServerStopping);
    }
    prepare_data_dir(data_dir).map_err(Error::autostart)?;
    let _starting = lock_start(data_dir).await?;
    match http.greet().await {
        Ok(greeting) if !greeting.is_stopping => return Ok(false),
        Ok(_) if why == Revival::Resume => return Err(Error::ServerStopping),
        Ok(_) => {}
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(error),
    }
    if why == Revival::Resume && was_stopped(policy, data_dir)? {
        return Err(Error::ServerStopping);
    }
    start_locked(http, policy, data_dir, &announced(policy), |_| true).await
}

/// Waits until the server that is stopping has gone, and starts the next one.
pub(super) async fn start_next(http: &Http, policy: &Policy, data_dir: &Path) -> Result<()> {
    prepare_data_dir(data_dir).map_err(Error::autostart)?;
    let _starting = lock_start(data_dir).await?;
    match http.greet().await {
        Ok(greeting) if !greeting.is_stopping => return Ok(()),
        Ok(_) => {}
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(error),
    }
    start_locked(http, policy, data_dir, &announced(policy), |_| true).await.map(|_| ())
}

/// A server that ends takes its socket away; one that crashed leaves it. Nobody has to be
/// starting one just now.
fn was_stopped(policy: &Policy, data_dir: &Path) -> Result<bool> {
    let starts = flock::is_held(&data_dir.join(START_LOCK_FILE)).unwrap_or(false);
    Ok(!starts && !policy.socket.exists())
}

pub(super) async fn lock_start(data_dir: &Path) -> Result<File> {
    let path = data_dir.join(START_LOCK_FILE);
    match flock::acquire(&path, limits::STOP_TIMEOUT).await {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(Error::autostart(format!("somebody else holds {}", path.display()))),
        Err(error) => Err(Error::autostart(format!("cannot lock {}: {error}", path.display()))),
    }
}

fn announced(policy: &Policy) -> impl Fn(Notice) + Send + Sync + use<'_> {
    |notice| policy.notice(notice)
}

/// Starts a server when the one before has gone; says whether this call started it. Somebody else
/// may start one meanwhile, in the foreground: where that one answers and `serves`, it is the
/// server. The start lock has to be held.
pub(super) async fn start_locked(
    http: &Http,
    policy: &Policy,
    data_dir: &Path,
    announce: &(dyn Fn(Notice) + Send + Sync),
    serves: impl Fn(&Greeting) -> bool,
) -> Result<bool> {
    let lock = data_dir.join(LOCK_FILE);
    let failed = |error: io::Error| Error::autostart(format!("cannot look at {}: {error}", lock.display()));
    if flock::is_held(&lock).map_err(failed)? {
        announce(Notice::WaitingForStop);
        let is_free = tokio::select! {
            is_free = flock::wait_until_free(&lock, limits::STOP_TIMEOUT) => is_free.map_err(failed)?,
            () = until_answered(http, serves) => return Ok(false),
        };
        if !is_free {
            let reason = format!("the server before still holds {}", lock.display());
            return Err(Error::autostart(reason));
        }
    }
    let log = data_dir.join(LOG_FILE);
    let begin = rotate(&log).map_err(|error| log_failed(&log, &error))?;
    let (child, ready) = spawn(policy, data_dir, &log)?;
    let pid = child.id();
    let ended = reap(child);
    match clock::within(Some(limits::START_TIMEOUT), wait_until_ready(ready, ended)).await {
        Some(Ok(())) => {
            announce(Notice::ServerStarted { pid, data_dir: data_dir.to_owned() });
            Ok(true)
        }
        Some(Err(reason)) => Err(with_log(reason, &log, begin)),
        None => {
            let limit = crate::api::Duration::new(limits::START_TIMEOUT);
            Err(with_log(format!("it (pid {pid}) did not answer within {limit}"), &log, begin))
        }
    }
}

/// Waits until a server answers that is not being stopped. A socket tells nobody that it has come,
/// so it is asked again and again.
async fn until_answered(http: &Http, serves: impl Fn(&Greeting) -> bool) {
    let mut pauses = Pauses::new(limits::START_PAUSES);
    loop {
        clock::sleep(pauses.next()).await;
        if http.greet().await.is_ok_and(|greeting| !greeting.is_stopping && serves(&greeting)) {
            return;
        }
    }
}

fn spawn(policy: &Policy, data_dir: &Path, log: &Path) -> Result<(Child, OwnedFd)> {
    let program = find_program(policy)?;
    let log_file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)
        .map_err(|error| log_failed(log, &error))?;
    // Not as the leader of a process group: such a one cannot begin a session.
    let mut child = Command::new(&program)
        .args(["server", "run", "--auto-started", "--data-dir"])
        .arg(data_dir)
        .args(&policy.server_args)
        .env_clear()
        .envs(env::server_env())
        .env("KTK_PREFERENCES", "off")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file)
        .spawn()
        .map_err(|error| Error::autostart(format!("cannot run {}: {error}", program.display())))?;
    let ready = child.stdout.take().expect("standard output was asked for");
    Ok((child, ready.into()))
}

fn find_program(policy: &Policy) -> Result<PathBuf> {
    let unusable = |error| Error::autostart(format!("the program to start cannot be named: {error}"));
    match &policy.program {
        // The server's own directory is `/`.
        Some(path) if path.components().count() > 1 => std::path::absolute(path).map_err(unusable),
        Some(name) => env::find_in_path(&name.to_string_lossy())
            .ok_or_else(|| Error::autostart(format!("there is no program {} in PATH", name.display()))),
        None => env::find_in_path("ktk").ok_or_else(|| {
            Error::autostart(
                "nothing listens there and no program to start was found: set KTK_BIN to the ktk program, \
                 or put ktk into PATH",
            )
        }),
    }
}

/// Waits for the process in a thread, so that it leaves no zombie in a program that lives long.
fn reap(mut child: Child) -> oneshot::Receiver<io::Result<ExitStatus>> {
    let (sender, receiver) = oneshot::channel();
    let waiting = std::thread::Builder::new().name("ktk-reap".to_owned());
    // Without a thread the process is reaped when this program ends.
    let _ = waiting.spawn(move || sender.send(child.wait()));
    receiver
}

async fn wait_until_ready(
    ready: OwnedFd,
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
) -> Result<(), String> {
    let mut pipe = pipe::Receiver::from_owned_fd(ready).map_err(|error| format!("no pipe: {error}"))?;
    let mut said = Vec::new();
    loop {
        if said.split(|byte| *byte == b'\n').any(|line| line == READY_LINE.as_bytes()) {
            return Ok(());
        }
        if said.len() > 4_096 || pipe.read_buf(&mut said).await.unwrap_or(0) == 0 {
            break;
        }
    }
    match clock::within(Some(Duration::from_secs(1)), ended).await {
        Some(Ok(Ok(status))) => Err(format!("it ended at once ({status})")),
        _ => Err("it did not say that it is ready".to_owned()),
    }
}

/// Puts a log aside that is too long; answers where the next line begins.
fn rotate(log: &Path) -> io::Result<u64> {
    let length = match fs::metadata(log) {
        Ok(data) => data.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    if length < limits::SERVER_LOG_BYTES {
        return Ok(length);
    }
    fs::rename(log, log.with_extension("log.1"))?;
    Ok(0)
}

fn log_failed(log: &Path, error: &io::Error) -> Error {
    Error::autostart(format!("cannot write its log {}: {error}", log.display()))
}

fn with_log(reason: String, log: &Path, begin: u64) -> Error {
    let log_tail = last_lines(log, begin).unwrap_or_default();
    Error::Autostart { reason, log: Some(log.to_owned()), log_tail }
}

/// The last lines of what was written to the log from `begin` on.
fn last_lines(log: &Path, begin: u64) -> io::Result<Vec<String>> {
    let mut file = File::open(log)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(begin.max(end.saturating_sub(TAIL_BYTES)).min(end)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(limits::SERVER_LOG_LINES);
    Ok(lines[skipped..].iter().map(|line| (*line).to_owned()).collect())
}
