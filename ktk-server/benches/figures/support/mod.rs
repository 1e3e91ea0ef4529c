//! What the figures share: a server of their own, samples and how they are printed. Every wait has a deadline.

pub mod patience;
pub mod sample;
pub mod stamp;
pub mod work;

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use ktk_client::{
    Client,
    api::server::StopParams,
    client::{Autostart, ServerAddress},
};
use tempfile::TempDir;

use self::patience::{SHORT, ended, within};

/// Rounds of each side.
pub const ROUNDS: usize = 5;

/// The binary that is measured: `KTK_BIN`, else the release build beside this program.
pub fn ktk() -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark's own setting")]
    if let Some(path) = std::env::var_os("KTK_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let path = own.ancestors().nth(2).context("this program is in a directory")?.join("ktk");
    ensure!(path.exists(), "{} is not there: cargo build --release --bin ktk", path.display());
    Ok(path)
}

/// A server on a data directory of its own; killed when it is dropped.
pub struct Server {
    child: Child,
    pub dir: TempDir,
    pub client: Client,
}

impl Server {
    /// Starts a server on an empty directory and waits until it answers.
    pub async fn start(args: &[&str]) -> anyhow::Result<Self> {
        Self::start_on(own_dir()?, args).await
    }

    /// Starts a server on a directory and waits until it answers.
    pub async fn start_on(dir: TempDir, args: &[&str]) -> anyhow::Result<Self> {
        let socket = dir.path().join("bench.sock");
        let log = std::fs::File::create(dir.path().join("bench.log"))?;
        let child = command(dir.path())?
            .args(["server", "run", "--socket"])
            .arg(&socket)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let client = Client::builder()
            .address(ServerAddress::Unix(socket))
            .autostart(Autostart::Never)
            .namespace("default")
            .timeout(SHORT)
            .build()?;
        let mut server = Self { child, dir, client };
        let answered = within(SHORT, "the server's first answer", server.answers()).await;
        answered.with_context(|| server.log())?;
        Ok(server)
    }

    async fn answers(&mut self) -> anyhow::Result<()> {
        while self.client.server().status().await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server has ended before it answered: {status}");
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        Ok(())
    }

    /// What the server has said, for the error of a wait that was in vain.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.dir.path().join("bench.log")).unwrap_or_default();
        format!("the server's log:\n{log}")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A command of the user's that finds this server.
    pub fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let mut command = command(self.dir.path())?;
        let socket = self.dir.path().join("bench.sock");
        command.env("KTK_SERVER", format!("unix://{}", socket.display())).args(args).stdin(Stdio::null());
        Ok(command)
    }

    /// Stops it and gives its directory back.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let params = StopParams { drain: Some(Duration::ZERO.into()), ..StopParams::default() };
        self.client.server().stop(params).await?;
        ended(&mut self.child, "the server").with_context(|| self.log())
    }

    /// Ends it as a power cut would, and gives its directory back.
    pub fn kill(mut self) -> anyhow::Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(std::mem::replace(&mut self.dir, own_dir()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory as the server wants it: of its user alone, whatever the umask.
fn own_dir() -> anyhow::Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("ktk-figures-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?)
}

fn command(dir: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(ktk()?);
    for name in ["KTK_SERVER", "KTK_NAMESPACE", "KTK_SOCKET", "KTK_STORE", "KTK_SLOTS"] {
        command.env_remove(name);
    }
    command.env("KTK_DATA_DIR", dir).env("KTK_AUTOSTART", "never");
    Ok(command)
}
