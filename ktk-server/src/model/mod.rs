//! Pure decisions: given rows, a request and the time, what is to change.
//! No I/O, no async, no clock, no randomness.

pub mod row;
