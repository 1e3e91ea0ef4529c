//! The contract, the typed client and the worker runtime of ktk.
//!
//! * [`api`] holds the wire types and the names: serde only, no I/O.
//! * [`manifest`] reads YAML and JSON manifests and names what is wrong with line and column.
//! * [`config`] knows servers by name.
//! * [`client`] speaks to a server.
//! * [`worker`] runs tasks: the server embeds it, SDK programs use it with handlers of their own.
//!
//! ```no_run
//! use ktk_client::{Client, api::{Task, task::TaskSpec}};
//!
//! # async fn example() -> Result<(), ktk_client::Error> {
//! let client = Client::try_default().await?;
//! let created = client.tasks().create(&Task::new("hello", TaskSpec::command(["echo", "hello"]))).await?;
//! println!("{}", created.object.metadata.name());
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]

pub mod api;
pub mod client;
pub mod config;
pub mod env;
pub mod limits;
pub mod manifest;
pub mod worker;

pub use client::{Client, Error};
