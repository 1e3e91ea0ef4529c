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
//! # A task
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
//! # Errors and repetition
//!
//! [`Error`] can be asked: [`Error::is_not_found`], [`Error::is_conflict`], [`Error::is_retryable`], [`Error::causes`].
//! A call whose answer got lost is sent again, with growing, jittered pauses, where that is safe: where it only reads, or
//! carries a request id. Everything that changes something carries one, a new one unless the caller gave one, and the
//! server does it once.
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
//! A program that runs tasks itself is a [`worker::Worker`] with handlers. See [`worker`].
//!
//! # Tests
//!
//! [`Client::with_transport`] takes any [`client::Transport`]: a test can answer by hand. With the feature `testing` the
//! crate `ktk-server` starts a whole server inside a test, with a clock that the test moves.
#![deny(missing_docs, clippy::missing_errors_doc)]

pub mod api;
pub mod client;
pub mod config;
pub mod env;
pub mod limits;
pub mod manifest;
pub mod worker;

pub use client::{Client, Error};
