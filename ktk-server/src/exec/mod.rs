//! How the work of a task is carried out. What work is due, and what its result means, is decided elsewhere.

pub mod launcher;
