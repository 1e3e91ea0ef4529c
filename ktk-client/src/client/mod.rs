//! The typed client: speaks to a server, starts the local one where there is none.
//!
//! [`Client`] is made by [`Client::try_default`] or [`Client::builder`]; its verbs are grouped
//! by kind: [`Client::tasks`], [`Client::pipelines`], [`Client::queues`], [`Client::semaphores`], [`Client::task_types`],
//! [`Client::nodes`], [`Client::events`], [`Client::server`]. What follows changes: [`Client::watch`], [`Client::logs`],
//! [`Client::follow`], [`Client::wait`].
//!
//! Nothing here prints: what a user should know goes to the builder's hooks.

mod apply;
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
mod observed;
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
pub use observed::{Exchange, ExchangeHook};
pub use remote::{NetAddress, read_document};
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
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// use ktk_client::Client;
    /// let client = Client::try_default().await?;
    /// println!("{}", client.server().status().await?.version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] where a variable cannot be used.
    pub async fn try_default() -> Result<Self> {
        Self::builder().build()
    }

    /// A client with settings of its own.
    ///
    /// ```no_run
    /// use ktk_client::Client;
    /// # fn example() -> Result<(), ktk_client::Error> {
    /// let media = Client::builder().context("production").namespace("media").build()?;
    /// # drop(media);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client over a way of one's own: to a server in the same process, or to a test's.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ktk_client::{Client, Error, client::{BoxFuture, SseByteStream, Transport}};
    /// /// Answers each call in the same way.
    /// struct Canned(&'static str);
    /// impl Transport for Canned {
    ///     fn address(&self) -> String {
    ///         "canned".into()
    ///     }
    ///     fn call(&self, _body: bytes::Bytes) -> BoxFuture<'_, Result<bytes::Bytes, Error>> {
    ///         Box::pin(async { Ok(self.0.into()) })
    ///     }
    ///     fn stream(&self, _: String, _: Option<String>) -> BoxFuture<'_, Result<SseByteStream, Error>> {
    ///         Box::pin(async { Err(Error::ServerStopping) })
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let refusal = r#"{"jsonrpc": "2.0", "id": 1, "error": {
    ///     "code": -32000, "message": "Task \"x\" not found", "data": {"reason": "NotFound"}}}"#;
    /// let client = Client::with_transport(Arc::new(Canned(refusal)));
    /// assert!(client.tasks().get("x").await.unwrap_err().is_not_found());
    /// # }
    /// ```
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
    ///
    /// ```
    /// # fn example(client: ktk_client::Client) {
    /// let media = client.in_namespace("media");
    /// assert_eq!(media.namespace(), "media");
    /// # }
    /// ```
    #[must_use]
    pub fn in_namespace(&self, namespace: impl Into<String>) -> Self {
        Self { shared: self.shared.clone(), namespace: namespace.into().into() }
    }

    /// The same server, spoken to with this token: a running attempt's speaks for that attempt alone. Over a way
    /// that knows no tokens, the client as it is.
    ///
    /// ```
    /// use ktk_client::{Client, api::Secret};
    /// # fn example(client: Client, token: &Secret) {
    /// let dashboard = client.with_token(token);
    /// # drop(dashboard);
    /// # }
    /// ```
    #[must_use]
    pub fn with_token(&self, token: &Secret) -> Self {
        let Some(transport) = self.shared.transport.with_token(token) else { return self.clone() };
        let on_connection = self.shared.on_connection.clone();
        Self::assemble(transport, &self.namespace, self.shared.timeout, on_connection)
    }

    /// The namespace that is meant where none is named.
    ///
    /// ```
    /// # fn example(client: ktk_client::Client) {
    /// println!("{}", client.namespace());
    /// # }
    /// ```
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where the server is, for messages.
    ///
    /// ```
    /// # fn example(client: ktk_client::Client) {
    /// println!("speaking to {}", client.address());
    /// # }
    /// ```
    pub fn address(&self) -> String {
        self.shared.transport.address()
    }

    /// Tasks of the client's namespace.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{}", client.tasks().get("thumbnails").await?.incarnation_name());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tasks(&self) -> task::Tasks {
        task::Tasks::new(self.clone())
    }

    /// Pipelines of the client's namespace.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.pipelines().restart("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn pipelines(&self) -> pipeline::Pipelines {
        pipeline::Pipelines::new(self.clone())
    }

    /// Servers and workers.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{} nodes", client.nodes().list(Default::default()).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn nodes(&self) -> node::Nodes {
        node::Nodes::new(self.clone())
    }

    /// Where tasks wait.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.queues().pause("nightly").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn queues(&self) -> queue::Queues {
        queue::Queues::new(self.clone())
    }

    /// Named limits of permits.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.semaphores().scale("gpu", 4).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn semaphores(&self) -> semaphore::Semaphores {
        semaphore::Semaphores::new(self.clone())
    }

    /// Named, versioned definitions of work.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{}", client.task_types().get("resize").await?.reference());
    /// # Ok(())
    /// # }
    /// ```
    pub fn task_types(&self) -> task_type::TaskTypes {
        task_type::TaskTypes::new(self.clone())
    }

    /// Credentials of people and programs.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// client.tokens().delete("dashboard").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tokens(&self) -> token::Tokens {
        token::Tokens::new(self.clone())
    }

    /// Who the caller is, and what they may do.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{}", client.auth().whoami().await?.name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn auth(&self) -> auth::Auth {
        auth::Auth::new(self.clone())
    }

    /// What happened to objects of the client's namespace.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{} events", client.events().list(Default::default()).await?.items.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> event::Events {
        event::Events::new(self.clone())
    }

    /// The server itself.
    ///
    /// ```no_run
    /// # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
    /// println!("{}", client.server().status().await?.data_dir);
    /// # Ok(())
    /// # }
    /// ```
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
