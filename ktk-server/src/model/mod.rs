//! Pure decisions: given rows, a request and the time, what is to change.
//! No I/O, no async, no clock, no randomness.

pub mod again;
pub mod apply;
pub mod clocks;
pub mod decode;
pub mod ended;
pub mod entity;
pub mod gate;
pub mod lane;
pub mod patch;
pub mod permits;
pub mod phase;
pub mod pipeline;
pub mod rare;
pub mod restart;
pub mod retention;
pub mod retry;
pub mod row;
pub mod schema;
pub mod settle;
pub mod unique;
