//! What a process wrote to `KTK_OUTPUT`: one JSON object, or `key=value` lines.

use std::collections::BTreeMap;

use serde_json::Value;

/// Outputs that cannot be read; the message names the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOutputs(String);

/// Reads the outputs of a process.
///
/// # Errors
/// When the text is neither form; the message names the line.
pub fn parse(text: &[u8]) -> Result<BTreeMap<String, Value>, InvalidOutputs> {
    let text = std::str::from_utf8(text)
        .map_err(|error| InvalidOutputs(format!("KTK_OUTPUT is no UTF-8 at byte {}", error.valid_up_to())))?;
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| InvalidOutputs(format!("KTK_OUTPUT begins like a JSON object, but: {error}")));
    }
    let mut outputs = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let invalid = |why: &str| {
            let shown: String = line.chars().take(60).collect();
            InvalidOutputs(format!("KTK_OUTPUT line {}: {why}: {shown:?}", index + 1))
        };
        let (key, value) = line.split_once('=').ok_or_else(|| invalid("is no key=value"))?;
        let key = key.trim();
        if key.is_empty() || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid("has no usable key"));
        }
        outputs.insert(key.to_owned(), Value::String(value.to_owned()));
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_read() {
        let json = parse(b" {\"a\": 1, \"b\": {\"c\": null}}\n").expect("an object");
        assert_eq!(json, BTreeMap::from([("a".into(), json!(1)), ("b".into(), json!({"c": null}))]));
        let lines = parse(b"words=12\n\npath=/a=b c\n").expect("lines");
        assert_eq!(lines, BTreeMap::from([("words".into(), json!("12")), ("path".into(), json!("/a=b c"))]));
        assert_eq!(parse(b"{}").expect("an empty object"), BTreeMap::new());
    }

    #[test]
    fn what_is_neither_names_the_line() {
        for (text, part) in [
            (&b"a=1\nnonsense\n"[..], "line 2: is no key=value"),
            (b"=x", "line 1: has no usable key"),
            (b"{\"a\": }", "line 1 column"),
            (b"\xff\xfe", "no UTF-8 at byte 0"),
            (b"{\"a\": 1} trailing", "trailing"),
        ] {
            let error = parse(text).expect_err("neither form").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
