//! Which statuses are a success: `2xx`, `200`, `[200, 404]`.
//!
//! ```
//! use ktk_client::api::http::Expect;
//! let expect: Expect = serde_json::from_str("[\"2xx\", 404]").unwrap();
//! assert!(expect.matches(204) && expect.matches(404) && !expect.matches(500));
//! ```

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess},
    ser::SerializeSeq as _,
};

const SHAPE: &str = "a status, as 200 or 2xx, or a list of them";

/// A status, or all of a class.
///
/// ```
/// use ktk_client::api::http::Status;
/// assert_eq!("2xx".parse(), Ok(Status::Class(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `200`.
    Code(u16),
    /// `2xx`, as its first digit.
    Class(u8),
}

impl Status {
    fn matches(self, code: u16) -> bool {
        match self {
            Self::Code(own) => own == code,
            Self::Class(first) => u16::from(first) == code / 100,
        }
    }

    fn of_code<E: de::Error>(code: u64) -> Result<Self, E> {
        match u16::try_from(code) {
            Ok(code @ 200..=599) => Ok(Self::Code(code)),
            _ => Err(E::custom(format!("{code} is no status of an answer: they go from 200 to 599"))),
        }
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.as_bytes() {
            [first @ b'2'..=b'5', b'x' | b'X', b'x' | b'X'] => Ok(Self::Class(first - b'0')),
            [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {
                text.parse().map(Self::Code).map_err(|_| SHAPE.to_owned())
            }
            _ => Err(format!("{text:?} is no status: write 200 or 2xx")),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(first) => write!(f, "{first}xx"),
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Code(code) => serializer.serialize_u16(*code),
            Self::Class(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl de::Visitor<'_> for One {
            type Value = Status;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status, as 200 or 2xx")
            }
            fn visit_u64<E: de::Error>(self, code: u64) -> Result<Status, E> {
                Status::of_code(code)
            }
            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Status, E> {
                Status::of_code(u64::try_from(code).unwrap_or_default())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Status, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(One)
    }
}

/// The statuses that are a success; `2xx` unless said otherwise.
///
/// ```
/// use ktk_client::api::http::Expect;
/// assert!(Expect::default().matches(204) && !Expect::default().matches(404));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect(Vec<Status>);

impl Default for Expect {
    fn default() -> Self {
        Self(vec![Status::Class(2)])
    }
}

impl Expect {
    /// Whether an answer with this status is a success.
    ///
    /// ```
    /// use ktk_client::api::http::Expect;
    /// let expect: Expect = serde_json::from_str(r#"["2xx", 404]"#).unwrap();
    /// assert!(expect.matches(204) && expect.matches(404) && !expect.matches(500));
    /// ```
    pub fn matches(&self, code: u16) -> bool {
        self.0.iter().any(|status| status.matches(code))
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, status) in self.0.iter().enumerate() {
            write!(f, "{}{status}", if index == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

impl Serialize for Expect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [one] = self.0.as_slice() {
            return one.serialize(serializer);
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|status| list.serialize_element(status))?;
        list.end()
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> de::Visitor<'de> for Any {
            type Value = Expect;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SHAPE)
            }
            fn visit_u64<E: de::Error>(self, code: u64) -> Result<Expect, E> {
                Ok(Expect(vec![Status::of_code(code)?]))
            }
            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Expect, E> {
                self.visit_u64(u64::try_from(code).unwrap_or_default())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expect, E> {
                Ok(Expect(vec![text.parse().map_err(E::custom)?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Expect, A::Error> {
                let mut all = Vec::new();
                while let Some(status) = list.next_element()? {
                    all.push(status);
                }
                if all.is_empty() {
                    return Err(de::Error::custom("must not be empty: leave it out for 2xx"));
                }
                Ok(Expect(all))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "HttpStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A status of an answer, or all of a class.",
            "oneOf": [
                {"type": "integer", "minimum": 200, "maximum": 599},
                {"type": "string", "pattern": "^([2-5][xX][xX]|[2-5][0-9][0-9])$"},
            ],
            "examples": ["2xx"],
        })
    }
}

impl JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let one = schemas.subschema_for::<Status>();
        json_schema!({
            "description": "The statuses that are a success; `2xx` unless said otherwise.",
            "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_is_read_and_written_alike() {
        for (form, shown, yes, no) in [
            (json!("2xx"), "2xx", 204, 304),
            (json!(200), "200", 200, 201),
            (json!([200, 404]), "200 or 404", 404, 400),
            (json!(["2xx", 409]), "2xx or 409", 409, 500),
        ] {
            let expect: Expect = serde_json::from_value(form.clone()).expect("a form");
            assert_eq!(expect.to_string(), shown);
            assert_eq!(serde_json::to_value(&expect).expect("a form"), form);
            assert!(expect.matches(yes) && !expect.matches(no), "{form}");
        }
        let text: Expect = serde_json::from_value(json!("404")).expect("a status as text");
        assert_eq!(serde_json::to_value(&text).expect("a form"), json!(404));
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for form in [
            json!("xx"),
            json!("1xx"),
            json!("6xx"),
            json!(99),
            json!(600),
            json!(-200),
            json!([]),
            json!({}),
            json!(true),
        ] {
            assert!(serde_json::from_value::<Expect>(form.clone()).is_err(), "{form}");
        }
    }
}
