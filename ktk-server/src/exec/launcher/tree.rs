//! Processes as `/proc` shows them: who descends from whom, what their mark is, and how to signal one without ever
//! hitting a stranger that got its pid. Whose they are is `attempts`' part.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::mark::Mark;

/// No environment is larger unless someone raised the stack limit; then its mark may not be found.
const MAX_ENVIRON_BYTES: u64 = 8 << 20;

/// A process at the moment of reading. `pid` and `start` together never mean another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Proc {
    pub(super) pid: Pid,
    pub(super) start: u64,
    pub(super) parent: Option<Pid>,
    pub(super) group: Option<Pid>,
    pub(super) session: Option<Pid>,
}

pub(super) fn read(pid: Pid) -> Option<Proc> {
    let mut text = [0; 1024];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut text).ok()?;
    parse_stat(pid, &text[..length])
}

fn parse_stat(pid: Pid, text: &[u8]) -> Option<Proc> {
    // The name in parentheses may hold anything, also parentheses.
    let after_name = text.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = std::str::from_utf8(&text[after_name..]).ok()?.split_ascii_whitespace().skip(1);
    // Group and session are -1 while the process is being reaped, and its parent is 0.
    let mut id = || Some(parse_pid(fields.next()?));
    let (parent, group, session) = (id()?, id()?, id()?);
    let start = fields.nth(15)?.parse().ok()?;
    Some(Proc { pid, start, parent, group, session })
}

/// The same with the time that its processor gave it and its children that have ended, in the clock's ticks.
pub(super) fn read_with_ticks(pid: Pid) -> Option<(Proc, u64)> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let process = parse_stat(pid, &text)?;
    let after_name = text.iter().rposition(|&byte| byte == b')')? + 1;
    let fields = std::str::from_utf8(&text[after_name..]).ok()?.split_ascii_whitespace();
    // utime, stime, cutime, cstime; the state is the first field behind the name.
    let ticks = fields.skip(11).take(4).map(|field| field.parse::<u64>().unwrap_or(0)).sum();
    Some((process, ticks))
}

pub(super) fn mark(pid: Pid) -> Option<Mark> {
    let mut environ = Vec::new();
    File::open(format!("/proc/{pid}/environ"))
        .ok()?
        .take(MAX_ENVIRON_BYTES)
        .read_to_end(&mut environ)
        .ok()?;
    Mark::from_environ(&environ)
}

/// Sends `signal` if `process` still is who it was, and returns what becomes readable when it has ended.
pub(super) fn signal(process: &Proc, signal: Signal) -> Option<OwnedFd> {
    let pidfd = pidfd_open(process.pid, PidfdFlags::empty()).ok()?;
    if read(process.pid)?.start != process.start {
        return None;
    }
    // It may have ended meanwhile, or belong to another user.
    pidfd_send_signal(&pidfd, signal).ok()?;
    Some(pidfd)
}

pub(super) fn all_pids() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| parse_pid(entry.ok()?.file_name().to_str()?)).collect()
}

fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|&raw: &i32| raw > 0).and_then(Pid::from_raw)
}

/// Walks the tree below this process.
pub(super) struct Tree {
    /// The kernel's list of this thread's children, where it keeps one (CONFIG_PROC_CHILDREN).
    own_children: Option<File>,
    text: Vec<u8>,
}

impl Tree {
    /// For the thread that calls it, which must be the only one of its process.
    pub(super) fn open() -> Self {
        Tree { own_children: File::open("/proc/thread-self/children").ok(), text: Vec::new() }
    }

    /// The children of this process, dead ones that were not reaped included.
    pub(super) fn own_children(&mut self) -> Vec<Pid> {
        let Some(file) = &self.own_children else {
            let own = Some(rustix::process::getpid());
            return everyone().into_iter().filter(|process| process.parent == own).map(|it| it.pid).collect();
        };
        self.text.clear();
        let mut piece = [0; 4096];
        // The file is short, and its end is a read of nothing.
        while let Ok(length @ 1..) = file.read_at(&mut piece, self.text.len() as u64) {
            self.text.extend(&piece[..length]);
        }
        pids(&self.text)
    }

    /// Visits `roots` and all that descends from them, each before its children are looked for.
    pub(super) fn walk(&self, roots: &[Pid], mut visit: impl FnMut(&Proc)) {
        let everyone = if self.own_children.is_some() { None } else { Some(everyone()) };
        let mut due: VecDeque<Pid> = roots.iter().copied().collect();
        while let Some(pid) = due.pop_front() {
            let Some(process) = read(pid) else { continue };
            visit(&process);
            match &everyone {
                None => due.extend(children(pid)),
                Some(all) => due.extend(all.iter().filter(|it| it.parent == Some(pid)).map(|it| it.pid)),
            }
        }
    }
}

fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.filter_map(|thread| fs::read(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|text| pids(&text)).collect()
}

fn pids(text: &[u8]) -> Vec<Pid> {
    let text = str::from_utf8(text).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(parse_pid).collect()
}

fn everyone() -> Vec<Proc> {
    all_pids().into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_name_cannot_forge_fields() {
        let stat = b"7 (a) S 1 1 (1) R 3 4 5 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9\n";
        let pid = |raw| Pid::from_raw(raw);
        let process = parse_stat(pid(7).unwrap(), stat).unwrap();
        assert_eq!((process.parent, process.group, process.session), (pid(3), pid(4), pid(5)));
        assert_eq!(process.start, 4242);
        let reaped = b"7 (a) Z 0 -1 -1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9\n";
        assert_eq!(parse_stat(pid(7).unwrap(), reaped).unwrap().group, None);
    }

    #[test]
    fn who_has_a_dead_one_s_pid_is_not_signalled() {
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let own = read(Pid::from_raw(sleeper.id() as i32).unwrap()).unwrap();
        let dead = Proc { start: own.start - 1, ..own };
        assert!(signal(&dead, Signal::KILL).is_none());
        assert_eq!(sleeper.try_wait().unwrap(), None);
        assert!(signal(&own, Signal::KILL).is_some());
        sleeper.wait().unwrap();
        assert!(signal(&own, Signal::KILL).is_none(), "there is nobody");
    }

    #[test]
    fn both_ways_of_walking_find_the_same() {
        let mut shell = Command::new("sh")
            .args(["-c", "sh -c 'sleep 60 & echo; wait' & wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let root = Pid::from_raw(shell.id() as i32).unwrap();
        let (mut listed, mut scanned) = (Vec::new(), Vec::new());
        Tree::open().walk(&[root], |process| listed.push(*process));
        Tree { own_children: None, text: Vec::new() }.walk(&[root], |process| scanned.push(*process));
        for process in &listed {
            signal(process, Signal::KILL);
        }
        shell.wait().unwrap();
        listed.sort_by_key(|process| process.pid.as_raw_nonzero());
        scanned.sort_by_key(|process| process.pid.as_raw_nonzero());
        assert_eq!(listed.len(), 3);
        assert_eq!(listed, scanned);
    }
}
