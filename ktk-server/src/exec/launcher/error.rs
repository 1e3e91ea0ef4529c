//! Why a command was not started, in words that say what to do. It crosses the protocol as it is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Why an attempt's command was not started. Nothing of it has run, but for `LauncherLost`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum SpawnError {
    #[error("the command is empty: name a program")]
    EmptyCommand,
    #[error(
        "command `{command}` not found in PATH={path}: install it, correct PATH, or give the program's full path"
    )]
    NotFound { command: String, path: String },
    #[error("command `{command}` does not exist (working directory {dir}): correct its path", dir = .dir.display())]
    NoSuchFile { command: String, dir: PathBuf },
    #[error("{file} cannot be executed: {reason}", file = .file.display())]
    NotExecutable { file: PathBuf, reason: NotExecutable },
    #[error(
        "{file} exists, but the interpreter or loader that it names does not: correct its first line, or install it",
        file = .file.display()
    )]
    NoInterpreter { file: PathBuf },
    #[error("working directory {dir} does not exist: create it, or name another one", dir = .dir.display())]
    NoSuchDirectory { dir: PathBuf },
    #[error("working directory {dir} is not a directory: name another one", dir = .dir.display())]
    NotADirectory { dir: PathBuf },
    #[error("working directory {dir} cannot be entered: permission denied", dir = .dir.display())]
    DirectoryDenied { dir: PathBuf },
    #[error("{what} contains a NUL byte, which no process can be given: remove it")]
    NulByte { what: String },
    #[error("`{name}` cannot be the name of an environment variable: it is empty or contains `=`")]
    BadVariable { name: String },
    #[error(
        "the arguments and the environment are larger than the system allows (usually 128 KiB for one, 2 MiB for \
         all): pass large values by a file or standard input"
    )]
    TooLarge,
    #[error(
        "the system has no room for another process now ({reason}): raise its limits, or run less at once"
    )]
    NoRoom { reason: String },
    #[error("the helper process that starts commands has ended")]
    LauncherGone,
    #[error("the helper process that starts commands has ended, maybe after it started this one")]
    LauncherLost,
    #[error("the system refused to start {file}: {reason}", file = .file.display())]
    Refused { file: PathBuf, reason: String },
}

/// Why a file that exists cannot be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NotExecutable {
    #[error("permission denied (try chmod +x, and look at the mount's noexec)")]
    Permission,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is neither a script nor a program for this machine")]
    Format,
}

impl SpawnError {
    /// Whether the same request may succeed a little later with nothing changed.
    pub fn is_transient(&self) -> bool {
        matches!(self, SpawnError::NoRoom { .. } | SpawnError::LauncherGone | SpawnError::LauncherLost)
    }
}
