//! The client against a server that the test plays.

mod calls;
mod follows;
mod watches;
