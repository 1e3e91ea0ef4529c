//! A small, relaxed JSONPath into an object: `.spec.priority`, `{.spec.priority}`, `spec.priority`,
//! `status.attempts[0].node`, `status.attempts[*].node`, `metadata.labels['a.b']`,
//! `metadata.labels.a\.b`. Filters, slices, unions and recursion are refused, not half understood.

use serde_json::Value;

use crate::error::CliError;

/// A path: keys, numbers and `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    typed: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(i64),
    All,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Code 2, with what was typed.
    pub(crate) fn parse(typed: &str) -> Result<Self, CliError> {
        Self::read(typed).map_err(CliError::usage)
    }

    /// Reads a path; the error is a sentence.
    pub(crate) fn read(typed: &str) -> Result<Self, String> {
        let invalid = |why: String| format!("cannot read the path {typed:?}: {why}");
        let text = typed.trim();
        let text = match (text.strip_prefix('{'), text.strip_suffix('}')) {
            (Some(_), Some(_)) if text.len() >= 2 => text[1..text.len() - 1].trim(),
            (None, None) => text,
            _ => return Err(invalid("a brace is missing".to_owned())),
        };
        let parts = parts_of(text.strip_prefix('$').unwrap_or(text)).map_err(invalid)?;
        Ok(Self { typed: typed.to_owned(), parts })
    }

    /// What was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// The value at the path; the first where it leads to several.
    pub(crate) fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.find_all(object).into_iter().next()
    }

    /// All values that the path leads to.
    pub(crate) fn find_all<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        self.parts
            .iter()
            .fold(vec![object], |values, part| values.into_iter().flat_map(|value| part.of(value)).collect())
    }

    /// The keys that the path begins with, up to the first number or `*`.
    pub(crate) fn leading_keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map_while(|part| match part {
            Part::Key(key) => Some(key.as_str()),
            Part::Index(_) | Part::All => None,
        })
    }
}

impl Part {
    fn of<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Key(key), _) => value.get(key).into_iter().collect(),
            (Self::All, Value::Array(items)) => items.iter().collect(),
            (Self::All, Value::Object(members)) => members.values().collect(),
            (Self::Index(index), Value::Array(items)) => {
                let index = if *index < 0 { items.len() as i64 + index } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
            }
            (Self::All | Self::Index(_), _) => Vec::new(),
        }
    }
}

fn parts_of(mut rest: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (part, after) = part_in_brackets(inside)?;
            parts.push(part);
            rest = after;
            continue;
        }
        // The first name may stand without its dot; after that nothing does.
        let name = match rest.strip_prefix('.') {
            Some(name) => name,
            None if parts.is_empty() => rest,
            None => return Err(format!("there is no dot before {rest:?}")),
        };
        if name.starts_with('[') && parts.is_empty() {
            rest = name;
            continue;
        }
        let (key, after) = plain_key(name);
        match key.as_str() {
            "" if after.starts_with('.') => return Err("`..` is not supported".to_owned()),
            "" if parts.is_empty() && after.is_empty() => break,
            "" => return Err("there is no name after a dot".to_owned()),
            "*" => parts.push(Part::All),
            _ if key.contains(char::is_whitespace) => {
                return Err(format!("{key:?} is no name: write ['{key}'] if it is one"));
            }
            _ => parts.push(Part::Key(key)),
        }
        rest = after;
    }
    if parts.is_empty() { Err("it names no field".to_owned()) } else { Ok(parts) }
}

/// A name up to the next dot or bracket, without its backslashes, and what follows it.
fn plain_key(text: &str) -> (String, &str) {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (key, &text[at..]),
            '\\' => key.extend(chars.next().map(|(_, escaped)| escaped)),
            c => key.push(c),
        }
    }
    (key, "")
}

/// What stands after an opening bracket, and what follows the closing one.
fn part_in_brackets(inside: &str) -> Result<(Part, &str), String> {
    let inside = inside.trim_start();
    let unclosed = || "a bracket is missing".to_owned();
    if let Some(quote) = inside.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (key, after) = inside[1..].split_once(quote).ok_or_else(|| "a quote is missing".to_owned())?;
        return match after.trim_start().strip_prefix(']') {
            Some(after) => Ok((Part::Key(key.to_owned()), after)),
            None if after.contains(']') => Err(format!("brackets hold one key, not [{inside}")),
            None => Err(unclosed()),
        };
    }
    let (word, after) = inside.split_once(']').ok_or_else(unclosed)?;
    let part = match word.trim() {
        "*" => Part::All,
        word => Part::Index(
            word.parse().map_err(|_| format!("brackets hold a number, * or a 'key', not {word:?}"))?,
        ),
    };
    Ok((part, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_finds_the_same() {
        let object = json!({"spec": {"priority": 5, "list": [{"x": 1}, {"x": 2}], "a.b": 3}});
        for (path, found) in [
            (".spec.priority", Some(5)),
            ("{.spec.priority}", Some(5)),
            ("spec.priority", Some(5)),
            ("$.spec.priority", Some(5)),
            ("spec['priority']", Some(5)),
            ("spec.list[0].x", Some(1)),
            ("spec.list[-1].x", Some(2)),
            ("spec['a.b']", Some(3)),
            ("spec.a\\.b", Some(3)),
            ("[\"spec\"].list[ 0 ]['x']", Some(1)),
            ("{ .spec.priority }", Some(5)),
            ("spec.list[*].x", Some(1)),
            ("spec.nosuch", None),
            ("spec.priority[*]", None),
            ("spec.list[7].x", None),
        ] {
            let read = Path::parse(path).expect(path);
            assert_eq!(read.find(&object).and_then(Value::as_i64), found, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "",
            ".",
            "{.spec",
            ".spec}",
            "spec[x]",
            "{}",
            "spec[0",
            "spec['a",
            "spec['a'",
            "spec['a','b']",
            "spec[?(@.x==1)]",
            "spec[0:2]",
            "spec..x",
            "..x",
            "spec.",
            "spec['a']x",
            "a b",
        ] {
            let error = Path::parse(path).expect_err(path);
            assert_eq!(error.exit().code(), 2);
        }
    }

    #[test]
    fn a_star_leads_to_all() {
        let object = json!({"list": [{"x": 1}, {"y": 2}, {"x": 3}], "map": {"a": 1, "b": 2}});
        for (path, found) in [("list[*].x", vec![1, 3]), ("map.*", vec![1, 2]), ("map[*]", vec![1, 2])] {
            let read = Path::parse(path).expect(path);
            let values: Vec<i64> = read.find_all(&object).into_iter().filter_map(Value::as_i64).collect();
            assert_eq!(values, found, "{path}");
        }
        let path = Path::parse("status.attempts[*].node").expect("a path");
        assert_eq!(path.leading_keys().collect::<Vec<_>>(), ["status", "attempts"]);
    }
}
