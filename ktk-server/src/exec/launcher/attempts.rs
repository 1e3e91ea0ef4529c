//! The launcher's table of what it runs, and the decision whose a process is. It reads `/proc`; it signals nobody.

use std::collections::HashMap;
use std::time::Instant;

use rustix::process::Pid;

use super::mark::Mark;
use super::process::Ended;
use super::tree::{self, Proc};

pub(super) struct Attempt {
    pub(super) mark: Option<Mark>,
    /// The command itself: it leads the attempt's session and first process group.
    pub(super) leader: Pid,
    pub(super) started_ticks: u64,
    /// Set when the leader has been reaped.
    pub(super) ended: Option<Ended>,
    /// A stop is under way, and ends with a kill at this moment.
    pub(super) kill_at: Option<Instant>,
    /// Something was killed that should be gone by this moment.
    pub(super) give_up_at: Option<Instant>,
    pub(super) is_reported: bool,
}

/// A child that the launcher did not start: a task's process whose own parent has ended.
struct Orphan {
    start: u64,
    session: Option<Pid>,
    owner: Option<u64>,
}

#[derive(Default)]
pub(super) struct Attempts {
    table: HashMap<u64, Attempt>,
    /// Leaders that have not been reaped.
    leaders: HashMap<Pid, u64>,
    /// Sessions and groups by their number, which the kernel gives to nobody else while they have a member.
    sessions: HashMap<Pid, u64>,
    /// Until they are reaped, so their pids stay theirs.
    orphans: HashMap<Pid, Orphan>,
}

impl Attempts {
    pub(super) fn insert(&mut self, handle: u64, attempt: Attempt) {
        self.leaders.insert(attempt.leader, handle);
        self.sessions.insert(attempt.leader, handle);
        self.table.insert(handle, attempt);
    }

    pub(super) fn get(&self, handle: u64) -> Option<&Attempt> {
        self.table.get(&handle)
    }

    pub(super) fn get_mut(&mut self, handle: u64) -> Option<&mut Attempt> {
        self.table.get_mut(&handle)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Attempt)> {
        self.table.iter_mut().map(|(&handle, attempt)| (handle, attempt))
    }

    pub(super) fn remove(&mut self, handle: u64) -> Option<Attempt> {
        let attempt = self.table.remove(&handle)?;
        // After a full turn of the pids the number may already be another attempt's.
        if self.sessions.get(&attempt.leader) == Some(&handle) {
            self.sessions.remove(&attempt.leader);
        }
        Some(attempt)
    }

    /// The attempt that the child `pid` leads.
    pub(super) fn led_by(&self, pid: Pid) -> Option<u64> {
        self.leaders.get(&pid).copied()
    }

    /// To be called when the child `pid` has been reaped.
    pub(super) fn forget_child(&mut self, pid: Pid) {
        self.leaders.remove(&pid);
        self.orphans.remove(&pid);
    }

    /// Brings the orphans up to date with `children`, the launcher's own as just read.
    pub(super) fn adopt(&mut self, children: &[Pid]) {
        for &pid in children {
            if self.leaders.contains_key(&pid) || self.orphans.contains_key(&pid) {
                continue;
            }
            if let Some(process) = tree::read(pid) {
                let owner = self.owner(&process);
                let orphan = Orphan { start: process.start, session: process.session, owner };
                self.orphans.insert(pid, orphan);
            }
        }
        self.assign_unmarked();
    }

    /// Gives orphans that can be only one attempt's to it. To be called when an attempt has been removed.
    pub(super) fn assign_unmarked(&mut self) {
        for orphan in self.orphans.values_mut().filter(|orphan| orphan.owner.is_none()) {
            orphan.owner = only_candidate(&self.table, orphan.start);
        }
    }

    /// Whose `process` certainly is.
    fn owner(&self, process: &Proc) -> Option<u64> {
        let led = || [process.session, process.group].into_iter().flatten();
        // Until it is reaped, its number is its own.
        let certain = led().find(|leader| self.leaders.contains_key(leader));
        if let Some(&handle) = certain.and_then(|leader| self.sessions.get(&leader)) {
            return Some(handle);
        }
        if let Some(mark) = tree::mark(process.pid) {
            let marked = self.table.iter().find(|(_, attempt)| attempt.mark.as_ref() == Some(&mark));
            if let Some((&handle, _)) = marked {
                return Some(handle);
            }
        }
        // A number that has a process again was given away: what it led before is gone.
        let earlier = led().filter(|leader| tree::read(*leader).is_none());
        if let Some(&handle) = earlier.into_iter().find_map(|leader| self.sessions.get(&leader)) {
            return Some(handle);
        }
        // Nobody can join a session from outside.
        self.orphans.values().filter(|known| known.session == process.session).find_map(|known| known.owner)
    }

    /// The orphans that belong to the attempt.
    pub(super) fn orphans_of(&self, handle: u64) -> Vec<Pid> {
        self.orphans.iter().filter(|(_, orphan)| orphan.owner == Some(handle)).map(|(&pid, _)| pid).collect()
    }

    /// The orphans that can be no attempt's any more: all that ran when they began have ended.
    pub(super) fn strays(&self) -> Vec<Pid> {
        let has_candidate =
            |orphan: &Orphan| self.table.values().any(|attempt| attempt.started_ticks <= orphan.start);
        let strays =
            self.orphans.iter().filter(|(_, orphan)| orphan.owner.is_none() && !has_candidate(orphan));
        strays.map(|(&pid, _)| pid).collect()
    }
}

/// An orphan without mark is one of the attempts that ran when it began; if there is one left, it is that one's.
fn only_candidate(table: &HashMap<u64, Attempt>, start: u64) -> Option<u64> {
    let mut candidates = table.iter().filter(|(_, attempt)| attempt.started_ticks <= start);
    match (candidates.next(), candidates.next()) {
        (Some((&only, _)), None) => Some(only),
        _ => None,
    }
}
