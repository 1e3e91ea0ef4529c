//! `-o json` of something that goes on: one compact object a line.

use super::{Document, MachineFormat, unwritable};
use crate::{error::CliError, ui::escape_json};

/// JSON lines.
pub(super) struct JsonLines;

impl MachineFormat for JsonLines {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let mut text = String::new();
        for object in document.objects() {
            text.push_str(&escape_json(&serde_json::to_string(object).map_err(unwritable)?));
            text.push('\n');
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_object_is_a_line() {
        let text = JsonLines.write(Document::Many(vec![json!({"b": 1, "a": 2}), json!({})])).expect("json");
        assert_eq!(text, "{\"a\":2,\"b\":1}\n{}\n");
    }
}
