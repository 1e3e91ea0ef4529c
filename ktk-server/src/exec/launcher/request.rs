//! What an attempt is started with: the request as the server writes it, its frame, and the descriptors that go along.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::pipe::PipeFlags;

use super::error::SpawnError;
use super::mark::Mark;
use super::output::Output;
use super::protocol::Spawn;

/// What to start, and where.
#[derive(Clone)]
pub struct SpawnRequest {
    pub mark: Mark,
    pub argv: Vec<String>,
    /// The whole environment, apart from the three variables of `mark`, which replace any of their names here.
    pub env: Vec<(String, String)>,
    /// Must be absolute.
    pub dir: PathBuf,
    /// All of standard input; `None` is `/dev/null`.
    pub stdin: Option<Vec<u8>>,
}

/// Of variables and input no values: they may be secrets, and what panics prints what it holds.
impl fmt::Debug for SpawnRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("SpawnRequest")
            .field("mark", &self.mark)
            .field("argv", &self.argv)
            .field("env", &names)
            .field("dir", &self.dir)
            .field("stdin_bytes", &self.stdin.as_ref().map(Vec::len))
            .finish()
    }
}

pub(super) fn encode(handle: u64, request: &SpawnRequest) -> Result<Vec<u8>, SpawnError> {
    let string = |bytes: &[u8], what: &str| {
        CString::new(bytes).map_err(|_| SpawnError::NulByte { what: what.to_owned() })
    };
    let mut env = Vec::with_capacity(request.env.len() + 3);
    for (name, value) in &request.env {
        if name.is_empty() || name.contains('=') {
            return Err(SpawnError::BadVariable { name: name.clone() });
        }
        if !Mark::is_variable(name) {
            let what = || format!("environment variable `{}`", name.escape_debug());
            env.push(
                CString::new(format!("{name}={value}")).map_err(|_| SpawnError::NulByte { what: what() })?,
            );
        }
    }
    for (name, value) in request.mark.variables() {
        env.push(string(format!("{name}={value}").as_bytes(), "the mark")?);
    }
    let argv = request.argv.iter().map(|argument| string(argument.as_bytes(), "an argument"));
    let argv = argv.collect::<Result<Vec<_>, _>>()?;
    let dir = string(request.dir.as_os_str().as_bytes(), "the working directory")?;
    let spawn = Spawn {
        has_stdin: request.stdin.is_some(),
        dir: &dir,
        argv: argv.iter().map(CString::as_c_str).collect(),
        env: env.iter().map(CString::as_c_str).collect(),
    };
    let mut frame = Vec::new();
    if spawn.encode(handle, &mut frame) { Ok(frame) } else { Err(SpawnError::TooLarge) }
}

/// Our end does not block; theirs does, as programs expect.
pub(super) fn output_pipe() -> io::Result<(Output, OwnedFd)> {
    let (ours, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((Output::new(ours), theirs))
}

/// Nobody has to feed it, and nobody can change it.
pub(super) fn memory_file(content: &[u8]) -> io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut written = 0;
    while written < content.len() {
        written += rustix::io::pwrite(&file, &content[written..], written as u64)?;
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}
