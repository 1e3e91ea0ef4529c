//! The server over a real socket, in front of a backend that is made up.

mod calls;
mod client;
mod endurance;
pub(super) mod fake;
mod logs;
mod peer;
mod running;
mod socket;
mod watch;
