//! The binary: runs the library and leaves with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ktk::main()
}
