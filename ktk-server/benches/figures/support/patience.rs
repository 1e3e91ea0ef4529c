//! Deadlines: what does not happen within one fails with words instead of hanging.

use std::{
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use anyhow::{anyhow, bail, ensure};

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
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill()?;
    child.wait()?;
    bail!("waited {LONG:?} in vain for the end of {what}")
}
