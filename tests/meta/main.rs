//! The rules of the house as tests: they read the tree, and two of them ask the binary.
//! Each file is one rule with its exceptions, and each message says what to do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod docs;
mod environment;
mod examples;
mod freshness;
mod help;
mod layering;
mod licences;
mod manifest_lints;
mod packages;
mod paths;
mod public_api;
mod public_listing;
mod report;
mod rooms;
mod side_effects;
mod source;
