//! `-o yaml`: indented by 2, keys sorted.

use super::{Document, MachineFormat, unwritable};
use crate::{error::CliError, ui::escape};

/// YAML.
pub(super) struct Yaml;

impl MachineFormat for Yaml {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let text = serde_saphyr::to_string(&document.into_value()).map_err(unwritable)?;
        let mut shown = String::with_capacity(text.len() + 1);
        for line in text.lines() {
            shown.push_str(&escape(line));
            shown.push('\n');
        }
        Ok(shown)
    }
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
            "a:\n  c:\n    - x\n    - d: 'yes'\n      e: '1'\n  f: |-\n    two\n    lines\nb: 1\ng: []\n"
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
        ] {
            let value = json!({"spec": {"a": text, "b": [text]}});
            let yaml = Yaml.write(Document::One(value.clone())).expect("yaml");
            let back: serde_json::Value = serde_saphyr::from_str(&yaml).expect(&yaml);
            assert_eq!(back, value, "{yaml}");
        }
    }
}
