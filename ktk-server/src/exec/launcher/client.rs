//! The server's handle of its launcher: starts it, and starts attempts through it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::connection::{Connection, Shared, drive};
use super::error::SpawnError;
use super::link::Link;
use super::process::{Guard, Process, Running};
use super::request::{SpawnRequest, encode, memory_file, output_pipe};
use crate::mutants;

/// How long a launcher may take to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);

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
        let link = Link::new(ours)?;
        // Before the launcher can be stopped by anyone.
        let child_signals = signal(SignalKind::child())?;
        let child = Command::new(&config.program)
            .arg0("ktk")
            .args(&config.args)
            .env_clear()
            .envs(mutants::environment())
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the launcher ended at once"))?;
        let (ready, is_ready) = oneshot::channel();
        let shared = Arc::new(Shared::new(link, ready));
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with the launcher it drives, whose end is told to all who wait"
        )]
        tokio::spawn(drive(Arc::clone(&shared), child, child_signals));
        let connection = Arc::new(Connection::new(shared, pid));
        match tokio::time::timeout(START_TIMEOUT, is_ready).await {
            Ok(Ok(())) => Ok(Launcher { connection }),
            Ok(Err(_)) => Err(io::Error::other("the launcher ended before it was ready")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the launcher did not become ready")),
        }
    }

    /// Starts an attempt. If the future is dropped before it is ready, the attempt is killed.
    pub async fn spawn(&self, request: SpawnRequest) -> Result<Process, SpawnError> {
        let no_room = |error: io::Error| SpawnError::NoRoom { reason: error.to_string() };
        let handle = self.connection.next_handle();
        let frame = encode(handle, &request)?;
        let (stdout, stdout_end) = output_pipe().map_err(no_room)?;
        let (stderr, stderr_end) = output_pipe().map_err(no_room)?;
        let mut descriptors = vec![stdout_end, stderr_end];
        if let Some(stdin) = &request.stdin {
            descriptors.push(memory_file(stdin).map_err(no_room)?);
        }
        let (is_started, ending) = self.connection.shared.expect(handle)?;
        let mut guard = Guard { connection: Arc::clone(&self.connection), handle, is_armed: true };
        if !self.connection.shared.link.send(frame, descriptors) {
            guard.is_armed = false;
            return Err(SpawnError::LauncherGone);
        }
        match is_started.await.unwrap_or(Err(SpawnError::LauncherLost)) {
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

    /// Kills all attempts and ends the launcher. At the latest after half a minute it is gone.
    pub async fn shut_down(&self) {
        self.connection.shared.close();
        self.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use uuid::Uuid;

    use super::super::{Mark, protocol::Reply};
    use super::*;
    use crate::exec::starter::Starter;

    /// A launcher that says that it is ready, starts something when it is asked to, and dies before it says so.
    fn dying(dir: &Path) -> LauncherConfig {
        let mut ready = Vec::new();
        Reply::Ready.encode(0, &mut ready);
        fs::write(dir.join("ready"), ready).unwrap();
        let script = r#"cd "$0"; cat ready >&0; head -c 1 >/dev/null; echo started >>log"#;
        LauncherConfig { program: "/bin/sh".into(), args: vec!["-c".into(), script.into(), dir.into()] }
    }

    #[tokio::test]
    async fn what_a_launcher_may_have_started_is_not_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let starter = Starter::new(dying(dir.path()), Uuid::from_u128(1)).await;
        let mark = Mark { store_id: "none".into(), task_id: "none".into(), attempt: 1 };
        let request = SpawnRequest {
            mark,
            argv: vec!["true".into()],
            env: Vec::new(),
            dir: dir.path().to_owned(),
            stdin: None,
        };
        for attempts in 1..=2 {
            let refused = starter.spawn(request.clone()).await.map(|process| process.pid);
            assert_eq!(refused, Err(SpawnError::LauncherLost));
            assert!(SpawnError::LauncherLost.is_transient());
            assert_eq!(fs::read_to_string(dir.path().join("log")).unwrap().lines().count(), attempts);
        }
    }
}
