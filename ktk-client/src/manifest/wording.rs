//! Messages for values of a wrong type, in the words of manifests.

use super::node::{Content, Node, ScalarValue};
use crate::api::{field::Segment, names::quoted};

/// What to say where a value does not fit, from what the deserializer said.
pub(super) fn wrong_value(error: &str, node: &Node, path: &[Segment]) -> String {
    let is_about_type = error.starts_with("invalid type") || error.starts_with("invalid value");
    let expected = error.split_once(", expected ").map(|(_, expected)| expected);
    let key = path.iter().rev().find_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    });
    let found = found(node);
    if key == Some("runAfter") {
        return format!("must be a time, as 2026-11-22T03:00:00Z, not {found}");
    }
    let (Some(expected), true) = (expected, is_about_type) else {
        return match (error.starts_with("unknown variant"), expected) {
            (true, Some(expected)) => format!("must be {}, not {found}", expected.replace('`', "")),
            _ => error.to_owned(),
        };
    };
    match expected {
        "a string" | "string or map" => string_expected(node, &found),
        "a sequence" => match words(node) {
            Some(words) if key == Some("command") => format!("must be a list, not {found}: write {words}"),
            Some(_) => format!("must be a list, not {found}: write [{}]", raw(node)),
            None => format!("must be a list, not {found}"),
        },
        "a boolean" => format!("must be true or false, not {found}"),
        "u32" => format!("must be a whole number from 0 to {}, not {found}", u32::MAX),
        "i32" => format!("must be a whole number from {} to {}, not {found}", i32::MIN, i32::MAX),
        "f64" => format!("must be a number, not {found}"),
        _ if expected == "a map" || expected.starts_with("struct ") => match words(node) {
            Some(_) if key == Some("when") => {
                format!("must be a mapping, not {found}: write {{jq: {}}}", raw_quoted(node))
            }
            Some(words) if key == Some("run") => {
                format!("must be a mapping, not {found}: write {{command: {words}}}")
            }
            _ => format!("must be a mapping, not {found}"),
        },
        _ => format!("must be {expected}, not {found}"),
    }
}

fn string_expected(node: &Node, found: &str) -> String {
    match &node.content {
        Content::Scalar { value: ScalarValue::Null, .. } => {
            "must be a string: write \"\" for an empty one".to_owned()
        }
        Content::Scalar { text, .. } => format!("must be a string: quote it: {}", quoted(text)),
        Content::Mapping(entries) => match entries.first().map(|entry| entry.key.as_str()) {
            Some("jq") => "must be a string: an expression (`{jq: …}`) stands in `inputs` or `when` alone; \
                           write {{ inputs.NAME }} here"
                .to_owned(),
            _ => format!("must be a string, not {found}"),
        },
        Content::Sequence(_) => format!("must be a string, not {found}"),
    }
}

fn found(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, value } => match value {
            ScalarValue::Null => "nothing".to_owned(),
            ScalarValue::Bool(_) | ScalarValue::Number(_) => text.clone(),
            ScalarValue::Text => quoted(text),
        },
        Content::Sequence(_) => "a list".to_owned(),
        Content::Mapping(_) => "a mapping".to_owned(),
    }
}

fn raw(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, .. } => {
            let quoted = quoted(text);
            quoted[1..quoted.len() - 1].to_owned()
        }
        _ => "…".to_owned(),
    }
}

fn raw_quoted(node: &Node) -> String {
    match &node.content {
        Content::Scalar { text, .. } => quoted(text),
        _ => "…".to_owned(),
    }
}

/// A word of a command; quoted where YAML would take it for something else.
fn word(text: &str) -> String {
    let is_misread = ["true", "false", "null", "~"].contains(&text) || text.parse::<f64>().is_ok();
    if is_misread { quoted(text) } else { text.to_owned() }
}

/// A command line as the list that it should be written as.
fn words(node: &Node) -> Option<String> {
    let Content::Scalar { text, .. } = &node.content else { return None };
    let needs_shell =
        text.contains(['|', '&', ';', '<', '>', '$', '`', '"', '\'', '*', '(', ',', '[', ':', '#', '\n']);
    Some(if needs_shell {
        format!("[sh, -c, {}]", quoted(text))
    } else {
        format!("[{}]", raw(node).split_whitespace().map(word).collect::<Vec<_>>().join(", "))
    })
}
