//! The one place of this crate where the process's environment is read.
