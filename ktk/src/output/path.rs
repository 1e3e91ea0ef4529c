//! A small, relaxed path into an object: `.spec.priority`, `{.spec.priority}`, `spec.priority`,
//! `status.attempts[0].node`, `metadata.labels['a.b']`, `metadata.labels.a\.b`.

use serde_json::Value;

use crate::error::CliError;

/// A path: keys and numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    typed: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(i64),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Code 2, with what was typed.
    pub(crate) fn parse(typed: &str) -> Result<Self, CliError> {
        let invalid = |why: &str| CliError::usage(format!("cannot read the path {typed:?}: {why}"));
        let text = typed.trim();
        let text = match (text.strip_prefix('{'), text.strip_suffix('}')) {
            (Some(_), Some(_)) if text.len() >= 2 => &text[1..text.len() - 1],
            (None, None) => text,
            _ => return Err(invalid("a brace is missing")),
        };
        let text = text.strip_prefix('$').unwrap_or(text);
        let mut parts = Vec::new();
        let mut key = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '.' => push_key(&mut parts, &mut key),
                '\\' => key.extend(chars.next()),
                '[' => {
                    push_key(&mut parts, &mut key);
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    parts.push(
                        part_in_brackets(inside.trim())
                            .ok_or_else(|| invalid("brackets hold a number or a 'key'"))?,
                    );
                }
                c => key.push(c),
            }
        }
        push_key(&mut parts, &mut key);
        match parts.is_empty() {
            true => Err(invalid("it names no field")),
            false => Ok(Self { typed: typed.to_owned(), parts }),
        }
    }

    /// What was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// The value at the path.
    pub(crate) fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.parts.iter().try_fold(object, |value, part| match part {
            Part::Key(key) => value.get(key),
            Part::Index(index) => {
                let array = value.as_array()?;
                let index = if *index < 0 { array.len() as i64 + index } else { *index };
                array.get(usize::try_from(index).ok()?)
            }
        })
    }
}

fn push_key(parts: &mut Vec<Part>, key: &mut String) {
    if !key.is_empty() {
        parts.push(Part::Key(std::mem::take(key)));
    }
}

fn part_in_brackets(inside: &str) -> Option<Part> {
    for quote in ['\'', '"'] {
        if let Some(key) = inside.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Some(Part::Key(key.to_owned()));
        }
    }
    inside.parse().ok().map(Part::Index)
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
            ("spec.nosuch", None),
            ("spec.list[7].x", None),
        ] {
            let read = Path::parse(path).expect(path);
            assert_eq!(read.find(&object).and_then(Value::as_i64), found, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", ".", "{.spec", "spec[x]", "{}"] {
            let error = Path::parse(path).expect_err(path);
            assert_eq!(error.exit().code(), 2);
        }
    }
}
