//! The generated files that are committed are what the binary generates now: man pages, completions, the page of the
//! API.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use ktk_tests::{ktk_binary, repository};

use crate::report::require_none;

const MEND: &str = "cargo run --bin ktk -- internal generate --man man --completions completions --docs docs";

#[test]
fn man_pages_completions_and_the_page_of_the_api_are_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let (man, completions) = (folder.path().join("man"), folder.path().join("completions"));
    let docs = folder.path().join("docs");
    let output = Command::new(ktk_binary())
        .args(["internal", "generate", "--man"])
        .arg(&man)
        .arg("--completions")
        .arg(&completions)
        .arg("--docs")
        .arg(&docs)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "`ktk internal generate` failed: {output:?}");

    let mut found = differences("man", &repository().join("man"), &man);
    found.extend(differences("completions", &repository().join("completions"), &completions));
    // What else is in docs/ is written by hand.
    let page = |folder: &Path| fs::read(folder.join("api.md")).unwrap_or_default();
    if page(&docs) != page(&repository().join("docs")) || page(&docs).is_empty() {
        found.push("docs/api.md differs".to_owned());
    }
    require_none(&format!("Generated files are not fresh; run: {MEND}"), &found);
}

fn differences(name: &str, committed: &Path, generated: &Path) -> Vec<String> {
    let (old, new) = (names_in(committed), names_in(generated));
    assert!(!new.is_empty(), "`ktk internal generate` wrote nothing for {name}/");
    old.union(&new)
        .filter_map(|file| {
            let what = match (old.contains(file), new.contains(file)) {
                (false, _) => "is missing",
                (_, false) => "is no longer generated: remove it",
                _ if fs::read(committed.join(file)).unwrap() != fs::read(generated.join(file)).unwrap() => {
                    "differs"
                }
                _ => return None,
            };
            Some(format!("{name}/{file} {what}"))
        })
        .collect()
}

/// The names of the files in a folder; none where there is no folder.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Man pages must also be right: `mandoc` reads each without a warning. (They need a date: `clap_mangen::Man::date`.)
#[test]
fn man_pages_are_well_formed() {
    let folder = repository().join("man");
    let pages = names_in(&folder);
    assert!(!pages.is_empty(), "no pages in man/; run: {MEND}");
    let output = Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .args(pages.iter().map(|page| folder.join(page)))
        .output()
        .expect("mandoc is installed by ./tests/run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
