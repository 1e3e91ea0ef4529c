//! The client against a server that the test plays.
#![expect(clippy::disallowed_methods, reason = "tests start tasks and make ids by hand")]

mod calls;
mod follows;
mod verbs;
mod watches;
