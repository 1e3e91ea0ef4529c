//! skeleton
pub mod exec;
