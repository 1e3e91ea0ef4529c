//! The manifests inherit what the workspace decides, and no tracked file knows the machine it was written on.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use ktk_tests::repository;

use crate::report::require_none;
use crate::source::{PACKAGES, is_word};

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "repository"];

#[test]
fn packages_inherit_lints_fields_and_versions() {
    let mut found = Vec::new();
    for package in PACKAGES {
        let path = format!("{package}/Cargo.toml");
        let text = fs::read_to_string(repository().join(&path)).unwrap();
        for field in INHERITED.iter().filter(|field| !text.contains(&format!("\n{field}.workspace = true\n")))
        {
            found.push(format!("{path}: write `{field}.workspace = true`"));
        }
        if !text.contains("\n[lints]\nworkspace = true\n") {
            found.push(format!("{path}: write `[lints]` with `workspace = true`"));
        }
        for (section, line) in entries(&text).filter(|(section, _)| section.ends_with("dependencies")) {
            if !line.contains("workspace = true") {
                found.push(format!(
                    "{path}: [{section}] {line}: put the version into the workspace's Cargo.toml"
                ));
            }
        }
    }
    require_none("Manifests that go their own way:", &found);
}

#[test]
fn every_dependency_of_the_workspace_is_used() {
    let text = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let name_of = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
    let used: BTreeSet<String> = PACKAGES
        .iter()
        .map(|package| fs::read_to_string(repository().join(package).join("Cargo.toml")).unwrap())
        .flat_map(|text| {
            let lines = entries(&text).filter(|(section, _)| section.ends_with("dependencies"));
            lines.map(|(_, line)| name_of(line)).collect::<Vec<_>>()
        })
        .collect();
    let unused: Vec<String> = entries(&text)
        .filter(|(section, line)| *section == "workspace.dependencies" && !used.contains(&name_of(line)))
        .map(|(_, line)| format!("Cargo.toml: {line}: no package uses it: remove it"))
        .collect();
    require_none("Dependencies that nothing uses:", &unused);
}

/// The lines of a manifest with their section; comments and the insides of lists left out.
fn entries(manifest: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    manifest.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            return None;
        }
        (line.starts_with(|c: char| c.is_alphanumeric()) && line.contains('=')).then_some((section, line))
    })
}

/// Folders at the root of a machine that nothing in the tree may know.
const MACHINE_FOLDERS: [&str; 3] = ["work", "farm", "root"];

#[test]
fn no_file_knows_a_machine() {
    let mut found = Vec::new();
    for path in tracked_files() {
        // What is no text (a database of a fixture) is not read.
        let Ok(text) = fs::read_to_string(repository().join(&path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| names_root_folder(line, folder)) {
                found.push(format!("{path}:{}: a path of one machine, in /{folder}", index + 1));
            }
        }
    }
    require_none("Files that know the machine they were written on:", &found);
}

/// Whether the line has `/folder/` as the beginning of a path.
fn names_root_folder(line: &str, folder: &str) -> bool {
    line.match_indices(&format!("/{folder}/")).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| is_word(c) || "/.-~)}>]…".contains(c))
    })
}

fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(repository())
        .output()
        .expect("git is installed by ./tests/run");
    assert!(output.status.success(), "git ls-files failed; this test reads a git checkout: {output:?}");
    let names = String::from_utf8(output.stdout).unwrap();
    names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn paths_at_the_root_are_told_from_others() {
    let folder = MACHINE_FOLDERS[0];
    assert!(names_root_folder(&format!("cd /{folder}/x"), folder));
    assert!(names_root_folder(&format!("\"/{folder}/\""), folder));
    assert!(!names_root_folder(&format!("DATA/{folder}/ID"), folder));
    assert!(!names_root_folder(&format!("{{data}}/{folder}/ID"), folder));
}
