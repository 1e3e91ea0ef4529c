//! What the server holds of a running attempt, and how it learns of its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::connection::Connection;
use super::output::Output;

/// How an attempt's command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Exited(i32),
    Signaled(i32),
    /// Nobody knows: the launcher is gone. The command is dead; see [`super::kill_leftovers`] for its descendants.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) how: Ended,
    pub(super) has_survivors: bool,
}

/// A running attempt. Dropping it before its end kills all of it.
#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    /// The command's output. Its end comes when the last process that holds the other side has closed it: all of the
    /// attempt's have by the time [`Process::wait`] returns, but one may have passed it on to a stranger. So who
    /// reads it does not wait for its end longer than for the attempt's; what was written is there by then.
    pub stdout: Output,
    pub stderr: Output,
    /// Its end; apart from the output, so that both can be waited for at once.
    pub running: Running,
}

/// The end of a running attempt, and the means to bring it about. Dropping it before the end kills the attempt.
#[derive(Debug)]
pub struct Running {
    pub(super) guard: Guard,
    pub(super) ending: oneshot::Receiver<End>,
    pub(super) end: Option<End>,
}

impl Process {
    /// See [`Running::wait`].
    pub async fn wait(&mut self) -> Ended {
        self.running.wait().await
    }

    /// See [`Running::has_survivors`].
    pub fn has_survivors(&self) -> bool {
        self.running.has_survivors()
    }

    /// See [`Running::stop`].
    pub fn stop(&self, grace: Duration) {
        self.running.stop(grace);
    }

    /// See [`Running::kill`].
    pub fn kill(&self) {
        self.running.kill();
    }
}

impl Running {
    /// Waits until the command has ended and nothing of the attempt is left. May be called again, and given up and
    /// called again.
    pub async fn wait(&mut self) -> Ended {
        let end = match self.end {
            Some(end) => end,
            None => (&mut self.ending).await.unwrap_or(End { how: Ended::Lost, has_survivors: false }),
        };
        self.end = Some(end);
        self.guard.is_armed = false;
        end.how
    }

    /// Whether, at the end, something of the attempt could not be killed within two seconds: it hangs in the kernel,
    /// on a dead disk for instance, and dies when it comes out of there.
    pub fn has_survivors(&self) -> bool {
        self.end.is_some_and(|end| end.has_survivors)
    }

    /// Sends SIGTERM to every process of the attempt, and SIGKILL to what is left after `grace`. A second call can
    /// only shorten the grace period.
    pub fn stop(&self, grace: Duration) {
        self.guard.connection.stop(self.guard.handle, grace);
    }

    /// Sends SIGKILL to every process of the attempt.
    pub fn kill(&self) {
        self.guard.connection.kill(self.guard.handle);
    }
}

/// Kills the attempt of which nobody has seen the end.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) connection: Arc<Connection>,
    pub(super) handle: u64,
    pub(super) is_armed: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_armed {
            self.connection.kill(self.handle);
        }
    }
}
