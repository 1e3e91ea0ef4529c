//! Turns a request into a running command: looks it up, executes it, and says what is wrong when that fails.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::process::Pid;

use super::error::{NotExecutable, SpawnError};
use super::lookup;
use super::protocol::Spawn;
use super::unsafe_sys::{ChildStack, Failure, Program, spawn};

const SHELL: &CStr = c"/bin/sh";

/// The descriptors of one request, in the order in which they are sent.
pub(super) struct Stdio {
    stdout: OwnedFd,
    stderr: OwnedFd,
    stdin: Option<OwnedFd>,
}

impl Stdio {
    pub(super) fn take(request: &Spawn<'_>, received: &mut VecDeque<OwnedFd>) -> Option<Stdio> {
        let (stdout, stderr) = (received.pop_front()?, received.pop_front()?);
        let stdin = if request.has_stdin { Some(received.pop_front()?) } else { None };
        Some(Stdio { stdout, stderr, stdin })
    }
}

/// Starts what `request` asks for; `null` is its standard input if it has none.
pub(super) fn start(
    request: &Spawn<'_>,
    stdio: &Stdio,
    null: BorrowedFd<'_>,
    stack: &mut ChildStack,
) -> Result<Pid, SpawnError> {
    let dir = Path::new(OsStr::from_bytes(request.dir.to_bytes()));
    lookup::check_directory(dir)?;
    let command = request.argv.first().ok_or(SpawnError::EmptyCommand)?;
    let path = request.env.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
    let found = lookup::find(OsStr::from_bytes(command.to_bytes()), path.map(OsStr::from_bytes), dir)?;
    let file = CString::new(found.clone().into_os_string().into_vec())
        .expect("made of parts that ended at their first NUL");
    let stdin = stdio.stdin.as_ref().map_or(null, AsFd::as_fd);
    let mut program = Program {
        file: &file,
        argv: &request.argv,
        env: &request.env,
        dir: request.dir,
        stdio: [stdin, stdio.stdout.as_fd(), stdio.stderr.as_fd()],
    };
    let whole = dir.join(&found);
    let failure = match spawn(stack, &program) {
        Ok(pid) => return Ok(pid),
        Err(Failure::Exec(error)) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            if !lookup::is_shell_text(&whole) {
                return Err(SpawnError::NotExecutable { file: whole, reason: NotExecutable::Format });
            }
            // A script without `#!` is the shell's, as for execvp.
            let arguments = request.argv.iter().skip(1).copied();
            let argv: Vec<&CStr> = [SHELL, &file].into_iter().chain(arguments).collect();
            program.file = SHELL;
            program.argv = &argv;
            match spawn(stack, &program) {
                Ok(pid) => return Ok(pid),
                Err(failure) => failure,
            }
        }
        Err(failure) => failure,
    };
    Err(explain(failure, dir, &whole))
}

fn explain(failure: Failure, dir: &Path, file: &Path) -> SpawnError {
    let (Failure::Clone(error) | Failure::Setup(error) | Failure::Directory(error) | Failure::Exec(error)) =
        &failure;
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => {
            return SpawnError::NoRoom { reason: error.to_string() };
        }
        Some(libc::E2BIG) => return SpawnError::TooLarge,
        _ => {}
    }
    let file = file.to_owned();
    match (&failure, error.kind()) {
        (Failure::Directory(_), _) => lookup::directory_error(dir, error),
        (Failure::Exec(_), io::ErrorKind::NotFound) => SpawnError::NoInterpreter { file },
        (Failure::Exec(_), io::ErrorKind::PermissionDenied) => {
            SpawnError::NotExecutable { file, reason: NotExecutable::Permission }
        }
        _ => SpawnError::Refused { file, reason: error.to_string() },
    }
}
