//! `http`: method, URL, header fields, body.

use std::collections::BTreeSet;

use super::{Causes, MAX_INPUTS};
use crate::api::{
    field,
    http::{self, HttpSpec, METHODS},
    meta::StringMap,
    names::quoted,
    suggest, template,
};

/// The most header fields of a request.
const MAX_HEADERS: usize = 64;

/// The most bytes of them together.
const MAX_HEADER_BYTES: usize = 32 << 10;

/// The most redirects that are followed.
const MAX_REDIRECTS: u8 = 3;

/// Fields that speak of the connection, which is not the manifest's.
const OWN_HEADERS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn check(causes: &mut Causes, prefix: &str, spec: &HttpSpec) {
    if !METHODS.contains(&spec.method.as_str()) {
        let hint = suggest::hint(&spec.method.to_ascii_uppercase(), METHODS);
        let words = format!("{} is no method{hint}: there are {}", quoted(&spec.method), METHODS.join(", "));
        causes.push(field::member(prefix, "method"), words);
    }
    check_url(causes, &field::member(prefix, "url"), &spec.url);
    check_headers(causes, &field::member(prefix, "headers"), &spec.headers);
    let size = spec.body.as_ref().map_or(0, super::params::json_size);
    if size > MAX_INPUTS {
        causes.push(field::member(prefix, "body"), format!("has {size} bytes: {MAX_INPUTS} are allowed"));
    }
    if spec.redirects > MAX_REDIRECTS {
        causes.push(field::member(prefix, "redirects"), format!("must be {MAX_REDIRECTS} at most"));
    }
}

/// A URL with references is one when they are filled in.
fn check_url(causes: &mut Causes, place: &str, text: &str) {
    if text.is_empty() {
        causes.push(place, "must not be empty: write https://…");
    } else if !template::holds_reference(text)
        && let Err(why) = http::url(text)
    {
        causes.push(place, why);
    }
}

/// The URL of a hook, which is called as it stands.
pub(super) fn url_of_hook(text: &str) -> Result<(), String> {
    http::url(text).map(drop)
}

pub(super) fn check_headers(causes: &mut Causes, place: &str, headers: &StringMap) {
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    if headers.len() > MAX_HEADERS || size > MAX_HEADER_BYTES {
        let words = format!(
            "{} fields of {size} bytes: {MAX_HEADERS} of {MAX_HEADER_BYTES} bytes together are allowed",
            headers.len()
        );
        return causes.push(place, words);
    }
    let mut seen = BTreeSet::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let own = OWN_HEADERS.contains(&lower.as_str());
        let why = if name.is_empty() || !name.bytes().all(is_of_a_name) {
            Some("is no name of a header field")
        } else if own {
            Some("is set by ktk itself: remove it")
        } else if !seen.insert(lower) {
            Some("stands twice: names are the same in capitals")
        } else if value.chars().any(is_no_text) {
            Some("holds a control character: a header field is one line")
        } else {
            None
        };
        if let Some(why) = why {
            causes.push(field::member(place, name), why);
        }
    }
}

/// What may stand in no header field: a line break would begin another one.
pub(in crate::api) fn is_no_text(character: char) -> bool {
    character.is_control() && character != '\t'
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
