//! What a server that was started by itself does first: it leaves its caller.

use std::{fs, io, os::unix::process::CommandExt as _, process::Command};

use crate::env;

/// `O_CLOEXEC` in `/proc/self/fdinfo`.
const CLOSE_ON_EXEC: u64 = 0o2_000_000;

/// Begins a session of its own and lets go of every descriptor but the three standard ones.
///
/// To be called first of all by `server run --auto-started`, before any thread, file or socket
/// of its own: descriptors that the caller's caller left open (a lock of a shell script, a pipe
/// of make) are marked and the program executes itself once more, with the same arguments.
///
/// ```no_run
/// ktk_client::client::local::detach()?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Where the program cannot be executed again.
pub fn detach() -> io::Result<()> {
    // Fails only where a session of its own has begun already.
    let _ = rustix::process::setsid();
    if !has_inherited_descriptors() {
        return Ok(());
    }
    close_fds::CloseFdsBuilder::new().cloexecfrom(3);
    if has_inherited_descriptors() {
        // Once more would be no better.
        return Ok(());
    }
    let (name, arguments) = env::command_line();
    let mut again = Command::new(env::own_program());
    if let Some(name) = name {
        again.arg0(name);
    }
    Err(again.args(arguments).exec())
}

/// Whether a descriptor beyond the standard ones outlives an exec: all that this program opens
/// do not, so it came from a caller. Where there is no `/proc`, none is known.
fn has_inherited_descriptors() -> bool {
    let Ok(entries) = fs::read_dir("/proc/self/fdinfo") else { return false };
    entries.flatten().any(|entry| {
        let is_standard = entry.file_name().to_str().is_none_or(|name| matches!(name, "0" | "1" | "2"));
        !is_standard
            && fs::read_to_string(entry.path()).is_ok_and(|info| {
                let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
                let flags = flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok());
                flags.is_some_and(|flags| flags & CLOSE_ON_EXEC == 0)
            })
    })
}
