//! A variable of a process: its text, or where whoever runs it finds a secret.
//!
//! ```
//! use ktk_client::api::{env_value::EnvValue, task::RunSpec};
//! let env = [("Q".to_owned(), "90".into()), ("DB".to_owned(), EnvValue::FromFile("/run/secrets/db".into()))].into();
//! let run = RunSpec { command: vec!["./load".into()], env, ..RunSpec::default() };
//! # drop(run);
//! ```

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, Unexpected, Visitor},
    ser::SerializeMap as _,
};

/// The value of a variable.
///
/// ```
/// use ktk_client::api::env_value::EnvValue;
/// let secret: EnvValue = serde_json::from_str(r#"{"fromEnv": "DB_PASSWORD"}"#).unwrap();
/// assert_eq!(secret, EnvValue::FromEnv("DB_PASSWORD".into()));
/// assert_eq!(EnvValue::from("90"), "90");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvValue {
    /// The text itself. It may hold `{{ params.x }}` and `{{ inputs.x }}`.
    Text(String),
    /// A variable of the worker, one of those that its `--secret-env` lists.
    FromEnv(String),
    /// A file of the worker's user; a line end at its end is no part of the secret.
    FromFile(String),
}

impl EnvValue {
    /// The text; nothing for a secret, which is known where the process starts and nowhere else.
    ///
    /// ```
    /// use ktk_client::api::env_value::EnvValue;
    /// assert_eq!(EnvValue::from("90").as_text(), Some("90"));
    /// assert_eq!(EnvValue::FromEnv("DB_PASSWORD".into()).as_text(), None);
    /// ```
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::FromEnv(_) | Self::FromFile(_) => None,
        }
    }
}

impl JsonSchema for EnvValue {
    fn schema_name() -> Cow<'static, str> {
        "EnvValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |member: &str, what: &str| {
            json_schema!({
                "description": what,
                "type": "object",
                "properties": { (member): { "description": what, "type": "string", "minLength": 1 } },
                "required": [member],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "The value of a variable: its text, or where whoever runs the process finds a secret.",
            "anyOf": [
                { "type": "string" },
                one("fromEnv", "A variable of the worker, one of those that its `--secret-env` lists."),
                one("fromFile", "A file of the worker's user."),
            ],
        })
    }
}

impl From<&str> for EnvValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for EnvValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl PartialEq<str> for EnvValue {
    fn eq(&self, other: &str) -> bool {
        self.as_text() == Some(other)
    }
}

impl PartialEq<&str> for EnvValue {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl Serialize for EnvValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (member, name) = match self {
            Self::Text(text) => return serializer.serialize_str(text),
            Self::FromEnv(name) => ("fromEnv", name),
            Self::FromFile(path) => ("fromFile", path),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(member, name)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = EnvValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EnvValue, E> {
                Ok(text.into())
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<EnvValue, E> {
                Ok(EnvValue::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EnvValue, A::Error> {
                let found = match map.next_key::<String>()?.as_deref() {
                    Some("fromEnv") => EnvValue::FromEnv(map.next_value()?),
                    Some("fromFile") => EnvValue::FromFile(map.next_value()?),
                    _ => return Err(de::Error::invalid_type(Unexpected::Map, &self)),
                };
                if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("must have one member, fromEnv or fromFile"));
                }
                Ok(found)
            }
        }

        deserializer.deserialize_any(Value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn values_are_texts_or_say_where_the_secret_is() {
        for (value, json) in [
            (EnvValue::from("x"), json!("x")),
            (EnvValue::FromEnv("DB".into()), json!({"fromEnv": "DB"})),
            (EnvValue::FromFile("/run/db".into()), json!({"fromFile": "/run/db"})),
        ] {
            assert_eq!(to_value(&value).expect("it is JSON"), json);
            assert_eq!(from_value::<EnvValue>(json).expect("it was written so"), value);
        }
        for wrong in
            [json!(1), json!({}), json!({"jq": "."}), json!({"fromEnv": "A", "fromFile": "B"}), json!(null)]
        {
            assert!(from_value::<EnvValue>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
