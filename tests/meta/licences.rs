//! deny.toml's lists hold, also where cargo-deny is not installed: licences of what is built here, banned crates
//! and sources of everything in Cargo.lock.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use ktk_tests::repository;
use serde_json::Value;

use crate::report::require_none;

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The strings of a list in deny.toml.
fn list(key: &str) -> BTreeSet<String> {
    let text = read("deny.toml");
    let (_, rest) =
        text.split_once(&format!("\n{key} = [")).unwrap_or_else(|| panic!("deny.toml has no {key}"));
    let body = rest.split("\n]").next().unwrap().split("]\n").next().unwrap();
    let first_strings = body.lines().filter_map(|line| line.split('"').nth(1));
    let strings: BTreeSet<String> = first_strings.map(str::to_owned).collect();
    assert!(!strings.is_empty(), "deny.toml: {key} is empty");
    strings
}

/// Name and source of each package in Cargo.lock; ours have no source.
fn locked() -> Vec<(String, Option<String>)> {
    let text = read("Cargo.lock");
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{key} = \"")))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    text.split("[[package]]")
        .skip(1)
        .map(|block| (value(block, "name").unwrap(), value(block, "source")))
        .collect()
}

#[test]
fn banned_crates_are_not_in_the_lock() {
    let banned = list("deny");
    let found: Vec<String> = locked()
        .into_iter()
        .filter(|(name, _)| banned.contains(name))
        .map(|(name, _)| {
            format!("{name}: `cargo tree -i {name}` says who brings it; deny.toml says why it is banned")
        })
        .collect();
    require_none("Banned crates in Cargo.lock:", &found);
}

#[test]
fn every_crate_comes_from_the_one_registry() {
    let is_allowed = |source: &str| source.starts_with("registry+") && source.ends_with("/crates.io-index");
    let found: Vec<String> = locked()
        .into_iter()
        .filter_map(|(name, source)| Some((name, source?)))
        .filter(|(_, source)| !is_allowed(source))
        .map(|(name, source)| format!("{name} comes from {source}"))
        .collect();
    require_none("Crates from elsewhere than crates.io:", &found);
}

#[test]
fn licences_are_allowed() {
    let allowed = list("allow");
    let mut found = Vec::new();
    for package in built_packages() {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            None => found.push(format!("{name} states no licence: read it, and decide")),
            Some(licence) if !is_allowed(licence, &allowed) => {
                found.push(format!(
                    "{name}: {licence}: take another crate, or allow the licence in deny.toml"
                ));
            }
            Some(_) => {}
        }
    }
    require_none("Crates under a licence that deny.toml does not allow:", &found);
}

/// What cargo knows of the packages that are built on this platform; it needs no network for them.
fn built_packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |arguments: &[&str]| {
        let output = Command::new(&cargo).args(arguments).current_dir(repository()).output().unwrap();
        assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run(&["-vV"]);
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo -vV names its host");
    let text =
        run(&["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let packages = metadata["packages"].as_array().unwrap().clone();
    assert!(packages.len() > 100, "cargo metadata lists {} packages only", packages.len());
    packages
}

/// Whether an SPDX expression can be met with the allowed licences. `/` is the old way to write `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let is_met = any_of(&mut rest, allowed);
    is_met && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_met = all_of(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        is_met |= all_of(words, allowed);
    }
    is_met
}

fn all_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut is_met = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        is_met &= one(words, allowed);
    }
    is_met
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let is_met = any_of(words, allowed);
            let Some((&")", rest)) = words.split_first() else { return false };
            *words = rest;
            is_met
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{licence} WITH {exception}"))
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(*licence)
        }
        [] => false,
    }
}

#[test]
fn expressions_are_read() {
    let allowed = BTreeSet::from(["MIT", "ISC"].map(str::to_owned));
    for (expression, is_met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 AND ISC", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("(Apache-2.0 OR MIT) AND (ISC)", true),
        ("(Apache-2.0 OR MIT) AND BSD-3-Clause", false),
        ("MIT OR", true),
        ("(MIT", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), is_met, "{expression}");
    }
}
