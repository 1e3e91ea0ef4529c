//! HTTP over a unix socket, and over the network where that is wanted: who may connect, what a request must look like,
//! calls and streams.
//!
//! What is answered comes through [`Backend`]; nothing here knows a task. There is no CORS, no cookie, no compression.
//! Over the socket a request is answered for processes of this user (and root), over the network for whoever has a
//! token.

mod answer;
mod backend;
mod body;
mod channel;
mod connection;
mod feed;
mod gate;
mod linger;
mod logs;
mod net;
mod objects;
mod pace;
mod place;
mod query;
mod rate;
mod refusal;
mod route;
mod server;
mod site;
mod socket;
mod sse;
mod standing;
mod tail;
#[cfg(test)]
mod tests;
mod watch;

pub use backend::{Backend, Identity, Lifecycle, LogTarget};
pub use net::{NetError, NetListener};
pub use rate::Rate;
pub use server::{ServeError, serve};
pub use site::{Config, Timeouts};
pub use socket::{BindError, Listener};
