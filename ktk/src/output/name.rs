//! `-o name`: `task/test-web`, one a line, as other commands take it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Document, MachineFormat};
use crate::{error::CliError, ui::escape};

/// Names only.
pub(super) struct Name;

impl MachineFormat for Name {
    fn write(&self, document: Document) -> Result<String, CliError> {
        let mut incarnations: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for object in document.objects() {
            incarnations.entry(reference(object)).or_default().insert(incarnation(object));
        }
        let mut text = String::new();
        for object in document.objects() {
            let reference = reference(object);
            text.push_str(&escape(&reference));
            // The bare name means the newest: where there are others, each says which it is.
            if incarnations.get(&reference).is_some_and(|all| all.len() > 1) {
                text.push_str(&format!("@{}", incarnation(object)));
            }
            text.push('\n');
        }
        Ok(text)
    }
}

fn incarnation(object: &Value) -> u64 {
    let of_type = (object["kind"] == "TaskType").then(|| object["spec"]["version"].as_u64()).flatten();
    of_type.or_else(|| object["metadata"]["restart"]["incarnation"].as_u64()).unwrap_or(1)
}

fn reference(object: &Value) -> String {
    // A type's singular name is its kind in lower case.
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
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
        let task = |name: &str, number: u32| json!({"kind": "Task", "metadata": {"name": name, "restart": {"incarnation": number}}});
        let all = Document::Many(vec![task("a", 1), task("a", 2), task("b", 1)]);
        assert_eq!(Name.write(all).expect("names"), "task/a@1\ntask/a@2\ntask/b\n");
        assert_eq!(Name.write(Document::Many(Vec::new())).expect("nothing"), "");
    }
}
