//! What the documents point to exists.

use std::collections::BTreeSet;
use std::fs;

use ktk_tests::{readme_tour, repository};

use crate::report::require_none;

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Folders whose files the documents name in passing; what is named in them must exist.
const FOLDERS: [&str; 9] =
    ["ktk-client", "ktk-server", "ktk", "tests", "examples", "man", "completions", ".ci", ".config"];

#[test]
fn paths_and_links_lead_somewhere() {
    let root = repository();
    let mut found = Vec::new();
    for document in DOCUMENTS {
        let text =
            fs::read_to_string(root.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        for (index, line) in text.lines().enumerate() {
            let targets: BTreeSet<&str> = links(line).chain(paths_in_code(line)).collect();
            for target in targets.into_iter().filter(|target| !root.join(target).exists()) {
                found.push(format!(
                    "{document}:{}: there is no {target}: mend the name or the tree",
                    index + 1
                ));
            }
        }
    }
    require_none("Documents that point to nothing:", &found);
}

/// The targets of `[text](target)` that are files.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        (!target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")).then_some(target)
    })
}

/// The paths of the tree between back-ticks: those that begin with one of its folders and have no placeholder.
fn paths_in_code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace).filter_map(|word| {
        let path = word.trim_start_matches("./");
        let (folder, rest) = path.split_once('/')?;
        let is_plain = !path.contains(['<', '>', '*', '{', '}', '$', '…', '=', ':']);
        (is_plain && !rest.is_empty() && FOLDERS.contains(&folder)).then_some(path)
    })
}

#[test]
fn paths_are_found_in_a_line() {
    let line =
        "see [a](x/y.md#z) and [b](https://c.d/e), run `./tests/run --quick`, edit `ktk/src/<verb>.rs`";
    assert_eq!(links(line).collect::<Vec<_>>(), ["x/y.md"]);
    assert_eq!(paths_in_code(line).collect::<Vec<_>>(), ["tests/run"]);
}

/// The two commands that the README begins with, and the tour that tests/cli types.
#[test]
fn the_readme_has_its_two_commands_and_a_tour() {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    for command in ["cargo run --release --bin ktk -- run -f examples/licences.yaml", "./tests/run"] {
        assert!(
            text.lines().any(|line| line.trim_start_matches("$ ") == command),
            "README.md lacks: {command}"
        );
    }
    assert!(
        readme_tour().iter().any(|step| step.ktk_command().is_some()),
        "README.md has no `console` block with `$ ktk …`"
    );
}
