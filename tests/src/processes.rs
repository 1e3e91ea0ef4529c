//! The processes of this machine, as `/proc` tells of them: who belongs to a test.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

/// A process that belongs to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its arguments, joined by blanks.
    pub command: String,
}

/// The processes whose arguments, environment or directory name this path. A path that nobody else uses finds all
/// that was started there, also what left its session or parent. Zombies are none.
pub fn processes_of(root: &Path) -> Vec<Process> {
    let needle = root.as_os_str().as_encoded_bytes();
    let own = std::process::id();
    pids().filter(|pid| *pid != own).filter_map(|pid| process(pid, needle)).collect()
}

fn process(pid: u32, needle: &[u8]) -> Option<Process> {
    let place = format!("/proc/{pid}");
    let stat = fs::read_to_string(format!("{place}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    if matches!(state, "Z" | "X") {
        return None;
    }
    let command = fs::read(format!("{place}/cmdline")).unwrap_or_default();
    let environ = fs::read(format!("{place}/environ")).unwrap_or_default();
    let directory = fs::read_link(format!("{place}/cwd")).unwrap_or_default();
    let mut texts = [&*command, &*environ, directory.as_os_str().as_encoded_bytes()].into_iter();
    texts.any(|text| contains(text, needle)).then(|| Process {
        pid,
        parent,
        command: String::from_utf8_lossy(&command).replace('\0', " ").trim_end().to_owned(),
    })
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || text.windows(needle.len()).any(|window| window == needle)
}

/// The processes that descend from this one, as far as nobody between them has ended.
pub fn children_of(pid: u32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let all: Vec<Process> = pids().filter_map(|pid| process(pid, b"")).collect();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|process| process.parent == parent);
        parents.extend(children.clone().map(|child| child.pid));
        found.extend(children.cloned());
    }
    found
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
}

/// Whether the process is there and no zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

/// The session of a process as `/proc` tells it: 0 where its leader is outside of this process's pid namespace, as
/// it is in many a container.
pub fn session_of(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after
        .split_ascii_whitespace()
        .nth(3)
        .and_then(|session| session.parse().ok())
        .expect("the process is there")
}

/// Ends a process with SIGKILL; one that is gone already is gone.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Lets a process stand still for as long as `meanwhile` takes.
pub fn stand_still(pid: u32, meanwhile: impl FnOnce()) {
    signal(pid, Signal::STOP);
    meanwhile();
    signal(pid, Signal::CONT);
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}
