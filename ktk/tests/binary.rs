//! Cargo builds a package's binary for its integration tests only. This file is that test: because of it
//! `cargo nextest run --workspace` brings `ktk` up to date for the tests of the package `ktk-tests`.

use std::process::Command;

#[test]
fn the_binary_starts_and_shows_its_help() {
    let output = Command::new(env!("CARGO_BIN_EXE_ktk")).arg("--help").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
