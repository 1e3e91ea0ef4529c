//! The engine of ktk: model, stores, executors and the HTTP server.
//!
//! The arrows point down: `http → rpc → engine → {store, model, clock}`. See ARCHITECTURE.md.

pub mod model;
pub mod store;
