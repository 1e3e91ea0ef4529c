//! A program that says when its `main` began: this one, started with a flag of its own.

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The flag that makes this program a stamp.
pub const FLAG: &str = "--stamp";

/// What the stamp does: one datagram, then its end.
pub fn send(socket: &str) -> anyhow::Result<()> {
    UnixDatagram::unbound()?.send_to(b".", socket)?;
    Ok(())
}

/// Where stamps arrive.
pub struct Stamps {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Stamps {
    /// Listens in a directory.
    pub fn listen(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("stamp.sock");
        let socket = UnixDatagram::bind(&path)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self { socket, path })
    }

    /// The command that sends one.
    pub fn command(&self) -> anyhow::Result<[String; 3]> {
        let own = std::env::current_exe()?.display().to_string();
        Ok([own, FLAG.to_owned(), self.path.display().to_string()])
    }

    /// Waits for the next.
    pub fn next(&self) -> anyhow::Result<Instant> {
        self.socket.recv(&mut [0; 8])?;
        Ok(Instant::now())
    }
}
