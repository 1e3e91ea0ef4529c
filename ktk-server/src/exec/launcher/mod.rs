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
//! Attempts get no cgroup of their own. Moving a process into one waits for all forks and exits of the machine:
//! measured, 75 µs in a burst, but 11 ms (the median) when the last move was 20 ms ago, and nothing else can be
//! started meanwhile. An unprivileged server seldom has a subtree that it may write to, so all of the above would be
//! needed anyway. What is lost: an orphan that left its session and cleared its environment is known as its
//! attempt's only when it can be nobody else's, and is not found again when the launcher was killed.
//!
//! Nothing here knows tasks, stores or logs, and nothing but this module starts processes. Linux only.

mod attempts;
mod channel;
mod client;
mod connection;
mod ending;
mod error;
mod leftovers;
mod link;
mod lookup;
mod mark;
mod output;
mod process;
mod protocol;
mod request;
mod spawn;
mod supervisor;
mod times;
mod tree;
mod unsafe_sys;

pub use client::{Launcher, LauncherConfig};
pub use error::{NotExecutable, SpawnError};
pub use leftovers::kill_leftovers;
pub use mark::Mark;
pub use output::Output;
pub use process::{Ended, Process, Running};
pub use request::SpawnRequest;
pub use supervisor::run;
pub use times::{Ticks, ticks_of};
