//! What the client would like to tell the user: it never prints, it calls a hook.

use std::{fmt, path::PathBuf, sync::Arc};

/// Something that the user should know. `Display` is the line to print.
///
/// ```
/// use ktk_client::client::Notice;
/// let notice = Notice::ServerStarted { pid: 4711, data_dir: "/home/ada/.local/share/ktk".into() };
/// assert!(notice.to_string().contains("/home/ada/.local/share/ktk"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Nobody answered, so the local server was started.
    ServerStarted {
        /// Its process.
        pid: u32,
        /// Its data directory.
        data_dir: PathBuf,
    },
    /// A server that was started by itself was older than this program, and idle: a new one
    /// has taken its place.
    ServerReplaced {
        /// What the old one was.
        version: String,
    },
    /// The server is older than this program and was left as it is.
    ServerOlder {
        /// What the server is.
        version: String,
        /// What this program is.
        own_version: String,
    },
    /// A server holds the data directory and does not answer: it is being stopped, or about to
    /// answer. The call waits for either.
    WaitingForStop,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerStarted { pid, data_dir } => {
                write!(f, "started the local server (pid {pid}, data in {})", data_dir.display())
            }
            Self::ServerReplaced { version } => {
                write!(f, "replaced the local server of version {version}, which was idle")
            }
            Self::ServerOlder { version, own_version } => write!(
                f,
                "the server is older ({version}) than this program ({own_version}): \
                 `ktk server stop` lets the next command start the new one"
            ),
            Self::WaitingForStop => f.write_str("waiting for the server, which is starting or being stopped"),
        }
    }
}

/// How the connection of something that follows is doing. Announced once for each change.
///
/// ```
/// use ktk_client::client::ConnectionState;
/// let is_lost = |state: ConnectionState| matches!(state, ConnectionState::Lost { .. });
/// assert!(!is_lost(ConnectionState::Restored));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// The connection is gone and a first try to get it back has failed; further tries follow.
    Lost {
        /// What the last try failed with.
        error: String,
    },
    /// The connection is back; nothing was missed.
    Restored,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { error } => write!(f, "{error}; waiting for it to come back"),
            Self::Restored => f.write_str("the server is back"),
        }
    }
}

/// Called with what the user should know.
///
/// ```
/// use std::sync::Arc;
/// use ktk_client::client::NoticeHook;
/// let hook: NoticeHook = Arc::new(|notice| eprintln!("{notice}"));
/// # drop(hook);
/// ```
pub type NoticeHook = Arc<dyn Fn(Notice) + Send + Sync>;

/// Called once for each change of a connection's state.
///
/// ```
/// use std::sync::Arc;
/// use ktk_client::client::ConnectionHook;
/// let hook: ConnectionHook = Arc::new(|state| eprintln!("{state}"));
/// # drop(hook);
/// ```
pub type ConnectionHook = Arc<dyn Fn(ConnectionState) + Send + Sync>;
