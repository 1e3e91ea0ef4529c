//! Paths of fields, as errors name them: `spec.steps[3].env["A B"]`.

use std::fmt::Write as _;

/// One step of a path.
///
/// ```
/// use ktk_client::api::field::{Segment, parse};
/// assert_eq!(parse("steps[3]"), [Segment::Key("steps".into()), Segment::Index(3)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A member of an object.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// The path of an object's member: `prefix.key`, or `prefix["some key"]` where the key is no word.
///
/// ```
/// assert_eq!(ktk_client::api::field::member("spec.inputs", "width"), "spec.inputs.width");
/// ```
pub fn member(prefix: &str, key: &str) -> String {
    let mut path = prefix.to_owned();
    push_key(&mut path, key);
    path
}

/// The path of a list's item: `prefix[3]`.
///
/// ```
/// assert_eq!(ktk_client::api::field::item("spec.steps", 3), "spec.steps[3]");
/// ```
pub fn item(prefix: &str, index: usize) -> String {
    format!("{prefix}[{index}]")
}

/// The text of a path.
///
/// ```
/// use ktk_client::api::field::{Segment, to_text};
/// assert_eq!(to_text(&[Segment::Key("steps".into()), Segment::Index(3)]), "steps[3]");
/// ```
pub fn to_text(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) => push_key(&mut text, key),
            Segment::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}

/// Reads what [`to_text`] writes; a text that is no path yields what could be read of it.
///
/// ```
/// use ktk_client::api::field::{parse, to_text};
/// assert_eq!(to_text(&parse("spec.steps[3].needs[0]")), "spec.steps[3].needs[0]");
/// ```
pub fn parse(text: &str) -> Vec<Segment> {
    let mut path = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let Some(end) = closing_quote(inner) else { return path };
            let Ok(key) = serde_json::from_str(&rest[1..end + 3]) else { return path };
            path.push(Segment::Key(key));
            rest = inner[end + 1..].strip_prefix(']').unwrap_or_default();
        } else if let Some(inner) = rest.strip_prefix('[') {
            let Some((number, tail)) = inner.split_once(']') else { return path };
            let Ok(index) = number.parse() else { return path };
            path.push(Segment::Index(index));
            rest = tail;
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            if end == 0 {
                return path;
            }
            path.push(Segment::Key(inner[..end].to_owned()));
            rest = &inner[end..];
        }
    }
    path
}

/// Where a field stands that nobody reads.
pub(crate) fn of_ignored(path: &serde_ignored::Path<'_>) -> Vec<Segment> {
    use serde_ignored::Path as Ignored;
    let (parent, segment) = match path {
        Ignored::Root => return Vec::new(),
        Ignored::Seq { parent, index } => (parent, Some(Segment::Index(*index))),
        Ignored::Map { parent, key } => (parent, Some(Segment::Key(key.clone()))),
        Ignored::Some { parent } | Ignored::NewtypeStruct { parent } | Ignored::NewtypeVariant { parent } => {
            (parent, None)
        }
    };
    let mut path = of_ignored(parent);
    path.extend(segment);
    path
}

/// Where a value stands that is of a wrong type.
pub(crate) fn of_error(path: &serde_path_to_error::Path) -> Vec<Segment> {
    use serde_path_to_error::Segment as Tracked;
    path.iter()
        .map_while(|segment| match segment {
            Tracked::Seq { index } => Some(Segment::Index(*index)),
            Tracked::Map { key } => Some(Segment::Key(key.clone())),
            Tracked::Enum { .. } | Tracked::Unknown => None,
        })
        .collect()
}

fn push_key(path: &mut String, key: &str) {
    let is_word = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_word {
        let _ = write!(path, "[{}]", serde_json::Value::from(key));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        if byte == b'"' && !is_escaped {
            return Some(index);
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_written_as_people_read_them() {
        assert_eq!(item(&member(&item("spec.steps", 3), "needs"), 0), "spec.steps[3].needs[0]");
        assert_eq!(member("metadata.labels", "app.io/x"), "metadata.labels[\"app.io/x\"]");
        assert_eq!(member("", "kind"), "kind");
    }

    #[test]
    fn what_is_no_path_is_read_as_far_as_it_goes() {
        assert_eq!(parse("spec.run[x]").len(), 2);
        assert_eq!(parse("spec..run").len(), 1);
        assert_eq!(parse("[\"a").len(), 0);
    }

    proptest! {
        #[test]
        fn a_path_is_read_back(parts in prop::collection::vec(prop_oneof![
            any::<String>().prop_map(Segment::Key),
            "[a-zA-Z]{1,4}".prop_map(Segment::Key),
            (0usize..1000).prop_map(Segment::Index),
        ], 0..6)) {
            prop_assert_eq!(parse(&to_text(&parts)), parts);
        }
    }
}
