//! Every file is a room of a fitting size, with a name that says what is in it and a first line that says what
//! belongs there; nothing is left half done.

use std::fmt::Write;

use crate::report::require_none;
use crate::source::{Source, is_word, sources};

const LINES_MAX: usize = 500;
const LINES_MEDIAN_MAX: usize = 150;

/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Parts of a file's, module's or type's name that say nothing.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "misc", "stuff"];

/// Beginnings of a function's name that say nothing.
const EMPTY_VERBS: [&str; 3] = ["do", "handle", "process"];

/// Functions that may be called so, with the reason.
const NAMED_SO: &[(&str, &str)] = &[("process_executor", "a noun: the executor of processes")];

#[test]
fn files_have_a_fitting_size() {
    let mut sizes: Vec<(usize, String)> =
        sources().into_iter().map(|source| (source.text.lines().count(), source.path)).collect();
    sizes.sort();
    let mut found: Vec<String> = sizes
        .iter()
        .filter(|(lines, path)| *lines > LINES_MAX && !LONG_FILES.iter().any(|(file, _)| file == path))
        .map(|(lines, path)| {
            format!("{path}: {lines} lines: divide it, or list it in LONG_FILES with the reason")
        })
        .collect();
    for (file, _) in LONG_FILES {
        if !sizes.iter().any(|(lines, path)| *lines > LINES_MAX && path == file) {
            found.push(format!("{file} is listed in LONG_FILES and is not long: remove it from the list"));
        }
    }
    let median = sizes[sizes.len() / 2].0;
    let mut largest = String::new();
    for (lines, path) in sizes.iter().rev().take(5) {
        write!(largest, " {path} {lines};").unwrap();
    }
    println!("{} files, median {median} lines, the largest:{largest}", sizes.len());
    if median >= LINES_MEDIAN_MAX {
        found.push(format!("half of the files have {median} lines or more; {LINES_MEDIAN_MAX} is the limit"));
    }
    require_none(&format!("Files of more than {LINES_MAX} lines:"), &found);
}

#[test]
fn names_say_something() {
    let mut found = Vec::new();
    for source in sources() {
        let parts = source.path.split(['/', '_', '.', '-']);
        found.extend(
            parts
                .filter(|part| EMPTY_NAMES.contains(part))
                .map(|part| format!("{}: `{part}` says nothing: name what is in it", source.path)),
        );
        for line in source.lines() {
            for (keyword, name) in definitions(line.code) {
                if let Some(advice) = empty_name(keyword, name) {
                    found.push(format!("{}:{}: `{keyword} {name}`: {advice}", source.path, line.number));
                }
            }
        }
    }
    require_none("Names that say nothing (CONTRIBUTING.md, Names):", &found);
}

fn empty_name(keyword: &str, name: &str) -> Option<String> {
    if NAMED_SO.iter().any(|(listed, _)| *listed == name) {
        return None;
    }
    let words = words_of(name);
    let empty_word = words.iter().find(|word| EMPTY_NAMES.contains(&word.as_str()));
    if let Some(word) = empty_word.filter(|_| keyword != "fn") {
        return Some(format!("`{word}` says nothing: name what it is"));
    }
    let first = words.first()?;
    (keyword == "fn" && words.len() > 1 && EMPTY_VERBS.contains(&first.as_str())).then(|| {
        format!("`{first}_` says nothing: name what it does; or list it in NAMED_SO with the reason")
    })
}

/// `FooBar` and `foo_bar` in lower-case words.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && !words.last().is_some_and(String::is_empty)) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a line defines: the keyword and the name.
fn definitions(code: &str) -> impl Iterator<Item = (&str, &str)> {
    const KEYWORDS: [&str; 5] = ["fn", "struct", "enum", "trait", "mod"];
    let mut words = code.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    std::iter::from_fn(move || {
        let keyword = words.find(|word| KEYWORDS.contains(word))?;
        Some((keyword, words.next()?))
    })
}

#[test]
fn every_file_says_what_lives_in_it() {
    let found: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.trim_start().starts_with("//! "))
        // The tests of a module, in a file of their own: its name says it all.
        .filter(|source| !source.path.ends_with("/tests.rs"))
        .map(|source| format!("{}:1: begin with `//!`: what lives here and what must not", source.path))
        .collect();
    require_none("Files without a first line:", &found);
}

#[test]
fn nothing_is_left_half_done() {
    let mut found = Vec::new();
    for source in sources() {
        for line in source.lines() {
            for advice in half_done(line.text, line.code, line.is_test || is_test_package(&source)) {
                found.push(format!("{}:{}: {advice}", source.path, line.number));
            }
        }
    }
    require_none("Work left half done:", &found);
}

fn is_test_package(source: &Source) -> bool {
    source.path.starts_with("tests/")
}

fn half_done(text: &str, code: &str, is_test: bool) -> Vec<String> {
    let mut found = Vec::new();
    for marker in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
        if text.split(|c| !is_word(c)).any(|word| word == marker) {
            found.push(format!("{marker}: finish it, or open an issue and say in the code what holds now"));
        }
    }
    let squeezed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    for (pattern, advice) in [
        (concat!("todo", "!("), "an unwritten part: write it, or refuse the case with an error"),
        (concat!("unimplemented", "!("), "an unwritten part: write it, or refuse the case with an error"),
        (concat!("#[ig", "nore"), "a test that does not run is none: mend it or remove it"),
        (
            concat!("#[al", "low("),
            "use #[expect(…, reason = \"…\")]: it says why, and when it is no longer needed",
        ),
        (
            concat!("#![al", "low("),
            "use #[expect(…, reason = \"…\")]: it says why, and when it is no longer needed",
        ),
    ] {
        if squeezed.contains(pattern) {
            found.push(format!("`{pattern}`: {advice}"));
        }
    }
    if !is_test && squeezed.contains(concat!(".unw", "rap()")) {
        let advice = "return the error, or `expect(\"why it holds\")` where it provably holds";
        found.push(format!("`unwrap` outside a test: {advice}"));
    }
    found
}

#[test]
fn what_these_rules_refuse_is_seen() {
    assert_eq!(words_of("TaskManager"), ["task", "manager"]);
    assert_eq!(
        definitions("pub fn do_it(a: X) { struct B; }").collect::<Vec<_>>(),
        [("fn", "do_it"), ("struct", "B")]
    );
    assert!(empty_name("fn", "handle_request").is_some());
    assert!(empty_name("fn", "process").is_none());
    assert!(empty_name("struct", "PathHelper").is_some());
    assert!(empty_name("struct", "ProcessGroup").is_none());
    assert_eq!(half_done("", concat!("x.unw", "rap();"), false).len(), 1);
    assert_eq!(half_done("", concat!("x.unw", "rap();"), true).len(), 0);
    assert_eq!(half_done(concat!("// TO", "DO: x"), "", true).len(), 1);
    assert_eq!(half_done("", concat!("#[al", "low(dead_code)]"), true).len(), 1);
}
