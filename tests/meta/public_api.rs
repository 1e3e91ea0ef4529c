//! What programs see of `ktk-client` names no type of the crates that it stands on: they can change without a break.

use crate::report::require_none;
use crate::source::{Source, is_word, sources};

/// Crates that are no part of any promise.
const HIDDEN: [&str; 7] = ["axum", "hyper", "reqwest", "rusqlite", "tokio_postgres", "rustls", "tower"];

#[test]
fn the_sdk_shows_no_type_of_what_it_stands_on() {
    let files = sources();
    let files: Vec<&Source> = files.iter().filter(|source| source.in_src("ktk-client").is_some()).collect();
    assert!(
        files.iter().any(|source| HIDDEN.iter().any(|name| has_word(&source.code, name))),
        "nothing is looked for"
    );
    let found: Vec<String> = files.iter().flat_map(|source| shown(source)).collect();
    require_none("Public items of ktk-client that name a crate it only stands on:", &found);
}

/// The public items of a file, and implementations of traits, that name such a crate or something taken from it.
fn shown(source: &Source) -> Vec<String> {
    let mut hidden: Vec<String> = HIDDEN.iter().map(|&name| name.to_owned()).collect();
    for import in source.code.split("use ").skip(1) {
        let import = import.split(';').next().unwrap_or_default();
        if HIDDEN.iter().any(|name| import.trim_start().starts_with(&format!("{name}::"))) {
            hidden.extend(import.split(|c| !is_word(c)).filter(|word| starts_upper(word)).map(str::to_owned));
        }
    }
    let mut found = Vec::new();
    for line in source.lines().filter(|line| !line.is_test) {
        let code = line.code.trim_start();
        if !(code.starts_with("pub ") || code.starts_with("impl ") || code.starts_with("impl<")) {
            continue;
        }
        let offset: usize = source.code.lines().take(line.number - 1).map(|line| line.len() + 1).sum();
        let item = source.code[offset..].split(['{', ';']).next().unwrap_or_default();
        // What is implemented for a type is shown where the trait's parameters are: `From<reqwest::Error>`.
        // What is implemented for a type that nobody sees is seen by nobody.
        let is_own = code.starts_with("impl")
            && item.split_once(" for ").is_none_or(|(_, own)| !is_public(source, own.trim()));
        if let Some(name) = hidden.iter().find(|name| !is_own && has_word(item, name)) {
            found.push(format!("{}:{}: {name}: {}", source.path, line.number, line.text.trim()));
        }
    }
    found
}

/// Whether the file declares a public type of this name.
fn is_public(source: &Source, own: &str) -> bool {
    let name: String = own.chars().take_while(|&c| is_word(c)).collect();
    ["struct", "enum"].iter().any(|kind| has_word(&source.code, &format!("pub {kind} {name}")))
}

fn starts_upper(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word))
}

#[test]
fn a_type_that_is_shown_is_found() {
    let text = "use reqwest::{Client, StatusCode};\npub fn get() -> StatusCode {}\npub(crate) fn own(c: Client) {}\n\
                impl From<reqwest::Error> for Error {}\npub enum Error {}\n\
                impl hyper::body::Body for Own {}\nstruct Own;\npub fn other(\n    c: hyper::Uri,\n) {}\npub fn fine(c: Client2) {}\n";
    let source = Source::new("ktk-client/src/x.rs".to_owned(), text.to_owned());
    let found = shown(&source);
    assert_eq!(found.len(), 3, "{found:?}");
}
