//! `-o name`: `task/test-web`, one a line, as other commands take it.

use serde_json::Value;

use super::{Document, MachineFormat};
use crate::{error::CliError, kinds::KINDS, ui::escape};

/// Names only.
pub(super) struct Name;

impl MachineFormat for Name {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let mut text = String::new();
        for object in document.objects() {
            text.push_str(&escape(&reference(object)));
            text.push('\n');
        }
        Ok(text)
    }
}

fn reference(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    let kind = KINDS.iter().find(|row| row.manifest == kind).map_or(kind, |row| row.singular);
    format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_what_other_commands_take() {
        let object = json!({"kind": "Pipeline", "metadata": {"name": "nightly"}});
        assert_eq!(Name.write(Document::One(object)).expect("a name"), "pipeline/nightly\n");
        assert_eq!(Name.write(Document::Many(Vec::new())).expect("nothing"), "");
    }
}
