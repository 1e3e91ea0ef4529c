//! The binary: runs the library and leaves with its exit code.

use std::process::ExitCode;

/// The server takes and gives back small pieces all the time, on several threads: with this
/// one it does a fifth more.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ktk::main()
}
