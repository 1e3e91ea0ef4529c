//! Unique keys: no second task, or pipeline, of a key while one of it is pending or unfinished.
//!
//! ```
//! use ktk_client::api::{task::TaskSpec, unique::UniqueSpec};
//! let unique = Some(UniqueSpec { key: "nightly".into(), ..UniqueSpec::default() });
//! let spec = TaskSpec { unique, ..TaskSpec::command(["./nightly"]) };
//! # drop(spec);
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, field, task::is_default, template};

/// The longest key in bytes, once it is filled in.
pub const MAX_KEY: usize = 512;

/// That there is one of a kind: tasks and pipelines have keys of their own, in each namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UniqueSpec {
    /// The key. May hold `{{ params.x }}` and `{{ inputs.x }}`.
    pub key: String,
    /// How long the key is held.
    #[serde(rename = "while", skip_serializing_if = "is_default")]
    pub held_while: HeldWhile,
    /// What becomes of a new one while the key is held.
    #[serde(skip_serializing_if = "is_default")]
    pub on_conflict: OnConflict,
}

/// How long a key is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HeldWhile {
    /// Until it starts, and again while it waits for another attempt.
    Pending,
    /// Until it has ended.
    #[default]
    Unfinished,
}

/// What becomes of a new one while the key is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnConflict {
    /// It is refused.
    #[default]
    Reject,
    /// Nothing is made: the holder is the answer.
    Return,
    /// The holder is cancelled; the new one starts when it has ended.
    Replace,
}

impl UniqueSpec {
    /// The key with every reference filled in.
    ///
    /// ```
    /// use ktk_client::api::unique::UniqueSpec;
    /// let unique = UniqueSpec { key: "nightly-{{ params.date }}".into(), ..UniqueSpec::default() };
    /// let params = [("date".to_owned(), "2026-11-22".into())].into();
    /// assert_eq!(unique.filled("spec.unique", &params, &Default::default()).unwrap(), "nightly-2026-11-22");
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong with the key, with fields below `prefix`.
    pub fn filled(
        &self,
        prefix: &str,
        params: &BTreeMap<String, Value>,
        inputs: &BTreeMap<String, Value>,
    ) -> Result<String, Vec<Cause>> {
        let place = field::member(prefix, "key");
        let cause = |message: String| Cause::new(place.clone(), message);
        let key = template::render_text(&self.key, params, inputs)
            .map_err(|messages| messages.into_iter().map(cause).collect::<Vec<_>>())?;
        let why = match key.len() {
            0 => "must not be empty: a text of your choice".to_owned(),
            length if length > MAX_KEY => format!("has {length} bytes: {MAX_KEY} are allowed"),
            _ if key.chars().any(char::is_control) => "must not hold control characters".to_owned(),
            _ => return Ok(key),
        };
        Err(vec![cause(why)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(key: &str, inputs: Value) -> Result<String, String> {
        let unique = UniqueSpec { key: key.into(), ..UniqueSpec::default() };
        let inputs = serde_json::from_value(inputs).expect("an object");
        unique.filled("spec.unique", &BTreeMap::new(), &inputs).map_err(|causes| causes[0].message.clone())
    }

    #[test]
    fn keys_are_filled_in_from_what_is_known() {
        assert_eq!(filled("a-{{ inputs.n }}", json!({"n": 7})), Ok("a-7".into()));
        assert_eq!(filled("{{ other }}", json!({})), Ok("{{ other }}".into()));
        for (key, why) in [
            ("", "must not be empty"),
            ("a\nb", "must not hold control"),
            ("{{ inputs.x }}", "there is no \"x\" in inputs"),
            ("{{ inputs.made }}", "is made by an expression"),
        ] {
            let refused = filled(key, json!({"n": 7, "made": {"jq": ".a"}})).expect_err(key);
            assert!(refused.contains(why), "{refused}");
        }
        assert!(filled(&"x".repeat(MAX_KEY + 1), json!({})).is_err());
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let unique: UniqueSpec = serde_json::from_value(json!({"key": "k"})).expect("a key is enough");
        assert_eq!((unique.held_while, unique.on_conflict), (HeldWhile::Unfinished, OnConflict::Reject));
        assert_eq!(serde_json::to_value(&unique).expect("JSON"), json!({"key": "k"}));
    }
}
