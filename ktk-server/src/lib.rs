//! skeleton
pub mod limits;
pub mod logs;
