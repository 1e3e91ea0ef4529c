//! What a launcher that was killed could not clean up: processes that carry the mark of the server's own store.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, getpid};

use super::tree::{self, Proc};

/// A leftover that forks while it is looked for is looked for again at most so often.
const ROUNDS: usize = 100;

/// How long to wait for the ends of the killed, of which one may hang in the kernel.
const PATIENCE: Duration = Duration::from_secs(2);

/// Kills every process that carries a mark of the store, except the caller, waits for their ends, and says how many
/// they were. To be called when no launcher of this store runs. It blocks while it reads `/proc` and waits.
pub fn kill_leftovers(store_id: &str) -> usize {
    let give_up_at = Instant::now() + PATIENCE;
    let mut killed: HashSet<(Pid, u64)> = HashSet::new();
    for _ in 0..ROUNDS {
        let found: Vec<Proc> = marked(store_id).filter(|it| !killed.contains(&(it.pid, it.start))).collect();
        if found.is_empty() {
            break;
        }
        // All are killed before the first is waited for.
        let pidfds: Vec<OwnedFd> =
            found.iter().filter_map(|process| tree::signal(process, Signal::KILL)).collect();
        pidfds.iter().for_each(|pidfd| wait_for_end(pidfd, give_up_at));
        killed.extend(found.iter().map(|process| (process.pid, process.start)));
    }
    killed.len()
}

fn wait_for_end(pidfd: &OwnedFd, give_up_at: Instant) {
    let left = give_up_at.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).expect("two seconds are a time");
    let _ = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&timeout));
}

fn marked(store_id: &str) -> impl Iterator<Item = Proc> {
    let own = getpid();
    // The process is read before its mark: if the pid is given away in between, the signal does not reach the new one.
    tree::all_pids()
        .into_iter()
        .filter(move |&pid| pid != own)
        .filter_map(tree::read)
        .filter(move |process| tree::mark(process.pid).is_some_and(|mark| mark.store_id == store_id))
}
