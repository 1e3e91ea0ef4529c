//! What a launcher that was killed could not clean up: processes that carry the mark of the server's own store.

use std::collections::HashSet;

use rustix::process::{Pid, Signal, getpid};

use super::tree::{self, Proc};

/// A leftover that forks while it is looked for is looked for again at most so often.
const ROUNDS: usize = 100;

/// Kills every process that carries a mark of the store, except the caller, and says how many they were. To be called
/// when no launcher of this store runs. It blocks while it reads `/proc`.
pub fn kill_leftovers(store_id: &str) -> usize {
    let mut killed: HashSet<(Pid, u64)> = HashSet::new();
    for _ in 0..ROUNDS {
        let found: Vec<Proc> = marked(store_id).filter(|it| !killed.contains(&(it.pid, it.start))).collect();
        if found.is_empty() {
            break;
        }
        for process in &found {
            tree::signal(process, Signal::KILL);
        }
        killed.extend(found.iter().map(|process| (process.pid, process.start)));
    }
    killed.len()
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
