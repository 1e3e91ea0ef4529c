//! How an attempt ends: asked to stop, killed, or by itself; and what it takes until nothing of it is left. The
//! order of events is `supervisor`'s part.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::attempts::Attempts;
use super::process::{End, Ended};
use super::protocol::Reply;
use super::tree::{self, Proc, Tree};
use super::unsafe_sys;
use crate::mutants;

/// How long the end of a killed process may take before its attempt is reported without it: one that waits for a
/// dead disk or network file system cannot be killed, and must not hold the report up.
const UNKILLABLE_AFTER: Duration = Duration::from_secs(2);

const LONGEST_GRACE: Duration = Duration::from_secs(1 << 32);

/// A tree that forks while it is read is read again at most so often; what is missed then is found when its parent's
/// end is reported.
const FREEZE_ROUNDS: usize = 64;

/// Attempts, and the means to end them.
pub(super) struct Ending {
    pub(super) attempts: Attempts,
    pub(super) tree: Tree,
    /// Attempts whose leader has been reaped.
    led_by_nobody: Vec<u64>,
    is_urgent: bool,
}

impl Ending {
    pub(super) fn new() -> Self {
        Ending {
            attempts: Attempts::default(),
            tree: Tree::open(),
            led_by_nobody: Vec::new(),
            is_urgent: false,
        }
    }

    /// Asks the whole tree to end, and kills it when `grace` has passed.
    pub(super) fn stop(&mut self, handle: u64, grace: Duration, now: Instant) {
        if grace.is_zero() {
            return self.kill(handle);
        }
        let Some(attempt) = self.attempts.get_mut(handle) else { return };
        // Some clocks cannot count every grace period.
        let kill_at = now.checked_add(grace).unwrap_or(now + LONGEST_GRACE);
        if let Some(earlier) = attempt.kill_at {
            attempt.kill_at = Some(earlier.min(kill_at));
            return;
        }
        if attempt.give_up_at.is_some() || attempt.ended.is_some() {
            return;
        }
        attempt.kill_at = Some(kill_at);
        let leader = attempt.leader;
        // A stopped process acts on SIGTERM only after SIGCONT.
        for signal in [Signal::TERM, Signal::CONT] {
            let _ = kill_process_group(leader, signal);
        }
        let mut asked = HashSet::new();
        // The second round is for what was forked during the first.
        for _ in 0..2 {
            let roots = self.roots(handle);
            self.tree.walk(&roots, |process| {
                if asked.insert((process.pid, process.start)) && process.group != Some(leader) {
                    tree::signal(process, Signal::TERM);
                    tree::signal(process, Signal::CONT);
                }
            });
        }
    }

    /// Kills the whole tree.
    pub(super) fn kill(&mut self, handle: u64) {
        if self.attempts.get(handle).is_none() {
            return;
        }
        self.freeze_and_kill(|ending| ending.roots(handle));
        let Some(attempt) = self.attempts.get_mut(handle) else { return };
        attempt.kill_at = None;
        if !attempt.is_reported {
            attempt.give_up_at.get_or_insert_with(|| Instant::now() + UNKILLABLE_AFTER);
        }
    }

    /// Reaps every child that has ended.
    pub(super) fn reap(&mut self) {
        while let Ok(Some((pid, ended))) = unsafe_sys::next_dead_child() {
            let handle = self.attempts.led_by(pid);
            if let Some((handle, attempt)) =
                handle.and_then(|handle| Some((handle, self.attempts.get_mut(handle)?)))
            {
                attempt.ended = Some(ended);
                self.led_by_nobody.push(handle);
                // Its group's number cannot be another's before it is reaped. In a stop the others have until
                // `kill_at`.
                if attempt.kill_at.is_none() {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
            }
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            self.attempts.forget_child(pid);
        }
    }

    /// Reports the attempts of which nothing is left, and goes on ending the others. To be called after `reap` and
    /// when a deadline has passed.
    pub(super) fn settle(&mut self, now: Instant, outbox: &mut Vec<u8>) {
        self.expire(now, outbox);
        let children = self.tree.own_children();
        self.attempts.adopt(&children);
        for handle in std::mem::take(&mut self.led_by_nobody) {
            let Some(attempt) = self.attempts.get(handle) else { continue };
            let may_still_end = attempt.kill_at.is_some();
            if self.attempts.orphans_of(handle).is_empty() {
                self.report(handle, false, outbox);
                self.attempts.remove(handle);
                self.attempts.assign_unmarked();
            } else {
                if !may_still_end {
                    self.kill(handle);
                }
                self.led_by_nobody.push(handle);
            }
        }
        if !self.attempts.strays().is_empty() {
            self.freeze_and_kill(|ending| {
                let children = ending.tree.own_children();
                ending.attempts.adopt(&children);
                ending.attempts.strays()
            });
        }
        if self.led_by_nobody.is_empty() {
            self.set_urgent(false);
        }
    }

    /// When `settle` has to be called again if nothing else happens.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        self.attempts.iter_mut().filter_map(|(_, attempt)| attempt.kill_at.or(attempt.give_up_at)).min()
    }

    fn expire(&mut self, now: Instant, outbox: &mut Vec<u8>) {
        let (mut to_kill, mut to_report) = (Vec::new(), Vec::new());
        for (handle, attempt) in self.attempts.iter_mut() {
            if attempt.kill_at.is_some_and(|at| at <= now) {
                to_kill.push(handle);
            } else if attempt.give_up_at.is_some_and(|at| at <= now) {
                to_report.push(handle);
            }
        }
        to_kill.into_iter().for_each(|handle| self.kill(handle));
        to_report.into_iter().for_each(|handle| self.report(handle, true, outbox));
    }

    fn report(&mut self, handle: u64, has_survivors: bool, outbox: &mut Vec<u8>) {
        let Some(attempt) = self.attempts.get_mut(handle) else { return };
        attempt.give_up_at = None;
        if !std::mem::replace(&mut attempt.is_reported, true) {
            // A leader that cannot die now will, by this signal, before it does anything else.
            let how = attempt.ended.unwrap_or(Ended::Signaled(Signal::KILL.as_raw()));
            Reply::Ended(End { how, has_survivors }).encode(handle, outbox);
        }
    }

    /// Where the attempt's processes hang in the launcher's tree.
    fn roots(&mut self, handle: u64) -> Vec<Pid> {
        let children = self.tree.own_children();
        self.attempts.adopt(&children);
        let mut roots = self.attempts.orphans_of(handle);
        let leader = self.attempts.get(handle).filter(|attempt| attempt.ended.is_none());
        roots.extend(leader.map(|attempt| attempt.leader));
        roots
    }

    /// Kills all that the launcher ever started, and waits until it is gone, for `patience` at most.
    pub(super) fn end_everything(&mut self, patience: Duration, mut wait_for_child: impl FnMut(Duration)) {
        let give_up_at = Instant::now() + patience;
        loop {
            loop {
                match unsafe_sys::next_dead_child() {
                    Ok(Some((pid, _))) => {
                        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
                    }
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
            let left = give_up_at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.freeze_and_kill(|ending| ending.tree.own_children());
            wait_for_child(left);
        }
    }

    /// Kills the trees under `roots`. Each process is stopped before its children are looked for, so that none forks
    /// away; another round finds nothing new unless one's parent ended before it was seen.
    fn freeze_and_kill(&mut self, mut roots: impl FnMut(&mut Ending) -> Vec<Pid>) {
        if mutants::lives("M19") {
            let leaders: Vec<Pid> = self.attempts.iter_mut().map(|(_, attempt)| attempt.leader).collect();
            for root in roots(self).into_iter().filter(|root| leaders.contains(root)) {
                let _ = kill_process_group(root, Signal::KILL);
            }
            return;
        }
        self.set_urgent(true);
        let mut frozen: HashMap<(Pid, u64), Proc> = HashMap::new();
        for _ in 0..FREEZE_ROUNDS {
            let before = frozen.len();
            let roots = roots(self);
            self.tree.walk(&roots, |process| {
                frozen.entry((process.pid, process.start)).or_insert_with(|| {
                    tree::signal(process, Signal::STOP);
                    *process
                });
            });
            if frozen.len() == before {
                break;
            }
        }
        for process in frozen.values() {
            tree::signal(process, Signal::KILL);
        }
    }

    /// Gives the launcher's session a nice value, where the kernel groups by session and lets us: a fork bomb of a
    /// thousand sessions leaves it a thousandth of the machine. Not for good, since it makes starting processes
    /// slower when the machine is busy.
    fn set_urgent(&mut self, is_urgent: bool) {
        if std::mem::replace(&mut self.is_urgent, is_urgent) != is_urgent {
            let _ = std::fs::write("/proc/self/autogroup", if is_urgent { "-10" } else { "0" });
        }
    }
}
