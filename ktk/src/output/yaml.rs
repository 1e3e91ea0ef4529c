//! `-o yaml`: indented by 2, keys sorted.

use serde_json::Value;

use super::{Document, MachineFormat, unwritable};
use crate::{error::CliError, ui::is_dangerous};

/// Stands before the number of a character that must not reach a terminal as it is. A control
/// character, so the whole text is written in double quotes.
const MARK: char = '\u{1}';
/// How [`MARK`] is written in double quotes.
const WRITTEN_MARK: &str = "\\x01";

/// YAML.
pub(super) struct Yaml;

impl MachineFormat for Yaml {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let mut value = document.into_value();
        mark_in(&mut value);
        let text = serde_saphyr::to_string(&value).map_err(unwritable)?;
        // What follows a mark are the eight digits that `\U` takes.
        Ok(text.replace(WRITTEN_MARK, "\\U"))
    }
}

/// Replaces characters that a terminal would act upon, in every text of a value.
fn mark_in(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(marked) = marked(text) {
                *text = marked;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mark_in),
        Value::Object(fields) => {
            fields.values_mut().for_each(mark_in);
            let keys: Vec<(String, String)> =
                fields.keys().filter_map(|key| Some((key.clone(), marked(key)?))).collect();
            for (key, marked) in keys {
                if let Some(value) = fields.remove(&key) {
                    fields.insert(marked, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn marked(text: &str) -> Option<String> {
    let passes = |c: char| matches!(c, '\n' | '\t') || !is_dangerous(c);
    if text.chars().all(passes) {
        return None;
    }
    let mark = |c: char| if passes(c) { c.to_string() } else { format!("{MARK}{:08X}", c as u32) };
    Some(text.chars().map(mark).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_indented_by_two() {
        let text = Yaml
            .write(Document::One(
                json!({"b": 1, "a": {"c": ["x", {"d": "yes", "e": "1"}], "f": "two\nlines"}, "g": []}),
            ))
            .expect("yaml");
        assert_eq!(
            text,
            "a:\n  c:\n  - x\n  - d: \"yes\"\n    e: \"1\"\n  f: |-\n    two\n    lines\nb: 1\ng: []\n"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "",
            "yes",
            "1e3",
            "0x1",
            "null",
            "~",
            "a: b",
            "- x",
            "#c",
            " lead",
            "2026-11-22",
            "{{x}}",
            "a\n\nb\n",
            "\t",
            "a\u{1b}[31m",
            "x\u{202e}y",
            "z\u{200b}\n",
            "\u{feff}",
            "\u{9b}",
            "multi\u{7}\nline",
            "r\r",
        ] {
            let value = json!({"spec": {"a": text, "b": [text], (text): 1}});
            let yaml = Yaml.write(Document::One(value.clone())).expect("yaml");
            let back: serde_json::Value = serde_saphyr::from_str(&yaml).expect(&yaml);
            assert_eq!(back, value, "{yaml}");
            assert!(!yaml.chars().any(|c| c != '\n' && is_dangerous(c)), "{yaml:?}");
        }
    }
}
