//! The contract, the typed client and the worker runtime of ktk.
//!
//! ktk runs tasks and pipelines on this machine and restarts them. Everything that the command `ktk` does, a program
//! does with this crate: against the same server, which is started where nothing listens.
//!
//! * [`Client`] speaks to a server; its verbs are grouped by kind: [`Client::tasks`], [`Client::pipelines`], ….
//! * [`api`] holds the wire types and the names: serde only, no I/O.
//! * [`manifest`] reads YAML and JSON manifests and names what is wrong with line and column.
//! * [`config`] knows servers by name.
//! * [`worker`] runs tasks: the server embeds it, programs use it with handlers of their own.
//!
//! # Connecting
//!
//! [`Client::try_default`] goes where the command would go: to the server or the context that the environment names, else
//! to this user's own on this machine, which is started with the first call. [`Client::builder`] says it in code. A
//! client is cheap to clone, and its clones share their connections.
//!
//! ```no_run
//! use ktk_client::{Client, api::Secret};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let own = Client::try_default().await?;
//! let token = Secret::new(std::fs::read_to_string("/run/secrets/ktk")?.trim());
//! let far = Client::builder().address("https://ktk.example:7777".parse()?).token(token).namespace("media").build()?;
//! # drop((own, far));
//! # Ok(())
//! # }
//! ```
//!
//! # A task
//!
//! Names are as on the command line: a name, `NAME@N` for an incarnation, a human name, an id, or the beginning of a digest.
//!
//! ```no_run
//! use ktk_client::{Client, api::{Task, task::TaskSpec}, client::wait::Condition};
//!
//! # async fn example() -> Result<(), ktk_client::Error> {
//! let client = Client::try_default().await?;
//! let tasks = client.tasks();
//! let created = tasks.create(&Task::new("hello", TaskSpec::command(["echo", "hello"]))).await?;
//! println!("{}", created.object.metadata.name());
//! tasks.wait("hello", Condition::Succeeded).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What a task put out is in its status, what it wrote is its log:
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> Result<(), ktk_client::Error> {
//! use futures_util::TryStreamExt;
//! use ktk_client::client::log::chunk_bytes;
//!
//! let mut log = client.tasks().follow_logs("hello");
//! while let Some(event) = log.try_next().await? {
//!     print!("{}", String::from_utf8_lossy(&chunk_bytes(&event)));
//! }
//! if let Some(status) = client.tasks().get("hello").await?.status {
//!     println!("{} {:?}", status.phase, status.outputs);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A pipeline
//!
//! Built in code, or read from a manifest, which is checked whole before anything is sent:
//!
//! ```
//! use ktk_client::manifest::{Manifest, Source, read};
//!
//! let text = "
//! apiVersion: ktk/v1
//! kind: Pipeline
//! metadata: {name: nightly}
//! spec:
//!   steps:
//!     - {name: fetch, run: {command: [./fetch]}}
//!     - {name: load, needs: [fetch], run: {command: [./load]}}
//! ";
//! for document in read(&Source { name: "nightly.yaml", text })? {
//!     if let Manifest::Pipeline(nightly) = document.value {
//!         // client.pipelines().create(&nightly).await?;
//!         assert_eq!(nightly.spec.steps[1].needs, ["fetch"]);
//!     }
//! }
//! # Ok::<(), ktk_client::manifest::ReadError>(())
//! ```
//!
//! # Restarts
//!
//! A restart is a new incarnation of a task, made from the old one and the changes asked for. It is put together word
//! by word and happens when it is awaited:
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> Result<(), ktk_client::Error> {
//! use ktk_client::api::restart::Cascade;
//!
//! let plan = client.tasks().restart("thumbnails").set("inputs.width", 100).dry_run().await?.plan;
//! let made = client.tasks().restart("thumbnails").set("inputs.width", 100).cascade(Cascade::None).await?;
//! println!("{}", made.object.incarnation_name());
//! # Ok(())
//! # }
//! ```
//!
//! # What follows changes
//!
//! [`Client::watch`] and the `watch` of each kind bring every change once and in order, over as many connections as it
//! takes; [`Error::is_expired`] says when the history that would be needed is gone. [`Client::wait`] and
//! [`Client::follow`] stand on it, [`Client::logs`] follows in the same way.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> Result<(), ktk_client::Error> {
//! use futures_util::TryStreamExt;
//! use ktk_client::{api::watch::WatchParams, client::changes::ObjectEvent};
//!
//! let tasks = client.tasks().list_whole(Default::default()).await?;
//! let mut changes = client.tasks().watch(WatchParams { version: Some(tasks.version), ..Default::default() });
//! while let Some(event) = changes.try_next().await? {
//!     if let ObjectEvent::Changed { object, .. } = event {
//!         println!("{} is {:?}", object.incarnation_name(), object.status.map(|status| status.phase));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Errors and repetition
//!
//! [`Error`] can be asked: [`Error::is_not_found`], [`Error::is_conflict`], [`Error::is_retryable`], [`Error::causes`].
//! A call whose answer got lost is sent again, with growing, jittered pauses, where that is safe: where it only reads, or
//! carries a request id; so is one that is [`Unavailable`](Error::is_unavailable). Everything that changes something
//! carries such an id, a new one unless the caller gave one, and the server does it once. Whatever else is refused is
//! answered at once.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> Result<(), ktk_client::Error> {
//! match client.tasks().get("thumbnails").await {
//!     Ok(task) => println!("{}", task.metadata.name()),
//!     Err(error) if error.is_not_found() => println!("there is none"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Handlers
//!
//! A program that runs tasks itself is a [`worker::Worker`] with handlers:
//!
//! ```no_run
//! use ktk_client::{Client, worker::{HandlerError, Outputs, ShutdownSignal, Worker}};
//!
//! # async fn example(client: Client) -> Result<(), ktk_client::Error> {
//! let worker = Worker::builder(client).slots(4).handler("resize", |context| async move {
//!     let width = context.grant.inputs["width"].as_u64().ok_or("width is missing")?;
//!     Ok::<_, HandlerError>(Outputs::from_iter([("width", width / 2)]))
//! });
//! worker.build().run(ShutdownSignal::never()).await
//! # }
//! ```
//!
//! # Tests
//!
//! [`Client::with_transport`] takes any [`client::Transport`]: a test can answer by hand. With the feature `testing` the
//! crate `ktk-server` starts a whole server inside a test, with a clock that the test moves:
//!
//! ```text
//! let server = ktk_server::testing::TestServer::start().await?;
//! let tasks = server.client().tasks();
//! tasks.create(&Task::new("approval", TaskSpec { timeout: Some(Duration::from_secs(3600)), ..TaskSpec::external() })).await?;
//! server.advance(std::time::Duration::from_secs(3601));
//! assert!(tasks.wait("approval", Condition::Succeeded).await.is_err());
//! ```
#![deny(missing_docs, clippy::missing_errors_doc)]

pub mod api;
pub mod client;
pub mod config;
pub mod env;
pub mod limits;
pub mod manifest;
pub mod worker;

pub use client::{Client, Error};
