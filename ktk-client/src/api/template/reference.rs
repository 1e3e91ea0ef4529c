//! References in a text: where they stand and what they stand for.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use crate::api::{jq, names::quoted, suggest};

/// A piece of a text.
pub(super) enum Part<'a> {
    /// Stays as it is.
    Text(&'a str),
    /// What stands between the braces, trimmed: begins with `params.` or `inputs.`.
    Reference(&'a str),
}

/// Splits a text at its references. A closing `}}` belongs to the nearest `{{` before it.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut searched) = (0, 0);
    while let Some(close) = text[searched..].find("}}").map(|found| searched + found) {
        let open = text[searched..close].rfind("{{").map(|found| searched + found);
        searched = close + 2;
        let Some(open) = open else { continue };
        let inner = text[open + 2..close].trim();
        if inner.starts_with("params.") || inner.starts_with("inputs.") {
            parts.push(Part::Text(&text[start..open]));
            parts.push(Part::Reference(inner));
            start = searched;
        }
    }
    parts.push(Part::Text(&text[start..]));
    parts
}

/// The reference that is all of a text.
pub(super) fn alone(text: &str) -> Option<&str> {
    match parts(text).as_slice() {
        [Part::Text(""), Part::Reference(reference), Part::Text("")] => Some(reference),
        _ => None,
    }
}

pub(in crate::api) fn holds_reference(text: &str) -> bool {
    parts(text).iter().any(|part| matches!(part, Part::Reference(_)))
}

/// Whether a reference names an input in which an expression stands.
pub(super) fn is_made(reference: &str, inputs: &BTreeMap<String, Value>) -> bool {
    let name = reference.strip_prefix("inputs.").map(|path| path.split('.').next().unwrap_or_default());
    let value = name.and_then(|name| inputs.get_key_value(name));
    value.is_some_and(|(name, value)| jq::holds_expression(&[(name.clone(), value.clone())].into()))
}

/// What references can name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) params: &'a BTreeMap<String, Value>,
    pub(super) inputs: &'a BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    /// The text that stands for a reference: a string as it is, all else as compact JSON.
    pub(super) fn value_of(self, reference: &str) -> Result<Cow<'a, str>, String> {
        Ok(match self.find(reference)? {
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        })
    }

    /// The value that a reference names.
    pub(super) fn find(self, reference: &str) -> Result<&'a Value, String> {
        let (root, path) = reference.split_once('.').unwrap_or((reference, ""));
        let top = if root == "params" { self.params } else { self.inputs };
        let mut segments = path.split('.');
        let first = segments.next().unwrap_or_default();
        let Some(mut value) = top.get(first) else {
            let names = top.keys().map(String::as_str);
            return Err(unknown(reference, root, first, names));
        };
        let mut walked = format!("{root}.{first}");
        for segment in segments {
            if root == "inputs" && jq::expression(value).is_some() {
                // What an expression yields is known when the task starts.
                break;
            }
            let member = match value {
                Value::Object(members) => members.get(segment),
                Value::Array(items) => segment.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            value = member.ok_or_else(|| match value {
                Value::Object(members) => {
                    unknown(reference, &walked, segment, members.keys().map(String::as_str))
                }
                Value::Array(items) => format!("{}: {walked} is a list of {}", shown(reference), items.len()),
                _ => format!("{}: {walked} is neither an object nor a list", shown(reference)),
            })?;
            walked = format!("{walked}.{segment}");
        }
        Ok(value)
    }
}

fn shown(reference: &str) -> String {
    let quoted = quoted(reference);
    format!("{{{{ {} }}}}", &quoted[1..quoted.len() - 1])
}

/// The message for a name that is not there: says which are.
fn unknown<'n>(
    reference: &str,
    parent: &str,
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> String {
    const LISTED: usize = 10;
    let shown = shown(reference);
    let hint = suggest::hint(name, known.clone());
    let mut list: Vec<&str> = known.clone().take(LISTED).collect();
    if list.is_empty() {
        return format!("{shown}: there is nothing in {parent}");
    }
    if known.count() > LISTED {
        list.push("…");
    }
    format!("{shown}: there is no {} in {parent}{hint}; it has {}", quoted(name), list.join(", "))
}
