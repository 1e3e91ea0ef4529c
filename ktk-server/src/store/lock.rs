//! The lock on a data directory: one server at a time. It belongs to an open file, so it dies
//! with its holder, however that ends; no process id is written down that could go stale.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use super::{StoreError, StoreResult};

const FILE: &str = "lock";

/// Holds a data directory until it is dropped.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
    dir: PathBuf,
}

impl StoreLock {
    /// Takes the lock, or says at once who cannot: `Locked` when another has it.
    pub fn acquire(dir: &Path) -> StoreResult<Self> {
        let path = dir.join(FILE);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = open(&path, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| StoreError::Unavailable(format!("cannot open {}: {error}", path.display())))?;
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: File::from(fd), dir: dir.to_owned() }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked(dir.display().to_string())),
            Err(error) => Err(StoreError::Unavailable(format!("cannot lock {}: {error}", path.display()))),
        }
    }

    /// The directory that is held.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes names that were added to the directory survive a power cut.
    pub fn sync_dir(&self) -> io::Result<()> {
        fs::File::open(&self.dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_has_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = StoreLock::acquire(dir.path()).unwrap();
        let error = StoreLock::acquire(dir.path()).unwrap_err();
        assert!(
            matches!(&error, StoreError::Locked(at) if *at == dir.path().display().to_string()),
            "{error}"
        );
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        StoreLock::acquire(dir.path()).unwrap();
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/null", dir.path().join(FILE)).unwrap();
        assert!(matches!(StoreLock::acquire(dir.path()), Err(StoreError::Unavailable(_))));
    }
}
