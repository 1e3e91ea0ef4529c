//! HTTP over a unix socket: who may connect, what a request must look like, calls and streams.
//!
//! What is answered comes through [`Backend`]; nothing here knows a task. There is no CORS, no compression and no
//! way to another machine: a request is answered for processes of this user (and root) alone.

mod answer;
mod backend;
mod body;
mod connection;
mod gate;
mod linger;
mod logs;
mod objects;
mod pace;
mod place;
mod query;
mod refusal;
mod route;
mod server;
mod site;
mod socket;
mod sse;
mod tail;
#[cfg(test)]
mod tests;
mod watch;

pub use backend::{Backend, Identity, Lifecycle, LogTarget};
pub use server::{ServeError, serve};
pub use site::{Config, Timeouts};
pub use socket::{BindError, Listener};
