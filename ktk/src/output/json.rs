//! `-o json`: indented by 4 spaces, keys sorted.

use serde::Serialize;
use serde_json::{
    Value,
    ser::{PrettyFormatter, Serializer},
};

use super::{Document, MachineFormat, unwritable};
use crate::{error::CliError, ui::escape_json};

/// JSON for people and programs.
pub(super) struct Json;

impl MachineFormat for Json {
    fn write(&self, document: Document) -> Result<String, CliError> {
        indented(&document.into_value())
    }
}

/// A value as lines of JSON.
pub(super) fn indented(value: &Value) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter)).map_err(unwritable)?;
    bytes.push(b'\n');
    let text = String::from_utf8(bytes).map_err(unwritable)?;
    Ok(escape_json(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_indented_by_four() {
        let text = Json.write(Document::One(json!({"b": 1, "a": {"c": []}}))).expect("json");
        assert_eq!(text, "{\n    \"a\": {\n        \"c\": []\n    },\n    \"b\": 1\n}\n");
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let text = Json.write(Document::Many(Vec::new())).expect("json");
        assert_eq!(
            text,
            "{\n    \"apiVersion\": \"ktk/v1\",\n    \"items\": [],\n    \"kind\": \"List\"\n}\n"
        );
    }

    #[test]
    fn no_character_that_a_terminal_acts_upon_is_left() {
        let value = json!({"a": "x\u{202e}\u{7f}\u{9b}\u{1b}"});
        let text = Json.write(Document::One(value.clone())).expect("json");
        assert_eq!(text, "{\n    \"a\": \"x\\u202e\\u007f\\u009b\\u001b\"\n}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("still json"), value);
    }
}
