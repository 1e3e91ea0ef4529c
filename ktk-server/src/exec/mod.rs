//! How attempts are run: processes, through the launcher.

mod directories;
pub mod environment;
pub mod launcher;
pub mod outputs;
pub mod place;
pub mod process;
pub mod pump;
pub mod starter;
