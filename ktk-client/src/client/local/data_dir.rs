//! The data directory and the socket that is found from it alone.

use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{api::id::hex, client::Error, limits};

/// In the data directory: held with `flock` by the server that uses it, as long as it lives.
pub const LOCK_FILE: &str = "lock";
/// In the data directory: held with `flock` by whoever starts a server, so that two commands at
/// once start one.
pub const START_LOCK_FILE: &str = "start.lock";
/// In the data directory: the standard error of a server that was started by itself.
pub const LOG_FILE: &str = "server.log";

/// Where the server of a data directory listens: `DATA/run/ktk.sock`, and where that is too
/// long for a socket `/tmp/ktk-UID/<hash>.sock`, UID being the directory's owner. Client and
/// server find the same path, whatever way the directory is written. Nothing is made.
///
/// ```
/// use std::path::Path;
/// let socket = ktk_client::client::local::socket_path(Path::new("/srv/ktk"));
/// println!("{}", socket.display());
/// ```
pub fn socket_path(data_dir: &Path) -> PathBuf {
    let data_dir = canonical(data_dir);
    let path = data_dir.join("run").join("ktk.sock");
    if path.as_os_str().len() <= limits::SOCKET_PATH_BYTES {
        return path;
    }
    let owner = fs::metadata(&data_dir).map_or_else(|_| own_uid(), |data| data.uid());
    let hash = hex(&Sha256::digest(data_dir.as_os_str().as_bytes())[..16]);
    PathBuf::from(format!("/tmp/ktk-{owner}/{hash}.sock"))
}

/// The path without links and dots, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for existing in absolute.ancestors() {
        if let Ok(found) = existing.canonicalize() {
            let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
            // Joining nothing would add a slash.
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    absolute
}

/// Makes the data directory (0700) and the socket's, where they are missing.
///
/// ```no_run
/// ktk_client::client::local::prepare_data_dir("/srv/ktk".as_ref())?;
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// A sentence, where one cannot be made, belongs to somebody else, or lets others in that must
/// not: a server is started in its owner's directory only.
pub fn prepare_data_dir(data_dir: &Path) -> Result<(), String> {
    make_private(data_dir)?;
    check_owner(data_dir)?;
    close_to_others(data_dir)?;
    let socket = socket_path(data_dir);
    let socket_dir = socket.parent().expect("a socket's path has a directory");
    make_private(socket_dir)?;
    check_private(socket_dir, own_uid())
}

/// Refuses to trust a socket in a directory that somebody else could have put there.
pub(super) fn check_socket(socket: &Path, data_dir: &Path) -> Result<(), Error> {
    let Some(socket_dir) =
        socket.parent().filter(|dir| dir.starts_with("/tmp") && !dir.starts_with(data_dir))
    else {
        return Ok(());
    };
    let owner = fs::metadata(data_dir).map_or_else(|_| own_uid(), |data| data.uid());
    if socket_dir.symlink_metadata().is_err() {
        return Ok(());
    }
    check_private(socket_dir, owner).map_err(Error::Config)
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn make_private(directory: &Path) -> Result<(), String> {
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(format!("cannot make the directory {}: {error}", directory.display()))
        }
        _ => Ok(()),
    }
}

fn check_owner(directory: &Path) -> Result<(), String> {
    let data = fs::metadata(directory)
        .map_err(|error| format!("cannot look at the directory {}: {error}", directory.display()))?;
    if !data.is_dir() {
        return Err(format!("{} is no directory", directory.display()));
    }
    if data.uid() != own_uid() {
        return Err(format!(
            "{} belongs to user {}, not to user {}: only its owner starts a server there",
            directory.display(),
            data.uid(),
            own_uid()
        ));
    }
    Ok(())
}

/// What is ktk's, or empty, is closed; what holds something else is its owner's to close.
fn close_to_others(directory: &Path) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot look at the directory {}: {error}", directory.display());
    let mode = fs::metadata(directory).map_err(failed)?.mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let own = [LOCK_FILE, START_LOCK_FILE, LOG_FILE];
    let is_own = own.iter().any(|name| directory.join(name).symlink_metadata().is_ok());
    if !is_own && fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(format!(
            "{} is open to others (mode {:o}) and holds what is not ktk's: choose another directory, or run chmod 700 \
             on it",
            directory.display(),
            mode & 0o777
        ));
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        .map_err(|error| format!("cannot close the directory {} to others: {error}", directory.display()))
}

/// A directory of this owner's that nobody else can write to or look into, and no link.
fn check_private(directory: &Path, owner: u32) -> Result<(), String> {
    let data = fs::symlink_metadata(directory)
        .map_err(|error| format!("cannot look at the directory {}: {error}", directory.display()))?;
    if !data.is_dir() || data.uid() != owner || data.mode() & 0o077 != 0 {
        return Err(format!(
            "{} must be a directory of user {owner} with mode 0700: remove it, or set KTK_DATA_DIR to another place",
            directory.display()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_socket_is_in_the_data_directory_whatever_its_path_is_written_like() {
        let place = tempfile::tempdir().expect("a directory");
        let data = place.path().canonicalize().expect("a path").join("data");
        let socket = socket_path(&data);
        assert_eq!(socket, data.join("run/ktk.sock"));
        prepare_data_dir(&data).expect("a new directory");
        assert_eq!(fs::metadata(&data).expect("made").permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(data.join("run")).expect("made").permissions().mode() & 0o777, 0o700);
        symlink(&data, place.path().join("link")).expect("a link");
        assert_eq!(socket_path(&place.path().join("link")), socket);
        assert_eq!(socket_path(&data.join("run/..")), socket);
    }

    #[test]
    fn a_path_too_long_for_a_socket_gets_a_short_one() {
        let place = tempfile::tempdir().expect("a directory");
        let data = place.path().join("d".repeat(120));
        let before = socket_path(&data);
        assert!(before.starts_with(format!("/tmp/ktk-{}", own_uid())), "{before:?}");
        assert!(before.as_os_str().len() <= limits::SOCKET_PATH_BYTES);
        fs::create_dir(&data).expect("made");
        assert_eq!(socket_path(&data), before);
        assert_ne!(socket_path(&place.path().join("e".repeat(120))), before);
    }

    #[test]
    fn a_directory_that_lets_others_in_is_refused_for_a_socket() {
        let place = tempfile::tempdir().expect("a directory");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        assert!(check_private(place.path(), own_uid()).expect_err("open to others").contains("0700"));
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).expect("ours");
        assert_eq!(check_private(place.path(), own_uid()), Ok(()));
        assert!(check_private(place.path(), own_uid() + 1).is_err());
        let link = place.path().join("link");
        symlink(place.path(), &link).expect("a link");
        assert!(check_private(&link, own_uid()).is_err());
    }

    #[test]
    fn a_directory_that_others_can_read_is_closed_or_refused() {
        let place = tempfile::tempdir().expect("a directory");
        let data = place.path().join("data");
        fs::create_dir(&data).expect("ours");
        let open = || fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).expect("ours");
        let mode = || fs::metadata(&data).expect("there").permissions().mode() & 0o777;
        open();
        prepare_data_dir(&data).expect("it is empty");
        assert_eq!(mode(), 0o700);
        // It has the socket's directory by now, which is not enough to know it by.
        open();
        assert!(prepare_data_dir(&data).expect_err("it may be anything").contains("chmod 700"));
        assert_eq!(mode(), 0o755, "what is not ktk's stays as it is");
        fs::write(data.join(LOCK_FILE), "").expect("ours");
        prepare_data_dir(&data).expect("it is ktk's");
        assert_eq!(mode(), 0o700);
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(prepare_data_dir(&file).is_err());
        assert!(prepare_data_dir(&file.join("below")).expect_err("below a file").contains("cannot make"));
    }
}
