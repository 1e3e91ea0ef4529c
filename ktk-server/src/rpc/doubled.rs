//! Members that are there twice: nobody knows which of them is meant, so neither is taken. Knows no method.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use ktk_client::api::{Cause, field};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Up to so many members a list is looked through; more are kept in a set.
const FEW: usize = 16;

/// The first member of an object, at any depth, that is there twice. What is no JSON has none.
pub(super) fn first(text: &str) -> Option<Cause> {
    let mut found = None;
    let mut json = serde_json::Deserializer::from_str(text);
    // It ends with an error where it finds one, and where the text is no JSON: the latter is told by who reads it.
    let _ = Look { found: &mut found }.deserialize(&mut json);
    let (name, mut path) = found?;
    path.reverse();
    let place = path.iter().fold(String::new(), |place, step| match step {
        Step::Key(key) => field::member(&place, key),
        Step::Index(index) => field::item(&place, *index),
    });
    Some(Cause::new(field::member(&place, &name), "is there twice"))
}

enum Step {
    Key(String),
    Index(usize),
}

type Found = Option<(String, Vec<Step>)>;

/// Looks through one value.
struct Look<'f> {
    found: &'f mut Found,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            match seq.next_element_seed(Look { found: &mut *self.found }) {
                Ok(Some(())) => index += 1,
                Ok(None) => return Ok(()),
                Err(error) => return Err(under(self.found, Step::Index(index), error)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Seen::Few(Vec::new());
        while let Some(Name(name)) = map.next_key()? {
            if seen.has(&name) {
                *self.found = Some((name.into_owned(), Vec::new()));
                map.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a member is there twice"));
            }
            if let Err(error) = map.next_value_seed(Look { found: &mut *self.found }) {
                return Err(under(self.found, Step::Key(name.into_owned()), error));
            }
            seen.add(name);
        }
        Ok(())
    }
}

/// Notes on the way up where it was found.
fn under<E>(found: &mut Found, step: Step, error: E) -> E {
    if let Some((_, path)) = found {
        path.push(step);
    }
    error
}

/// A member's name, as it lies in the text where that can be.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

enum Seen<'a> {
    Few(Vec<Cow<'a, str>>),
    Many(BTreeSet<Cow<'a, str>>),
}

impl<'a> Seen<'a> {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Few(names) => names.iter().any(|seen| seen == name),
            Self::Many(names) => names.contains(name),
        }
    }

    fn add(&mut self, name: Cow<'a, str>) {
        match self {
            Self::Few(names) if names.len() < FEW => names.push(name),
            Self::Few(names) => *self = Self::Many(names.drain(..).chain([name]).collect()),
            Self::Many(names) => {
                names.insert(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<String> {
        first(text).map(|cause| cause.field)
    }

    #[test]
    fn the_place_of_the_second_one_is_named() {
        assert_eq!(place(r#"{"a":1,"a":2}"#).as_deref(), Some("a"));
        assert_eq!(place(r#"{"a":{"b":[0,{"c d":1,"c d":1}]}}"#).as_deref(), Some("a.b[1][\"c d\"]"));
        assert_eq!(place(r#"{"id":1,"\u0069d":2}"#).as_deref(), Some("id"), "however it is written");
        let many: String = (0..100).map(|n| format!("\"m{n}\":{{}},")).collect();
        assert_eq!(place(&format!("{{{many}\"m50\":1}}")).as_deref(), Some("m50"));
    }

    #[test]
    fn equal_names_in_different_objects_are_no_doubles() {
        assert_eq!(place(r#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":null,"x":[true,-1,1.5,"a","a"]}"#), None);
        for text in ["", "{", "[1,]", r#"{"a":1,"a"}"#, "nope"] {
            let _ = first(text);
        }
    }
}
