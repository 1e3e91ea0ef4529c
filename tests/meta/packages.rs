//! What is published can be: each package says what a registry asks for, and is whole without its neighbours.

use std::fs;

use ktk_tests::repository;

use crate::report::require_none;
use crate::source::sources;

const PUBLISHED: [&str; 3] = ["ktk-client", "ktk-server", "ktk"];

/// What a registry, and whoever looks there, wants to know.
const SAID: [&str; 9] = [
    "description",
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
    "readme",
    "keywords",
    "categories",
];

#[test]
fn published_packages_say_what_they_are() {
    let mut found = Vec::new();
    for package in PUBLISHED {
        let folder = repository().join(package);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let says = |key: &str| {
            manifest.lines().any(|line| {
                line.strip_prefix(key)
                    .is_some_and(|rest| rest.starts_with(" =") || rest.starts_with(".workspace ="))
            })
        };
        found.extend(
            SAID.iter().filter(|key| !says(key)).map(|key| format!("{package}/Cargo.toml: no {key}")),
        );
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let text = fs::read_to_string(folder.join(licence)).unwrap_or_default();
            if text.is_empty() || text != fs::read_to_string(repository().join(licence)).unwrap() {
                found.push(format!("{package}/{licence} is no link to ../{licence}"));
            }
        }
    }
    require_none("Packages that cannot be published as they are:", &found);
}

/// A file outside of its package is not in what is published.
#[test]
fn no_package_reads_a_file_of_another() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((package, path)) = source.path.split_once('/') else { continue };
        if !PUBLISHED.contains(&package) {
            continue;
        }
        for macro_name in ["include_str!(\"", "include_bytes!(\"", "include!(\""] {
            for (at, _) in source.text.match_indices(macro_name) {
                let name = source.text[at + macro_name.len()..].split('"').next().unwrap_or_default();
                let climbs = name.split('/').filter(|part| *part == "..").count();
                if climbs > path.matches('/').count() {
                    found.push(format!("{}: {name} is outside of the package", source.path));
                }
            }
        }
    }
    require_none("Files that a published package would lack:", &found);
}
