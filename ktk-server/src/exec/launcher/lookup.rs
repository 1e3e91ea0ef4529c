//! Which file a command names: a function of the command, a PATH, a working directory and the file system. What
//! `execvp` does, but with an answer for each way in which it can fail.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::error::{NotExecutable, SpawnError};

/// Searched when the task has no PATH; what the C library searches then.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A script without `#!` is told from a broken program by its beginning.
const FIRST_LINE_BYTES: usize = 128;

/// Checks that commands can be run in `dir`.
pub(super) fn check_directory(dir: &Path) -> Result<(), SpawnError> {
    let dir_buf = || dir.to_owned();
    match fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(SpawnError::NotADirectory { dir: dir_buf() }),
        Err(error) => Err(directory_error(dir, &error)),
    }
}

pub(super) fn directory_error(dir: &Path, error: &io::Error) -> SpawnError {
    let dir = dir.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => SpawnError::NoSuchDirectory { dir },
        io::ErrorKind::NotADirectory => SpawnError::NotADirectory { dir },
        io::ErrorKind::PermissionDenied => SpawnError::DirectoryDenied { dir },
        _ => SpawnError::Refused { file: dir, reason: error.to_string() },
    }
}

/// The file to execute for `command`; a relative one is meant from `dir`.
pub(super) fn find(command: &OsStr, path: Option<&OsStr>, dir: &Path) -> Result<PathBuf, SpawnError> {
    if command.is_empty() {
        return Err(SpawnError::EmptyCommand);
    }
    if command.as_bytes().contains(&b'/') {
        let file = PathBuf::from(command);
        return match check(&dir.join(&file)) {
            Verdict::Executable => Ok(file),
            Verdict::Absent => Err(SpawnError::NoSuchFile {
                command: command.to_string_lossy().into_owned(),
                dir: dir.to_owned(),
            }),
            Verdict::Unusable(reason) => Err(SpawnError::NotExecutable { file: dir.join(file), reason }),
        };
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut unusable = None;
    for entry in path.as_bytes().split(|&byte| byte == b':') {
        // An empty entry means the working directory.
        let entry = if entry.is_empty() { b"." } else { entry };
        let file = Path::new(OsStr::from_bytes(entry)).join(command);
        match check(&dir.join(&file)) {
            Verdict::Executable => return Ok(file),
            Verdict::Absent => {}
            Verdict::Unusable(reason) => {
                unusable.get_or_insert(SpawnError::NotExecutable { file: dir.join(file), reason });
            }
        }
    }
    Err(unusable.unwrap_or_else(|| SpawnError::NotFound {
        command: command.to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
    }))
}

/// Whether a file that the kernel does not know how to execute is text that a shell may try.
pub(super) fn is_shell_text(file: &Path) -> bool {
    let mut start = [0; FIRST_LINE_BYTES];
    // The file may have been replaced by a pipe that nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(file, flags, Mode::empty());
    let Ok(length) = file.and_then(|file| rustix::io::read(file, &mut start)) else { return false };
    let line = start[..length].split(|&byte| byte == b'\n').next().unwrap_or_default();
    !line.contains(&0)
}

enum Verdict {
    Executable,
    Absent,
    Unusable(NotExecutable),
}

fn check(file: &Path) -> Verdict {
    match fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Verdict::Unusable(NotExecutable::NotAFile),
        Ok(_) => match rustix::fs::accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS) {
            Err(Errno::ACCESS) => Verdict::Unusable(NotExecutable::Permission),
            // Other answers are left to exec itself, which says more.
            _ => Verdict::Executable,
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Verdict::Unusable(NotExecutable::Permission)
        }
        Err(_) => Verdict::Absent,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, mode) in [("a/tool", 0o644), ("b/tool", 0o755), ("a/plain", 0o644), ("here", 0o755)] {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "exit 0\n").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir(dir.path().join("a/folder")).unwrap();
        dir
    }

    fn find_in(dir: &Path, command: &str, path: Option<&str>) -> Result<PathBuf, SpawnError> {
        find(OsStr::new(command), path.map(OsStr::new), dir)
    }

    #[test]
    fn path_is_searched_in_order_past_what_cannot_be_executed() {
        let dir = tree();
        assert_eq!(find_in(dir.path(), "tool", Some("a:b")), Ok("b/tool".into()));
        assert_eq!(find_in(dir.path(), "tool", Some("nowhere:b")), Ok("b/tool".into()));
        assert_eq!(find_in(dir.path(), "here", Some("a:")), Ok("./here".into()));
        assert_eq!(find_in(dir.path(), "sh", None), Ok("/bin/sh".into()));
    }

    #[test]
    fn a_name_with_a_slash_is_meant_from_the_directory() {
        let dir = tree();
        assert_eq!(find_in(dir.path(), "./b/tool", Some("/bin")), Ok("./b/tool".into()));
        let error = find_in(dir.path(), "./tool", Some("b")).unwrap_err();
        assert_eq!(error, SpawnError::NoSuchFile { command: "./tool".into(), dir: dir.path().into() });
    }

    #[test]
    fn failures_are_told_apart() {
        let dir = tree();
        let not_found = find_in(dir.path(), "nope", Some("a:b")).unwrap_err();
        assert_eq!(not_found, SpawnError::NotFound { command: "nope".into(), path: "a:b".into() });
        assert!(not_found.to_string().contains("`nope` not found in PATH=a:b"));
        let plain = find_in(dir.path(), "plain", Some("a:b")).unwrap_err();
        assert!(matches!(plain, SpawnError::NotExecutable { reason: NotExecutable::Permission, .. }));
        let folder = find_in(dir.path(), "a/folder", None).unwrap_err();
        assert!(matches!(folder, SpawnError::NotExecutable { reason: NotExecutable::NotAFile, .. }));
        assert_eq!(find_in(dir.path(), "", None), Err(SpawnError::EmptyCommand));
        let file = dir.path().join("here");
        assert_eq!(check_directory(&file), Err(SpawnError::NotADirectory { dir: file.clone() }));
        let below = file.join("x");
        assert_eq!(check_directory(&below), Err(SpawnError::NotADirectory { dir: below }));
        let gone = dir.path().join("gone");
        assert_eq!(check_directory(&gone), Err(SpawnError::NoSuchDirectory { dir: gone }));
    }

    #[test]
    fn text_is_told_from_programs() {
        let dir = tree();
        let binary = dir.path().join("binary");
        fs::write(&binary, b"\x7fELF\0\0\0\n").unwrap();
        assert!(is_shell_text(&dir.path().join("here")));
        assert!(!is_shell_text(&binary));
    }
}
