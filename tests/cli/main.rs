//! The command line, verb by verb: what is printed, what is said, which code it ends with.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adopt;
mod apply;
mod attempt;
mod bad_input;
mod cancel;
mod completion;
mod create;
mod delete;
mod describe;
mod diff;
mod events;
mod exit_codes;
mod expressions;
mod for_each;
mod gc;
mod get;
mod hooks;
mod http;
mod http_abroad;
mod http_tls;
mod limits;
mod logs;
mod manifests;
mod refusals;
mod restart;
mod run;
mod run_pipeline;
mod server;
mod subtasks;
mod terminal;
mod tree;
mod unique;
mod version;
mod wait;
mod whole;
