//! The socket: where it may lie, whose it is, and what happens to one that was left there.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use tokio::net::{UnixListener, UnixStream};

use crate::limits::SOCKET_PATH_BYTES;

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "the path of the socket has {length} bytes, and {SOCKET_PATH_BYTES} is the most: choose a shorter one \
         than {}", path.display()
    )]
    TooLong { path: PathBuf, length: usize },
    #[error("{} is no directory of this user alone: {reason}", path.display())]
    Directory { path: PathBuf, reason: String },
    #[error("{} is in the way: {reason}", path.display())]
    Occupied { path: PathBuf, reason: &'static str },
    #[error("another server listens on {}", .0.display())]
    InUse(PathBuf),
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// An open socket. It is removed when this is dropped, unless another one has taken its place.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl Listener {
    /// Opens the socket at `path`: clients can connect from now on. Its directory is made where it is missing.
    /// Call it inside a runtime.
    ///
    /// # Errors
    /// When the path is too long, the directory others' or open to them, or something else lies at `path`: all
    /// but a dead socket of this user is left as it is.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let length = path.as_os_str().as_bytes().len();
        if length > SOCKET_PATH_BYTES {
            return Err(BindError::TooLong { path: path.to_owned(), length });
        }
        let failed = |action| move |source| BindError::Io { action, path: path.to_owned(), source };
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        own_directory(directory)?;
        // Held until the socket is there: of two servers that find a dead one, the second finds a live one.
        let lock = open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .and_then(|lock| flock(&lock, FlockOperation::LockExclusive).map(|()| lock))
            .map_err(|errno| failed("lock the directory of")(errno.into()))?;
        remove_dead(path)?;
        let listener = UnixListener::bind(path).map_err(failed("listen on"))?;
        // Until here the directory alone kept others out.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed("close to others"))?;
        let metadata = fs::symlink_metadata(path).map_err(failed("look at"))?;
        drop(lock);
        Ok(Self { listener, path: path.to_owned(), identity: identity(&metadata) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            // Where this fails the next server finds a dead socket.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Makes the directory where it is missing, and refuses one that others can reach into.
fn own_directory(path: &Path) -> Result<(), BindError> {
    let refused = |reason: String| BindError::Directory { path: path.to_owned(), reason };
    let failed = |action| move |source| BindError::Io { action, path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make"))?;
    let metadata = fs::symlink_metadata(path).map_err(failed("look at"))?;
    if !metadata.is_dir() {
        return Err(refused("it is a link or a file".to_owned()));
    }
    if !is_own(&metadata) {
        return Err(refused(format!("it belongs to uid {}", metadata.uid())));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(format!("its mode is {mode:o}, run chmod 700 on it")));
    }
    Ok(())
}

/// Removes a socket that this user left and nobody listens on; refuses anything else.
fn remove_dead(path: &Path) -> Result<(), BindError> {
    let occupied = |reason| BindError::Occupied { path: path.to_owned(), reason };
    let failed = |action| move |source| BindError::Io { action, path: path.to_owned(), source };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata.map_err(failed("look at"))?,
    };
    if !metadata.file_type().is_socket() {
        return Err(occupied("it is no socket; move it away"));
    }
    if !is_own(&metadata) {
        return Err(occupied("it is another user's socket"));
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(failed("remove the dead socket")),
        // A full queue is somebody's, too.
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Err(BindError::InUse(path.to_owned())),
        Err(errno) => Err(failed("find out whether anybody listens on")(errno.into())),
    }
}

/// Connects, without waiting.
fn knock(path: &Path) -> Result<(), Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}
