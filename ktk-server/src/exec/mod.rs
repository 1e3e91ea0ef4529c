//! How attempts are run: processes, through the launcher, and requests.

pub mod environment;
pub mod http;
pub mod launcher;
pub mod log_end;
pub mod mask;
pub mod outputs;
pub mod place;
pub mod process;
pub mod pump;
pub mod starter;
pub mod usage;
