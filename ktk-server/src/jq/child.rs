//! One worker process, as the server sees it.

use std::{io, os::unix::process::ExitStatusExt, process::Stdio, time::Duration};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::Command,
    time::timeout,
};

use super::{
    Fault,
    pool::JqConfig,
    protocol::{self, Answer, Request},
};

/// What a worker is killed after.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a worker may take until it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the end of a worker whose socket closed may take.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A worker process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    socket: UnixStream,
}

impl Child {
    /// Starts a worker and waits until it is ready.
    pub(super) async fn start(config: &JqConfig) -> io::Result<Self> {
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let ours = std::os::unix::net::UnixStream::from(ours);
        ours.set_nonblocking(true)?;
        let process = Command::new(&config.program)
            .arg0("ktk")
            .args(&config.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut child = Self { process, socket: UnixStream::from_std(ours)? };
        match timeout(START_TIMEOUT, child.answer()).await {
            Ok(Ok(Answer::Ready)) => Ok(child),
            Ok(Ok(_)) => Err(io::Error::other("it speaks another language")),
            Ok(Err(error)) => Err(io::Error::other(format!("it ended before it was ready: {error}"))),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it did not become ready")),
        }
    }

    /// Asks, and waits for the answer; an error is the end of this worker.
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        let frame = protocol::frame(request).map_err(|error| Fault::Error(format!("its input: {error}")))?;
        let answered = timeout(ANSWER_TIMEOUT, async {
            self.socket.write_all(&frame).await?;
            self.answer().await
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => Err(Fault::TooSlow),
            Ok(Err(_)) => Err(self.post_mortem().await),
        }
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let mut head = [0; 4];
        self.socket.read_exact(&mut head).await?;
        let mut bytes = vec![0; protocol::length(head)?];
        self.socket.read_exact(&mut bytes).await?;
        protocol::message(&bytes)
    }

    /// What a worker died of.
    async fn post_mortem(&mut self) -> Fault {
        match timeout(END_TIMEOUT, self.process.wait()).await {
            Ok(Ok(status)) if status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) => {
                Fault::TooSlow
            }
            Ok(Ok(status)) if status.signal() == Some(rustix::process::Signal::KILL.as_raw()) => {
                Fault::Unavailable("its process was killed".to_owned())
            }
            _ => Fault::TooLarge,
        }
    }
}
