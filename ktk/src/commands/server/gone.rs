//! Waits until a server's process has gone.

use std::time::Duration;

use ktk_client::Client;
use tokio::time::{sleep, timeout};

/// How often a server is asked where its process cannot be watched.
const PAUSE: Duration = Duration::from_millis(100);

/// Says whether it has gone within the limit.
pub(super) async fn wait(pid: u32, client: &Client, limit: Duration) -> bool {
    timeout(limit, gone(pid, client)).await.is_ok()
}

async fn gone(pid: u32, client: &Client) {
    #[cfg(target_os = "linux")]
    if watch_process(pid).await.is_some() {
        return;
    }
    // Its process is not to be seen from here (another system, another PID namespace): it has
    // gone when nobody answers.
    while client.server().status().await.is_ok_and(|status| status.pid == pid) {
        sleep(PAUSE).await;
    }
}

/// `None` where the process cannot be watched, perhaps because it has gone.
#[cfg(target_os = "linux")]
async fn watch_process(pid: u32) -> Option<()> {
    use rustix::{
        event::{PollFd, PollFlags, poll},
        io::Errno,
        process::{Pid, PidfdFlags, pidfd_open},
    };

    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let watching = tokio::task::spawn_blocking(move || {
        loop {
            match poll(&mut [PollFd::new(&process, PollFlags::IN)], None) {
                Err(Errno::INTR) => {}
                ended => return ended.ok(),
            }
        }
    });
    watching.await.ok().flatten().map(drop)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_ends_is_seen_to_end() {
        let mut child = std::process::Command::new("sleep").arg("0.05").spawn().expect("sleep");
        assert_eq!(watch_process(child.id()).await, Some(()));
        child.wait().expect("ended");
    }
}
