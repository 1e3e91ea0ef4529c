//! Finding the binary `ktk`, and refusing one that is older than its sources. Nothing is built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The binary `ktk` that lies beside this test: `target/<profile>/ktk`.
///
/// # Panics
/// Where it is missing or older than a source file it was made of, with the command that mends it.
pub fn ktk_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a running test knows its own file");
    let profile = test.parent().and_then(Path::parent).expect("a test lies in target/<profile>/deps");
    let binary = profile.join(format!("ktk{}", std::env::consts::EXE_SUFFIX));
    let Ok(built_at) = modified(&binary) else {
        panic!("{} is missing: run `cargo build --bin ktk` first", binary.display());
    };
    if let Some(source) = newer_source(&profile.join("ktk.d"), built_at) {
        panic!("{} is older than {}: run `cargo build --bin ktk` first", binary.display(), source.display());
    }
    binary
}

/// The first source file, of those that cargo wrote down beside the binary, that changed after `built_at`.
/// A list that is missing, or names files that are gone, says nothing.
fn newer_source(list: &Path, built_at: SystemTime) -> Option<PathBuf> {
    let text = fs::read_to_string(list).ok()?;
    let (_, sources) = text.lines().next()?.split_once(": ")?;
    sources
        .split(' ')
        .map(PathBuf::from)
        .find(|source| modified(source).is_ok_and(|changed_at| changed_at > built_at))
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}
