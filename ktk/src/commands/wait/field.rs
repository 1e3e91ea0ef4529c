//! The field that `wait --for=jsonpath=PATH[=VALUE]` waits for. Pure.

use std::{fmt, str::FromStr};

use serde_json::Value;

use crate::output::jsonpath::{Path, text_of};

/// A field, and the value that it is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    path: Path,
    /// As text; any that is not empty where none is given.
    value: Option<String>,
}

impl Expected {
    /// Whether an object has it. Where the path leads to several values, one of them is enough. A
    /// value is compared by its text, whatever its type.
    pub(super) fn is_met_by(&self, object: &Value) -> bool {
        self.path.find_all(object).into_iter().any(|found| match &self.value {
            Some(value) => text_of(found) == *value,
            None => !is_empty(found),
        })
    }

    /// Whether it can still change once the object has ended: its metadata, and who resolved it.
    pub(super) fn may_come_after_the_end(&self) -> bool {
        let keys: Vec<&str> = self.path.leading_keys().take(2).collect();
        !matches!(keys.as_slice(), ["spec", ..] | ["status", _]) || keys == ["status", "resolvedBy"]
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.path.typed()),
            None => f.write_str(self.path.typed()),
        }
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = match end_of_path(text) {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        let value = value.map(unquoted);
        if value == Some("") {
            return Err("jsonpath wait has to have a value after equal sign, like \
                        --for=jsonpath='{.status.phase}'=Succeeded"
                .to_owned());
        }
        Ok(Self {
            path: Path::parse(path).map_err(|problem| problem.to_string())?,
            value: value.map(str::to_owned),
        })
    }
}

/// Where the first `=` stands that is not part of the path.
fn end_of_path(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != c),
            (None, '\'' | '"') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            (None, '=') if depth == 0 => return Some(at),
            (None, _) => {}
        }
    }
    None
}

fn unquoted(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_compared_by_its_text() {
        let object = json!({"status": {"phase": "Failed", "attempt": 2, "message": "", "outputs": {},
            "attempts": [{"exitCode": 3}, {"exitCode": 0}], "ok": false, "a=b": "c=d"}});
        for (typed, is_met) in [
            ("{.status.phase}=Failed", true),
            ("{.status.phase}=\"Failed\"", true),
            (".status.phase=Failed", true),
            ("status.phase=failed", false),
            ("{.status.phase}", true),
            ("{.status.attempt}=2", true),
            ("{.status.attempt}=two", false),
            ("{.status.ok}=false", true),
            ("{.status.ok}", true),
            ("{.status.message}", false),
            ("{.status.outputs}", false),
            ("{.status.outputs}={}", true),
            ("{.status.nosuch}", false),
            ("{.status.nosuch}=x", false),
            ("{.status.attempts[*].exitCode}=3", true),
            ("{.status.attempts[1].exitCode}=3", false),
            ("{.status.attempts[?(@.exitCode==3)].exitCode}=3", true),
            ("status.attempts[?(@.exitCode>3)]", false),
            ("status.attempts[0].exitCode=3", true),
            ("status.attempts[7].exitCode=3", false),
            ("{.status['a=b']}=c=d", true),
            ("status['a=b']=c=d", true),
        ] {
            let expected: Expected = typed.parse().expect(typed);
            assert_eq!(expected.is_met_by(&object), is_met, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (typed, why) in [
            ("", "names no field"),
            ("{.status.phase", "brace is missing"),
            ("{.status.phase}=", "has to have a value after equal sign"),
            ("{.status.phase}=''", "has to have a value after equal sign"),
            ("{.status.attempts[?(@.exitCode<>3)].node}=x", "unrecognized filter operator <>"),
        ] {
            let error = typed.parse::<Expected>().expect_err(typed);
            assert!(error.contains(why), "{typed}: {error}");
        }
    }

    #[test]
    fn a_status_is_final_with_the_end_but_for_who_resolved_it() {
        for (typed, may_come) in [
            ("{.status.phase}=Succeeded", false),
            ("{.status.outputs.x}", false),
            ("{.spec.hold}=true", false),
            ("{.status.resolvedBy}", true),
            ("{.metadata.labels.done}", true),
        ] {
            assert_eq!(typed.parse::<Expected>().expect(typed).may_come_after_the_end(), may_come, "{typed}");
        }
    }
}
