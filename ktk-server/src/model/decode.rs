//! From what was sent to what it is to be: parameters of a method, an object that was patched; and from what is wrong
//! with it to causes. Knows neither.

use std::fmt::{Display, Write as _};

use ktk_client::api::{ApiError, Cause};
use serde::de::{DeserializeOwned, Deserializer};
use serde_ignored::Path;
use serde_path_to_error::Track;

use crate::limits::CAUSES;

/// Reads `what`: `Invalid` names every unknown field, and the first value that does not fit.
pub fn decode<'de, T, D>(what: &str, source: D) -> Result<T, ApiError>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
    D::Error: Display,
{
    let mut track = Track::new();
    let mut unknown = Vec::new();
    let mut count = 0_usize;
    // As a trait object: a closure of its own for each `T` would have all types compiled again for each.
    let mut note: &mut dyn FnMut(Path<'_>) = &mut |path| {
        count += 1;
        if count <= CAUSES {
            unknown.push(Cause::new(field_of(&path), "is no field that is known here"));
        }
    };
    let tracked = serde_path_to_error::Deserializer::new(source, &mut track);
    let read = T::deserialize(serde_ignored::Deserializer::new(tracked, &mut note));
    let mut causes = unknown;
    if count > CAUSES {
        causes.push(Cause::new("", format!("and {} more unknown fields", count - CAUSES)));
    }
    match read {
        Ok(value) if causes.is_empty() => return Ok(value),
        Ok(_) => {}
        Err(error) => causes.insert(0, cause_of(&track.path().to_string(), &error.to_string())),
    }
    Err(ApiError::invalid(what, causes))
}

/// `spec.steps[3].needs`, as errors of types name places, too.
fn field_of(path: &Path<'_>) -> String {
    fn write(path: &Path<'_>, field: &mut String) {
        match path {
            Path::Root => {}
            Path::Seq { parent, index } => {
                write(parent, field);
                let _ = write!(field, "[{index}]");
            }
            Path::Map { parent, key } => {
                write(parent, field);
                if !field.is_empty() {
                    field.push('.');
                }
                field.push_str(key);
            }
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                write(parent, field);
            }
        }
    }
    let mut field = String::new();
    write(path, &mut field);
    field
}

fn cause_of(path: &str, message: &str) -> Cause {
    let path = if path == "." { "" } else { path };
    // Lines and columns are those of the wire, which nobody has seen.
    let message = message.rfind(" at line ").map_or(message, |at| &message[..at]);
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match missing {
        Some(name) if path.is_empty() => Cause::new(name, "is missing"),
        Some(name) => Cause::new(format!("{path}.{name}"), "is missing"),
        None if path.is_empty() => Cause::new("params", message),
        None => Cause::new(path, message),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        is_big: bool,
    }

    fn read(text: &str) -> Result<Outer, Vec<(String, String)>> {
        let mut json = serde_json::Deserializer::from_str(text);
        decode::<Outer, _>("x", &mut json)
            .map_err(|error| error.causes.into_iter().map(|cause| (cause.field, cause.message)).collect())
    }

    fn fields(text: &str) -> Vec<String> {
        read(text).expect_err(text).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_fits_is_read() {
        let outer = read(r#"{"name":"a","inner":{"isBig":true}}"#).expect("it fits");
        assert_eq!(outer, Outer { name: "a".into(), inner: Some(Inner { is_big: true }), list: Vec::new() });
    }

    #[test]
    fn every_unknown_field_is_named() {
        let text = r#"{"name":"a","nome":1,"inner":{"isBig":true,"x":{}},"list":[{"isBig":true},{"isBig":true,"y":1}]}"#;
        assert_eq!(fields(text), ["nome", "inner.x", "list[1].y"]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_by_its_place() {
        let text = r#"{"nome":1,"name":"a","list":[{"isBig":"yes"}]}"#;
        let causes = read(text).expect_err("a string is no truth");
        assert_eq!(causes[0].0, "list[0].isBig");
        assert_eq!(causes[0].1, "invalid type: string \"yes\", expected a boolean");
        assert_eq!(causes[1].0, "nome");
        assert_eq!(fields(r#"{"name":"a","list":[{}]}"#), ["list[0].isBig"]);
        assert_eq!(fields("{}"), ["name"]);
    }

    #[test]
    fn the_list_of_causes_is_bounded() {
        let many: String = (0..CAUSES * 3).map(|n| format!(",\"f{n}\":1")).collect();
        let causes = read(&format!("{{\"name\":\"a\"{many}}}")).expect_err("unknown fields");
        assert_eq!(causes.len(), CAUSES + 1);
        assert!(causes[CAUSES].1.contains("200 more"));
    }
}
