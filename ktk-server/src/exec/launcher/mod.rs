//! Starts the processes of attempts, and sees to it that none outlives its attempt.
//!
//! The server does not start processes itself: forking from a large heap is slow, and somebody must survive the
//! server to clean up after it. A *launcher* does, a small single-threaded process of the same binary
//! ([`run`]), which the server holds by a socket ([`Launcher`]).
//!
//! * The server makes the pipes of an attempt's output and hands the write ends over; no output flows through
//!   the launcher.
//! * Each attempt's command leads a session and a process group of its own, and gets PDEATHSIG.
//! * The launcher is a child subreaper: whatever a task leaves behind becomes its child. It knows whose it is by
//!   the session, the group, or the mark ([`Mark`]) in its environment, and stops it before it reports the end.
//! * When the socket closes, for whatever reason, it stops every attempt.
//! * When the launcher itself is killed, the commands die by PDEATHSIG, and [`kill_leftovers`] finds the rest.
//!
//! Attempts get no cgroup of their own. Moving a process into one takes the kernel 80 to 150 µs when it is idle
//! and stalls every fork and exit of the machine meanwhile, and an unprivileged server seldom has a subtree that
//! it may write to, so all of the above would be needed anyway.
//!
//! Nothing here knows tasks, stores or logs, and nothing but this module starts processes. Linux only.

mod attempts;
mod channel;
mod client;
mod ending;
mod error;
mod leftovers;
mod link;
mod lookup;
mod mark;
mod process;
mod protocol;
mod spawn;
mod supervisor;
mod tree;
mod unsafe_sys;

pub use client::{Launcher, LauncherConfig, SpawnRequest};
pub use error::{NotExecutable, SpawnError};
pub use leftovers::kill_leftovers;
pub use mark::Mark;
pub use process::{Ended, Process, Running};
pub use supervisor::run;
