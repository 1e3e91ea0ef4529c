//! The typed client: speaks to a server, starts the local one where there is none.
//!
//! [`Client`] is made by [`Client::try_default`] or [`Client::builder`]; its verbs are grouped
//! by kind: [`Client::tasks`], [`Client::pipelines`], [`Client::queues`], [`Client::semaphores`], [`Client::task_types`],
//! [`Client::nodes`], [`Client::events`], [`Client::server`]. What follows changes: [`Client::watch`], [`Client::logs`],
//! [`Client::follow`], [`Client::wait`].
//!
//! Nothing here prints: what a user should know goes to the builder's hooks.

mod attempt;
pub mod auth;
mod builder;
mod call;
mod change;
pub mod changes;
pub(crate) mod clock;
mod condition;
pub mod creating;
pub(crate) mod entropy;
mod error;
pub mod event;
#[cfg(test)]
pub(crate) mod fake;
mod feed;
pub mod follow;
mod http;
pub mod local;
pub mod log;
pub mod node;
pub mod notice;
pub mod object;
pub mod paging;
pub(crate) mod pause;
pub mod pipeline;
mod query;
pub mod queue;
mod reading;
mod remote;
pub mod restart;
pub mod semaphore;
pub mod server;
mod sse;
pub mod task;
pub mod task_type;
#[cfg(test)]
mod tests;
pub mod token;
mod tracked;
mod transport;
pub mod wait;
pub mod watch;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64},
};

pub use builder::{Autostart, ClientBuilder, ServerAddress};
pub use call::CallOptions;
pub(crate) use error::io_error_in;
pub use error::{Error, Result};
pub use notice::{ConnectionHook, ConnectionState, Notice, NoticeHook};
pub use remote::NetAddress;
pub use transport::{BoxFuture, Revival, SseByteStream, Transport};

use crate::{
    api::{DEFAULT_NAMESPACE, ObjectRef, Secret, meta::StringMap},
    limits,
};

/// A server, as a program speaks to it. Cheap to clone; clones share the connection.
///
/// ```no_run
/// use ktk_client::Client;
///
/// # async fn example() -> Result<(), ktk_client::Error> {
/// let client = Client::try_default().await?;
/// let task = client.tasks().get("build-web").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    namespace: Arc<str>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    timeout: std::time::Duration,
    on_connection: Option<ConnectionHook>,
    next_call: AtomicU64,
    /// Whether the server ever answered: who follows then waits for it to come back.
    answered: AtomicBool,
    caller_env: OnceLock<StringMap>,
}

impl Client {
    /// The server that the environment names (`KTK_SERVER`, `KTK_DATA_DIR`, `KTK_NAMESPACE`,
    /// `KTK_AUTOSTART`, `KTK_BIN`), else this user's local one. Connects with the first call,
    /// which starts the local server where nothing listens.
    ///
    /// # Errors
    /// [`Error::Config`] where a variable cannot be used.
    pub async fn try_default() -> Result<Self> {
        Self::builder().build()
    }

    /// A client with settings of its own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client over a way of one's own: to a server in the same process, or to a test's.
    pub fn with_transport(transport: Arc<dyn Transport>) -> Self {
        Self::assemble(transport, DEFAULT_NAMESPACE, limits::CALL_TIMEOUT, None)
    }

    fn assemble(
        transport: Arc<dyn Transport>,
        namespace: &str,
        timeout: std::time::Duration,
        on_connection: Option<ConnectionHook>,
    ) -> Self {
        let shared = Shared {
            transport,
            timeout,
            on_connection,
            next_call: AtomicU64::new(1),
            answered: AtomicBool::new(false),
            caller_env: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), namespace: namespace.into() }
    }

    /// The same server, with another namespace where none is named.
    #[must_use]
    pub fn in_namespace(&self, namespace: impl Into<String>) -> Self {
        Self { shared: self.shared.clone(), namespace: namespace.into().into() }
    }

    /// The same server, spoken to with this token: a running attempt's speaks for that attempt alone. Over a way
    /// that knows no tokens, the client as it is.
    #[must_use]
    pub fn with_token(&self, token: &Secret) -> Self {
        let Some(transport) = self.shared.transport.with_token(token) else { return self.clone() };
        let on_connection = self.shared.on_connection.clone();
        Self::assemble(transport, &self.namespace, self.shared.timeout, on_connection)
    }

    /// The namespace that is meant where none is named.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where the server is, for messages.
    pub fn address(&self) -> String {
        self.shared.transport.address()
    }

    /// Tasks of the client's namespace.
    pub fn tasks(&self) -> task::Tasks {
        task::Tasks::new(self.clone())
    }

    /// Pipelines of the client's namespace.
    pub fn pipelines(&self) -> pipeline::Pipelines {
        pipeline::Pipelines::new(self.clone())
    }

    /// Servers and workers.
    pub fn nodes(&self) -> node::Nodes {
        node::Nodes::new(self.clone())
    }

    /// Where tasks wait.
    pub fn queues(&self) -> queue::Queues {
        queue::Queues::new(self.clone())
    }

    /// Named limits of permits.
    pub fn semaphores(&self) -> semaphore::Semaphores {
        semaphore::Semaphores::new(self.clone())
    }

    /// Named, versioned definitions of work.
    pub fn task_types(&self) -> task_type::TaskTypes {
        task_type::TaskTypes::new(self.clone())
    }

    /// Credentials of people and programs.
    pub fn tokens(&self) -> token::Tokens {
        token::Tokens::new(self.clone())
    }

    /// Who the caller is, and what they may do.
    pub fn auth(&self) -> auth::Auth {
        auth::Auth::new(self.clone())
    }

    /// What happened to objects of the client's namespace.
    pub fn events(&self) -> event::Events {
        event::Events::new(self.clone())
    }

    /// The server itself.
    pub fn server(&self) -> server::Server {
        server::Server::new(self.clone())
    }

    fn transport(&self) -> &Arc<dyn Transport> {
        &self.shared.transport
    }

    fn reference(&self, name: impl Into<String>) -> ObjectRef {
        ObjectRef::new(&*self.namespace, name)
    }

    /// The caller's environment, where the server may know it: it is on this machine and this
    /// user's.
    fn caller_env(&self) -> Option<StringMap> {
        let env = || self.shared.caller_env.get_or_init(crate::env::caller_env).clone();
        self.transport().is_local().then(env)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
