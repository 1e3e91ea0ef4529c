//! JSON Schemas of inputs and outputs (draft 2020-12): whether one is a schema, and what of a value breaks it. Nothing
//! is fetched: a reference leads within its own schema or nowhere.

use jsonschema::{Draft, PatternOptions, Validator};
use ktk_client::api::{Cause, field};
use serde_json::Value;

/// The most breaches that are told of one value.
const MAX_CAUSES: usize = 20;

/// The longest message of a breach, in characters: it may quote the value.
const MAX_MESSAGE: usize = 300;

/// The most bytes of memory that a pattern's automaton may take.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema, ready to judge.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema. Patterns are matched in linear time.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
        let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns);
        match options.offline().build(schema) {
            Ok(validator) => Ok(Self(validator)),
            Err(error) => {
                let place = error.instance_path().as_str();
                let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
                Err(format!("is no JSON Schema{place}: {}", shortened(&error.to_string())))
            }
        }
    }

    /// Every breach, with the field (below `field`) and the rule.
    pub fn causes(&self, field: &str, value: &Value) -> Vec<Cause> {
        let breach = |error: jsonschema::ValidationError<'_>| {
            let rule = error.schema_path().as_str();
            let message = format!("{} (rule {rule} of its type)", shortened(&error.to_string()));
            Cause::new(path(field, error.instance_path().as_str(), value), message)
        };
        self.0.iter_errors(value).take(MAX_CAUSES).map(breach).collect()
    }
}

/// A JSON pointer as a field.
fn path(field: &str, pointer: &str, value: &Value) -> String {
    let mut path = field.to_owned();
    let mut place = Some(value);
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        (path, place) = match (place, key.parse::<usize>()) {
            (Some(Value::Array(items)), Ok(index)) => (field::item(&path, index), items.get(index)),
            (place, _) => (field::member(&path, &key), place.and_then(|value| value.get(&key))),
        };
    }
    path
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_breach_names_its_field_and_its_rule() {
        let schema = json!({
            "type": "object",
            "required": ["file"],
            "properties": {
                "width": {"type": "integer", "maximum": 4000},
                "tags": {"type": "array", "items": {"pattern": "^[a-z]+$"}},
            },
        });
        let schema = Schema::new(&schema).expect("a schema");
        assert_eq!(schema.causes("spec.inputs", &json!({"file": "a", "width": 7, "tags": ["x"]})), []);
        let causes = schema.causes("spec.inputs", &json!({"width": 9000, "tags": ["x", "Y"]}));
        let mut told: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        told.sort();
        assert_eq!(
            told,
            [
                "spec.inputs.tags[1]: \"Y\" does not match \"^[a-z]+$\" (rule /properties/tags/items/pattern of its type)",
                "spec.inputs.width: 9000 is greater than the maximum of 4000 (rule /properties/width/maximum of its type)",
                "spec.inputs: \"file\" is a required property (rule /required of its type)",
            ]
        );
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(Schema::new(&json!({"type": "nothing"})).expect_err("no type").contains("no JSON Schema"));
        assert!(Schema::new(&json!({"$ref": "https://example.com/schema"})).is_err(), "nothing is fetched");
        assert!(Schema::new(&json!({"pattern": "(a"})).is_err());
        assert!(Schema::new(&json!({"pattern": "(a+)+\\1"})).is_err(), "only linear patterns");
    }

    #[test]
    fn a_slow_pattern_is_matched_in_linear_time() {
        let schema = Schema::new(&json!({"pattern": "^(a+)+$"})).expect("a schema");
        let text = "a".repeat(100_000) + "b";
        assert_eq!(schema.causes("x", &json!(text)).len(), 1);
    }
}
