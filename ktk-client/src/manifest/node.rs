//! A tree of values, each with its place in the text.

use serde_json::{Map, Value};

use crate::api::field::Segment;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar { text: String, value: ScalarValue },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// What a scalar stands for; a text stands for itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ScalarValue {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text,
}

/// A member of a mapping and where its key stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) value: Node,
}

/// What a path leads to.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) node: &'a Node,
    /// Where the key stands, for a member of a mapping.
    pub(super) key: Option<(u32, u32)>,
    /// How many segments of the path exist.
    pub(super) depth: usize,
}

impl Found<'_> {
    /// Where to point at: a collection at its key, a scalar at itself.
    pub(super) fn place(&self) -> (u32, u32) {
        match (&self.node.content, self.key) {
            (Content::Sequence(_) | Content::Mapping(_), Some(key)) => key,
            _ => (self.node.line, self.node.column),
        }
    }

    /// Where the key stands, or the value that has none.
    pub(super) fn key_place(&self) -> (u32, u32) {
        self.key.unwrap_or((self.node.line, self.node.column))
    }
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar { value: ScalarValue::Null, .. })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, value: ScalarValue::Text } => Some(text),
            _ => None,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Follows a path as far as it exists.
    pub(super) fn find(&self, path: &[Segment]) -> Found<'_> {
        let mut found = Found { node: self, key: None, depth: 0 };
        for segment in path {
            let next = match (segment, &found.node.content) {
                (Segment::Key(key), _) => {
                    found.node.entry(key).map(|entry| (&entry.value, Some((entry.line, entry.column))))
                }
                (Segment::Index(index), Content::Sequence(items)) => {
                    items.get(*index).map(|item| (item, None))
                }
                _ => None,
            };
            let Some((node, key)) = next else { break };
            found = Found { node, key, depth: found.depth + 1 };
        }
        found
    }

    /// As JSON. A null that is no user's value is left out, as if the key were not there.
    pub(super) fn to_json(&self, keeps_nulls: bool) -> Value {
        match &self.content {
            Content::Scalar { text, value } => match value {
                ScalarValue::Null => Value::Null,
                ScalarValue::Bool(value) => Value::Bool(*value),
                ScalarValue::Number(number) => Value::Number(number.clone()),
                ScalarValue::Text => Value::String(text.clone()),
            },
            Content::Sequence(items) => items.iter().map(|item| item.to_json(keeps_nulls)).collect(),
            Content::Mapping(entries) => {
                let is_kept = |entry: &&Entry| keeps_nulls || !entry.value.is_null();
                let member = |entry: &Entry| {
                    let holds_values = HOLDERS_OF_VALUES.contains(&entry.key.as_str());
                    (entry.key.clone(), entry.value.to_json(keeps_nulls || holds_values))
                };
                Value::Object(entries.iter().filter(is_kept).map(member).collect::<Map<_, _>>())
            }
        }
    }
}

/// Fields whose members are the user's own: a null there is a value.
const HOLDERS_OF_VALUES: [&str; 5] = ["inputs", "params", "env", "labels", "annotations"];
