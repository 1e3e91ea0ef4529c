//! Setting up a worker.

use std::{future::Future, sync::Arc};

use uuid::Uuid;

use super::{
    Executor, HandlerContext, HandlerError, Outputs, ShutdownSignal,
    executors::Executors,
    handler::Handler,
    runtime::{Hooks, RegisteredHook, Runtime},
};
use crate::{
    api::worker::{RegisterParams, Registered},
    client::{Client, ConnectionHook, ConnectionState, Result, entropy},
    env,
};

/// Takes tasks from a server and runs them.
///
/// ```no_run
/// use ktk_client::{Client, worker::{HandlerError, Outputs, Shutdown, Worker}};
///
/// # async fn example() -> Result<(), ktk_client::Error> {
/// let worker = Worker::builder(Client::try_default().await?)
///     .name("resizer")
///     .slots(4)
///     .handler("resize", |context| async move {
///         let width = context.grant.inputs["width"].as_u64().ok_or("width is missing")?;
///         Ok::<_, HandlerError>(Outputs::from_iter([("width", width / 2)]))
///     })
///     .build();
/// let (shutdown, signal) = Shutdown::new();
/// let running = tokio::spawn(worker.run(signal));
/// // … when the program is to end:
/// shutdown.drain(None);
/// running.await.expect("a worker does not panic")?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker does nothing unless run"]
pub struct Worker {
    client: Client,
    params: RegisterParams,
    executors: Executors,
    on_connection: Option<ConnectionHook>,
    on_registered: Option<RegisteredHook>,
    is_embedded: bool,
}

impl Worker {
    /// A worker for the tasks of a server. It runs `processors` attempts at once, as `worker`,
    /// under an id of its own, unless said otherwise.
    ///
    /// ```no_run
    /// use ktk_client::{Client, worker::{HandlerError, ShutdownSignal, Worker}};
    /// # async fn example(client: Client) -> ktk_client::client::Result<()> {
    /// let worker = Worker::builder(client).handler("noop", |_| async { Ok::<_, HandlerError>(()) }).build();
    /// worker.run(ShutdownSignal::never()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(client: Client) -> WorkerBuilder {
        let params = RegisterParams {
            id: entropy::new_id(),
            name: "worker".to_owned(),
            role: "worker".to_owned(),
            slots: env::processors(),
            ..RegisterParams::default()
        };
        WorkerBuilder(Self {
            client,
            params,
            executors: Executors::default(),
            on_connection: None,
            on_registered: None,
            is_embedded: false,
        })
    }

    /// Registers and runs attempts until `shutdown` says otherwise. A server that goes away is
    /// waited for: what runs goes on until its lease is lost, then it is stopped.
    ///
    /// ```no_run
    /// use ktk_client::worker::{Shutdown, Worker};
    /// # async fn example(worker: Worker) -> ktk_client::client::Result<()> {
    /// let (shutdown, signal) = Shutdown::new();
    /// let running = tokio::spawn(worker.run(signal));
    /// tokio::signal::ctrl_c().await.expect("signals can be listened to");
    /// shutdown.drain(Some(std::time::Duration::from_secs(60)));
    /// running.await.expect("a worker does not panic")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where the server is not there at the start, or refuses the worker.
    pub async fn run(self, shutdown: ShutdownSignal) -> Result<()> {
        let hooks = Hooks { connection: self.on_connection, registered: self.on_registered };
        let mut runtime = Runtime::new(self.client, self.params, self.executors, hooks, shutdown);
        runtime.is_embedded = self.is_embedded;
        runtime.run().await
    }
}

/// Settings of a [`Worker`].
///
/// ```
/// # use ktk_client::{Client, worker::{Worker, WorkerBuilder}};
/// fn set_up(client: Client) -> WorkerBuilder {
///     Worker::builder(client).name("resizer").slots(4).label("zone", "eu")
/// }
/// ```
#[must_use]
pub struct WorkerBuilder(Worker);

impl WorkerBuilder {
    /// Its name, a DNS label: its attempts show it with its generation, as `resizer.g3`.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).name("resizer").build()
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.params.name = name.into();
        self
    }

    /// Its id, which stays the same over its restarts: what an earlier generation ran is then
    /// run again at once, without waiting for its lease.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client, kept: uuid::Uuid) -> Worker {
    /// // The same one after a start: what its earlier generation ran is given back at once.
    /// Worker::builder(client).id(kept).build()
    /// # }
    /// ```
    pub fn id(mut self, id: Uuid) -> Self {
        self.0.params.id = id;
        self
    }

    /// How many attempts it runs at once; at least one.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).slots(4).build()
    /// # }
    /// ```
    pub fn slots(mut self, slots: u32) -> Self {
        self.0.params.slots = slots.max(1);
        self
    }

    /// A label for node selectors.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).label("zone", "eu").label("gpu", "").build()
    /// # }
    /// ```
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.params.labels.insert(name.into(), value.into());
        self
    }

    /// Labels for node selectors.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).labels([("zone", "eu"), ("gpu", "")]).build()
    /// # }
    /// ```
    pub fn labels<N: Into<String>, V: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.0.params.labels.extend(labels.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// `worker`, or `server` for the one that a server embeds.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).role("worker").build()
    /// # }
    /// ```
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.0.params.role = role.into();
        self
    }

    /// Carries out tasks of this `type` with a function. An attempt that takes longer than its
    /// `timeout` is dropped at an `await`; a panic is a failure of the attempt.
    ///
    /// ```
    /// use ktk_client::{Client, worker::{HandlerError, Outputs, Worker}};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client)
    ///     .handler("resize", |context| async move {
    ///         let width: u64 = context.grant.inputs["width"].as_u64().ok_or("width is missing")?;
    ///         Ok::<_, HandlerError>(Outputs::from_iter([("width", width / 2)]))
    ///     })
    ///     .build()
    /// # }
    /// ```
    pub fn handler<F, Running, O>(self, type_name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(HandlerContext) -> Running + Send + Sync + 'static,
        Running: Future<Output = Result<O, HandlerError>> + Send + 'static,
        O: Into<Outputs> + 'static,
    {
        let client = self.0.client.clone();
        self.executor(type_name, Arc::new(Handler { function: Arc::new(handler), client }))
    }

    /// Carries out tasks of this `type` with an executor, which enforces their `timeout` itself.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ktk_client::{Client, worker::{Executor, Worker}};
    /// # fn example(client: Client, renderer: Arc<dyn Executor>) -> Worker {
    /// Worker::builder(client).executor("render", renderer).build()
    /// # }
    /// ```
    pub fn executor(mut self, type_name: impl Into<String>, executor: Arc<dyn Executor>) -> Self {
        self.0.executors.handlers.insert(type_name.into(), executor);
        self
    }

    /// Runs processes (`run.command`) with an executor, which enforces their `timeout` itself.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ktk_client::{Client, worker::{Executor, Worker}};
    /// # fn example(client: Client, processes: Arc<dyn Executor>) -> Worker {
    /// Worker::builder(client).process_executor(processes).build()
    /// # }
    /// ```
    pub fn process_executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.0.executors.process = Some(executor);
        self
    }

    /// Sends requests (`http`) with an executor, which enforces their `timeout` itself. Only for a worker that runs
    /// processes too.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ktk_client::{Client, worker::{Executor, Worker}};
    /// # fn example(client: Client, requests: Arc<dyn Executor>) -> Worker {
    /// Worker::builder(client).http_executor(requests).build()
    /// # }
    /// ```
    pub fn http_executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.0.executors.http = Some(executor);
        self
    }

    /// Says that it runs in its server's process. A pause of the one is a pause of the other then: the worker does
    /// not lose its lease by its own clock, only when the server says so.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).embedded().build()
    /// # }
    /// ```
    pub fn embedded(mut self) -> Self {
        self.0.is_embedded = true;
        self
    }

    /// Called once for each change of state of the connection.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).on_connection(|state| eprintln!("{state}")).build()
    /// # }
    /// ```
    pub fn on_connection(mut self, hook: impl Fn(ConnectionState) + Send + Sync + 'static) -> Self {
        self.0.on_connection = Some(Arc::new(hook));
        self
    }

    /// Called each time the server has registered it: from then on it is given work.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).on_registered(|registered| println!("generation {}", registered.generation)).build()
    /// # }
    /// ```
    pub fn on_registered(mut self, hook: impl Fn(&Registered) + Send + Sync + 'static) -> Self {
        self.0.on_registered = Some(Arc::new(hook));
        self
    }

    /// The worker.
    ///
    /// ```
    /// # use ktk_client::{Client, worker::Worker};
    /// # fn example(client: Client) -> Worker {
    /// Worker::builder(client).slots(1).build()
    /// # }
    /// ```
    pub fn build(mut self) -> Worker {
        let mut types: Vec<String> = self.0.executors.handlers.keys().cloned().collect();
        types.sort_unstable();
        self.0.params.types = types;
        self.0.params.processes = self.0.executors.process.is_some();
        self.0
    }
}
