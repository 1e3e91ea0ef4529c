//! An answer as outputs: `status`, `headers`, and `body` or `bodyBase64`.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::{Deserialize as _, de};
use serde_json::{Value, json};

use super::exchange::Answer;

/// How deep a body may nest to be taken for JSON: outputs stand inside other JSON.
const DEPTH: usize = 64;

/// Fields that speak of the connection or of the moment, and cookies: two answers that say the same are to have the
/// same outputs, and a credential is no output.
const LEFT_OUT: [&str; 12] = [
    "age",
    "connection",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// The outputs of a task whose request was answered so.
pub(super) fn of(answer: &Answer) -> BTreeMap<String, Value> {
    let mut outputs = BTreeMap::from([
        ("status".to_owned(), json!(answer.status.as_u16())),
        ("headers".to_owned(), headers(&answer.headers)),
    ]);
    let text = match std::str::from_utf8(&answer.body) {
        Ok(text) => text,
        Err(_) => {
            outputs.insert("bodyBase64".to_owned(), json!(BASE64_STANDARD.encode(&answer.body)));
            return outputs;
        }
    };
    let body = Some(text).filter(|_| says_json(&answer.headers)).and_then(json_of);
    outputs.insert("body".to_owned(), body.unwrap_or_else(|| json!(text)));
    outputs
}

fn headers(headers: &HeaderMap) -> Value {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        match shown.get_mut(name.as_str()) {
            Some(before) => *before = format!("{before}, {value}"),
            None => drop(shown.insert(name.as_str().to_owned(), value.into_owned())),
        }
    }
    json!(shown)
}

/// `application/json`, `application/problem+json; charset=utf-8`.
fn says_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

fn json_of(text: &str) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Value::deserialize(&mut reader).ok().filter(|value| is_shallow(value, DEPTH))?;
    let end: Result<(), serde_json::Error> = reader.end().map_err(de::Error::custom);
    end.is_ok().then_some(value)
}

fn is_shallow(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| is_shallow(item, left - 1)),
        Value::Object(members) => left > 0 && members.values().all(|member| is_shallow(member, left - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use hyper::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    };

    use super::*;

    fn outputs(headers: &[(&'static str, &'static str)], body: &[u8]) -> Value {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let answer = Answer { status: StatusCode::OK, headers: map, body: body.to_vec(), is_cut: false };
        json!(of(&answer))
    }

    #[test]
    fn a_body_is_what_it_says_it_is() {
        let json_type = ("content-type", "application/problem+json; charset=utf-8");
        assert_eq!(outputs(&[json_type], b" {\"a\": [1]} ")["body"], json!({"a": [1]}));
        assert_eq!(outputs(&[json_type], b"{\"a\": [1]} x")["body"], json!("{\"a\": [1]} x"));
        assert_eq!(outputs(&[json_type], b"")["body"], json!(""));
        assert_eq!(outputs(&[("content-type", "text/plain")], b"7")["body"], json!("7"));
        let deep = format!("{}{}", "[".repeat(DEPTH + 1), "]".repeat(DEPTH + 1));
        assert_eq!(outputs(&[json_type], deep.as_bytes())["body"], json!(deep));
        let binary = outputs(&[], b"\xff\x00");
        assert_eq!((&binary["bodyBase64"], binary.get("body")), (&json!("/wA="), None));
    }

    #[test]
    fn two_answers_that_say_the_same_are_the_same() {
        let first = outputs(&[("date", "now"), ("etag", "x"), ("set-cookie", "id=1"), ("link", "a")], b"");
        let second = outputs(&[("date", "then"), ("etag", "x"), ("age", "7"), ("link", "a")], b"");
        assert_eq!(first, second);
        let twice = outputs(&[("link", "a"), ("link", "b")], b"");
        assert_eq!(twice["headers"], json!({"link": "a, b"}));
    }
}
