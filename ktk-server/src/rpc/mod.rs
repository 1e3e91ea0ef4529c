//! JSON-RPC 2.0: from the bytes of a request to typed methods, and back.
//!
//! What the methods do is registered from outside; how the bytes travel is the matter of `http`.

pub mod attempt;
pub mod auth;
mod batch;
pub mod discover;
mod doubled;
pub mod event;
mod expressions;
mod frame;
mod local;
pub mod node;
pub mod object;
pub mod pipeline;
pub mod queue;
pub mod restart;
pub mod rights;
mod router;
pub mod semaphore;
pub mod server;
pub mod task;
pub mod task_type;
#[cfg(test)]
mod tests;
pub mod token;
pub mod usage;
pub mod worker;

pub use local::LocalTransport;
pub use router::{Router, RouterBuilder};

use crate::engine::operation::By;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is for the engine, and what it may reach there.
    pub by: By,
    /// The user of its process, where it is known.
    pub uid: Option<u32>,
    /// The server's own worker.
    pub is_worker: bool,
}

impl Caller {
    /// A process of this user, on the other end of a socket.
    pub fn user(uid: u32) -> Self {
        Self { by: format!("uid:{uid}").into(), uid: Some(uid), is_worker: false }
    }

    /// Whoever speaks with a token from somewhere.
    pub fn bearer(by: By) -> Self {
        Self { by, uid: None, is_worker: false }
    }

    /// The worker in the server's own process.
    pub fn own_worker() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self { by: "ktk".into(), uid: Some(uid), is_worker: true }
    }
}

/// Registers a method whose handler gets the engine, the caller and the parameters.
macro_rules! method {
    ($router:expr, $engine:expr, $method:ty, |$own:ident, $caller:ident, $params:ident| $body:block) => {{
        let engine = std::sync::Arc::clone($engine);
        $router.method::<$method, _, _>(move |$caller, $params| {
            let $own = std::sync::Arc::clone(&engine);
            async move { $body }
        })
    }};
}
use method;
