//! JSON-RPC 2.0: from the bytes of a request to typed methods, and back.
//!
//! What the methods do is registered from outside; how the bytes travel is the matter of `http`.

mod batch;
mod decode;
mod frame;
mod local;
mod router;
#[cfg(test)]
mod tests;

pub(crate) use decode::decode;
pub use local::LocalTransport;
pub use router::{Router, RouterBuilder};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As objects show it: `uid:1000`.
    pub by: String,
    /// The user of its process.
    pub uid: u32,
    /// The server's own worker.
    pub is_worker: bool,
}

impl Caller {
    /// A process of this user, on the other end of a socket.
    pub fn user(uid: u32) -> Self {
        Self { by: format!("uid:{uid}"), uid, is_worker: false }
    }

    /// The worker in the server's own process.
    pub fn own_worker() -> Self {
        Self { is_worker: true, ..Self::user(rustix::process::geteuid().as_raw()) }
    }
}
