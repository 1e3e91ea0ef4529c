//! The engine of ktk: model, stores, executors and the HTTP server.
//!
//! The arrows point down: `http → rpc → engine → {store, model, jq, clock}`. See ARCHITECTURE.md.

pub mod clock;
pub mod engine;
pub mod entropy;
#[cfg(feature = "mutants")]
mod env;
pub mod exec;
pub mod http;
pub mod jq;
pub mod limits;
pub mod logs;
pub mod model;
mod mutants;
pub mod rpc;
pub mod server;
#[cfg(test)]
mod simulation;
pub mod store;
pub mod task_group;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
