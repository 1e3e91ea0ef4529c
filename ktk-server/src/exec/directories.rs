//! `KTK_DIR` of every owner: made when its first process starts, removed with the owner.
//!
//! Making a directory costs more than all other files of an attempt, and most stay empty. An empty one that a task
//! has finished with is renamed for the next instead; a restart that wants it again gets another, as empty.

use std::{
    fs,
    io::{self, ErrorKind},
    os::{
        fd::AsFd as _,
        unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rustix::{
    fs::{CWD, Dir, OFlags, RenameFlags, renameat_with},
    io::Errno,
};
use uuid::Uuid;

use crate::limits;

const MODE: u32 = 0o700;

/// The directories of owners, and which of them may be handed on.
#[derive(Debug)]
pub struct Directories {
    work: PathBuf,
    /// Owners that are done with theirs, each once. A directory is renamed only under the lock, and only while
    /// its owner is in here.
    spare: Mutex<Vec<Uuid>>,
}

/// Makes a directory for this user alone, unless it is there.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(MODE).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

impl Directories {
    /// Makes the directory of them all.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn open(work: PathBuf) -> io::Result<Self> {
        private_dir(&work)?;
        Ok(Self { work, spare: Mutex::default() })
    }

    /// Where they are.
    pub fn work(&self) -> &Path {
        &self.work
    }

    fn path(&self, owner: Uuid) -> PathBuf {
        self.work.join(owner.to_string())
    }

    /// The owner's directory, which is there from now on.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn provide(&self, owner: Uuid) -> io::Result<PathBuf> {
        let path = self.path(owner);
        if !self.take_spare(owner, &path) {
            private_dir(&path)?;
        }
        Ok(path)
    }

    /// Whether the directory is there now.
    fn take_spare(&self, owner: Uuid, path: &Path) -> bool {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.retain(|former| *former != owner);
        while let Some(former) = spare.pop() {
            let from = self.path(former);
            if !is_untouched(&from) {
                continue;
            }
            match renameat_with(CWD, &from, CWD, path, RenameFlags::NOREPLACE) {
                Ok(()) => return true,
                Err(Errno::EXIST) => {
                    spare.push(former);
                    return true;
                }
                // Not every file system can; then each is made.
                Err(_) => {}
            }
        }
        false
    }

    /// The owner is done with its directory: empty, it may become another's.
    pub fn hand_on(&self, owner: Uuid) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < limits::SPARE_DIRECTORIES && !spare.contains(&owner) {
            spare.push(owner);
        }
    }

    /// Removes the directory of an owner that is gone.
    pub fn remove(&self, owner: Uuid) {
        // First: it must not become another's while it is emptied.
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).retain(|former| *former != owner);
        let path = self.path(owner);
        if let Err(error) = fs::remove_dir_all(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "a directory of a deleted owner stays");
        }
    }
}

/// Whether a directory is as it was made: empty, and for this user alone.
fn is_untouched(path: &Path) -> bool {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32;
    let Ok(directory) = fs::OpenOptions::new().read(true).custom_flags(flags).open(path) else {
        return false;
    };
    let is_private = directory.metadata().is_ok_and(|metadata| metadata.mode() & 0o7777 == MODE);
    let Ok(mut entries) = Dir::read_from(directory.as_fd()) else { return false };
    is_private
        && entries.all(|entry| entry.is_ok_and(|entry| matches!(entry.file_name().to_bytes(), b"." | b"..")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn owner(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn an_empty_directory_is_handed_on_and_made_again_for_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories::open(root.path().join("work")).unwrap();
        let first = directories.provide(owner(1)).unwrap();
        directories.hand_on(owner(1));
        let second = directories.provide(owner(2)).unwrap();
        assert!(second.is_dir() && !first.exists());
        directories.hand_on(owner(2));
        // Its own, although it could be another's.
        assert_eq!(directories.provide(owner(2)).unwrap(), second);
        assert!(directories.provide(owner(1)).unwrap().is_dir() && second.is_dir());
        assert_eq!(fs::metadata(&first).unwrap().mode() & 0o7777, MODE);
    }

    #[test]
    fn what_somebody_touched_stays_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories::open(root.path().join("work")).unwrap();
        let used = directories.provide(owner(1)).unwrap();
        let opened = directories.provide(owner(2)).unwrap();
        directories.hand_on(owner(1));
        directories.hand_on(owner(2));
        fs::write(used.join("kept"), "x").unwrap();
        fs::set_permissions(&opened, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(directories.provide(owner(3)).unwrap().is_dir());
        assert!(used.join("kept").exists() && opened.is_dir());
    }

    #[test]
    fn a_directory_that_is_there_is_not_replaced_and_a_removed_one_not_handed_on() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories::open(root.path().join("work")).unwrap();
        let present = directories.provide(owner(1)).unwrap();
        fs::write(present.join("kept"), "x").unwrap();
        directories.provide(owner(2)).unwrap();
        directories.hand_on(owner(2));
        assert!(directories.provide(owner(1)).unwrap().join("kept").exists());
        directories.remove(owner(2));
        assert!(!directories.path(owner(2)).exists());
        assert!(directories.provide(owner(3)).unwrap().is_dir());
    }
}
