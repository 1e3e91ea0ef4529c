//! Deadlines: what does not happen within one fails with words instead of hanging.

use std::{
    process::{Child, ExitStatus},
    time::Duration,
};

use anyhow::{anyhow, bail, ensure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

/// For what takes milliseconds where all is well.
pub const SHORT: Duration = Duration::from_secs(20);

/// For the work of one round.
pub const LONG: Duration = Duration::from_secs(90);

/// Waits for something, but not for ever.
pub async fn within<A>(
    limit: Duration,
    what: &str,
    wait: impl Future<Output = anyhow::Result<A>>,
) -> anyhow::Result<A> {
    match tokio::time::timeout(limit, wait).await {
        Ok(result) => result,
        Err(_) => Err(anyhow!("waited {limit:?} in vain for {what}")),
    }
}

/// Waits for the end of a process, which is to be a good one; kills what goes on for too long.
pub fn ended(child: &mut Child, what: &str) -> anyhow::Result<()> {
    let status = wait(child, what)?;
    ensure!(status.success(), "{what} has failed: {status}");
    Ok(())
}

fn wait(child: &mut Child, what: &str) -> anyhow::Result<ExitStatus> {
    // Looking again and again would cost what is measured its second core.
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let limit = Timespec { tv_sec: LONG.as_secs().cast_signed(), tv_nsec: 0 };
    if poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? > 0 {
        return Ok(child.wait()?);
    }
    child.kill()?;
    child.wait()?;
    bail!("waited {LONG:?} in vain for the end of {what}")
}
