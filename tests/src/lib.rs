//! The harness that all test targets of this package share: where things are, how to type a command and read what
//! it did, how to wait, what the README promises. No test of ktk lives here.

mod binary;
mod deadline;
mod mask;
mod peer;
mod place;
mod processes;
mod tour;
mod typed;
mod words;

use std::path::PathBuf;

pub use binary::ktk_binary;
pub use deadline::{eventually, eventually_async};
pub use mask::masked;
pub use peer::{Asked, HttpPeer, reply};
pub use place::Place;
pub use processes::{Process, children_of, is_alive, kill, processes_of, session_of, stand_still};
pub use tour::{TourStep, readme_tour, tour_of};
pub use typed::{Output, Running, Typed};
pub use words::words;

/// The root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package of the tests lies in the workspace's root")
        .to_path_buf()
}

/// Whether the randomised tests are to take their time: `./tests/run --long`.
pub fn is_long_run() -> bool {
    std::env::var_os("KTK_TESTS_LONG").is_some_and(|value| value == "1")
}

/// How many mutations of its corpus each fuzz target is given: a few in everyday work, as many as take about two minutes
/// of one processor for all targets in `./tests/run`.
pub fn mutations() -> u64 {
    let given = std::env::var("KTK_TESTS_MUTATIONS").ok().and_then(|number| number.parse().ok());
    given.unwrap_or(5_000)
}

/// The README's Rust, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
