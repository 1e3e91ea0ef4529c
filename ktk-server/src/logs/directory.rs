//! Where log files lie: `DATA/logs/<last two hex digits of the task's id>/<id>.<attempt>[.<slot>]`.
//!
//! Names come from ids only, and every step below the directory is opened from its parent without following
//! links: nothing that a user names, or puts there, leads elsewhere. What is in a file does not matter here.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, mkdirat, open, openat, unlinkat};
use rustix::io::Errno;
use uuid::Uuid;

use super::LogKey;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);
const DIRECTORY_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

#[derive(Debug)]
pub(super) struct LogDirectory {
    root: OwnedFd,
}

impl LogDirectory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { root: open(path, DIRECTORY, Mode::empty())? })
    }

    fn shard(&self, task: Uuid) -> Result<OwnedFd, Errno> {
        openat(&self.root, shard_name(task), DIRECTORY, Mode::empty())
    }

    fn shard_or_new(&self, task: Uuid) -> Result<OwnedFd, Errno> {
        match self.shard(task) {
            Err(Errno::NOENT) => {}
            found => return found,
        }
        match mkdirat(&self.root, shard_name(task), DIRECTORY_MODE) {
            Ok(()) | Err(Errno::EXIST) => self.shard(task),
            Err(error) => Err(error),
        }
    }

    /// A file to read, if there is one.
    pub(super) fn read(&self, key: LogKey, slot: Option<u8>) -> io::Result<Option<File>> {
        let opened = self
            .shard(key.task)
            .and_then(|shard| openat(shard, file_name(key, slot), FILE | OFlags::RDONLY, Mode::empty()));
        match opened {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// An existing file, to be written at its end.
    pub(super) fn append(&self, key: LogKey, slot: Option<u8>) -> io::Result<File> {
        let flags = FILE | OFlags::WRONLY | OFlags::APPEND;
        Ok(openat(self.shard(key.task)?, file_name(key, slot), flags, Mode::empty())?.into())
    }

    /// A new file, to be written at its end. One that had its name loses it: its readers keep what they opened.
    pub(super) fn create(&self, key: LogKey, slot: Option<u8>) -> io::Result<File> {
        let shard = self.shard_or_new(key.task)?;
        let name = file_name(key, slot);
        let flags = FILE | OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let created = match openat(&shard, &name, flags, FILE_MODE) {
            Err(Errno::EXIST) => {
                unlinkat(&shard, &name, AtFlags::empty())?;
                openat(&shard, &name, flags, FILE_MODE)
            }
            created => created,
        };
        Ok(created?.into())
    }

    /// The attempts that have a file, in order.
    pub(super) fn attempts(&self, task: Uuid) -> io::Result<Vec<u32>> {
        let mut attempts = Vec::new();
        self.each_file(task, |_, attempt, slot| {
            if slot.is_none() {
                attempts.push(attempt);
            }
            Ok(())
        })?;
        attempts.sort_unstable();
        Ok(attempts)
    }

    /// The tasks that have a file where this one would have its own.
    pub(super) fn tasks(&self, beside: Uuid) -> io::Result<Vec<Uuid>> {
        let shard = match self.shard(beside) {
            Err(Errno::NOENT) => return Ok(Vec::new()),
            shard => shard?,
        };
        let mut tasks = Vec::new();
        for file in Dir::read_from(&shard)? {
            let file = file?;
            let id = file.file_name().to_str().ok().and_then(|name| name.split('.').next());
            tasks.extend(id.and_then(|id| id.parse::<Uuid>().ok()));
        }
        tasks.sort_unstable();
        tasks.dedup();
        Ok(tasks)
    }

    pub(super) fn remove(&self, task: Uuid) -> io::Result<()> {
        self.each_file(task, |shard, attempt, slot| {
            match unlinkat(shard, file_name(LogKey { task, attempt }, slot), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn each_file(
        &self,
        task: Uuid,
        mut visit: impl FnMut(&OwnedFd, u32, Option<u8>) -> Result<(), Errno>,
    ) -> io::Result<()> {
        let shard = match self.shard(task) {
            Err(Errno::NOENT) => return Ok(()),
            shard => shard?,
        };
        let prefix = format!("{task}.");
        // Names are gathered first: removing while a directory is read may hide others.
        let mut found = Vec::new();
        for file in Dir::read_from(&shard)? {
            let file = file?;
            let name = file.file_name().to_str().ok().and_then(|name| name.strip_prefix(&prefix));
            found.extend(name.and_then(parse_name));
        }
        for (attempt, slot) in found {
            visit(&shard, attempt, slot)?;
        }
        Ok(())
    }
}

fn shard_name(task: Uuid) -> String {
    format!("{:02x}", task.as_bytes()[15])
}

fn file_name(key: LogKey, slot: Option<u8>) -> String {
    match slot {
        None => format!("{}.{}", key.task, key.attempt),
        Some(slot) => format!("{}.{}.{slot}", key.task, key.attempt),
    }
}

/// `<attempt>[.<slot>]`
fn parse_name(rest: &str) -> Option<(u32, Option<u8>)> {
    match rest.split_once('.') {
        None => Some((rest.parse().ok()?, None)),
        Some((attempt, slot)) => Some((attempt.parse().ok()?, Some(slot.parse().ok()?))),
    }
}
