//! Real processes, real signals, a real disk: what was acknowledged is kept, and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod autostart;
mod broken;
mod examples;
mod faults;
mod idle;
mod kill;
mod kill_random;
mod leftovers;
mod one_liners;
mod peer;
mod power;
mod processes;
mod programs;
mod restart_race;
mod scripts;
mod stop;
mod tour;
mod wfformat;
