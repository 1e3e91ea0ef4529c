//! The frame of a call: what a request's bytes must look like, and how answers are written. No method is known.

use std::fmt;

use ktk_client::api::{
    ErrorReason,
    rpc::{ErrorData, ErrorObject, INVALID_REQUEST, PARSE_ERROR},
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{BATCH_CALLS, REQUEST_DEPTH};

/// What a body holds.
#[derive(Debug)]
pub(super) enum Body<'a> {
    One(&'a RawValue),
    Batch(Vec<&'a RawValue>),
    /// More calls than a batch may have.
    TooMany,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// A call without one wants no answer.
    pub(super) id: Option<&'a RawValue>,
    pub(super) method: String,
    /// An object.
    pub(super) params: &'a str,
}

/// Why something is no call, and the id to answer to.
#[derive(Debug)]
pub(super) struct BadCall<'a> {
    pub(super) id: Option<&'a RawValue>,
    pub(super) error: ErrorObject,
}

/// An error of the frame.
pub(super) fn frame_error(code: i64, reason: ErrorReason, message: impl Into<String>) -> ErrorObject {
    let data = ErrorData { reason, causes: Vec::new(), hint: None, request_id: None };
    ErrorObject { code, message: message.into(), data: Some(data) }
}

/// Reads a body as far as needed to tell its calls apart.
pub(super) fn read_body(body: &[u8]) -> Result<Body<'_>, ErrorObject> {
    let refused = |message: String| frame_error(PARSE_ERROR, ErrorReason::Invalid, message);
    let text = str::from_utf8(body).map_err(|error| refused(format!("the request is no UTF-8: {error}")))?;
    if nests_too_deep(body) {
        return Err(refused(format!("the request nests deeper than {REQUEST_DEPTH}")));
    }
    let is_batch = text.trim_ascii_start().starts_with('[');
    let read = if is_batch {
        serde_json::from_str::<Batch<'_>>(text).map(|Batch(calls)| calls.map_or(Body::TooMany, Body::Batch))
    } else {
        serde_json::from_str(text).map(Body::One)
    };
    read.map_err(|error| refused(format!("the request is no JSON: {error}")))
}

/// Whether brackets nest deeper than the limit. Iterative and before any parsing: a bomb costs one scan.
fn nests_too_deep(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
        if depth > REQUEST_DEPTH {
            return true;
        }
    }
    false
}

/// What follows a string whose opening quote was read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

/// The calls of a batch, or nothing when they are too many.
struct Batch<'a>(Option<Vec<&'a RawValue>>);

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Calls;

        impl<'de> Visitor<'de> for Calls {
            type Value = Batch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of calls")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut calls = Vec::new();
                while let Some(call) = seq.next_element()? {
                    if calls.len() == BATCH_CALLS {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Batch(None));
                    }
                    calls.push(call);
                }
                Ok(Batch(Some(calls)))
            }
        }

        deserializer.deserialize_seq(Calls)
    }
}

/// Reads one call.
pub(super) fn read_call(raw: &RawValue) -> Result<Call<'_>, BadCall<'_>> {
    let invalid = |message: String| frame_error(INVALID_REQUEST, ErrorReason::Invalid, message);
    let bad = |id, message: &str| BadCall { id, error: invalid(message.to_owned()) };
    if !raw.get().starts_with('{') {
        return Err(bad(None, "a call is an object"));
    }
    let members: Members<'_> = serde_json::from_str(raw.get())
        .map_err(|error| BadCall { id: None, error: invalid(format!("no call: {error}")) })?;
    let id =
        members.id.filter(|id| id.get().starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()));
    let is_null = members.id.is_some_and(|id| id.get() == "null");
    if members.id.is_some() && id.is_none() && !is_null {
        return Err(bad(None, "\"id\" is a string, a number or null"));
    }
    let id = id.or(members.id);
    let version = members.jsonrpc.and_then(|version| serde_json::from_str::<String>(version.get()).ok());
    if version.as_deref() != Some("2.0") {
        return Err(bad(id, "\"jsonrpc\" must be \"2.0\""));
    }
    let method = members.method.and_then(|method| serde_json::from_str::<String>(method.get()).ok());
    let Some(method) = method else {
        return Err(bad(id, "\"method\" must be a string"));
    };
    let params = match members.params.map(RawValue::get) {
        None => "{}",
        Some(params) if params.starts_with(['{', '[']) => params,
        Some(_) => return Err(bad(id, "\"params\" must be an object")),
    };
    Ok(Call { id: members.id, method, params })
}

#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Jsonrpc,
    Method,
    Id,
    Params,
    Other(String),
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;

        impl<'de> Visitor<'de> for Found {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a call")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                use serde::de::Error as _;
                let mut members = Members::default();
                while let Some(member) = map.next_key::<Member>()? {
                    let (place, name) = match member {
                        Member::Jsonrpc => (&mut members.jsonrpc, "jsonrpc"),
                        Member::Method => (&mut members.method, "method"),
                        Member::Id => (&mut members.id, "id"),
                        Member::Params => (&mut members.params, "params"),
                        Member::Other(name) => {
                            return Err(A::Error::custom(format_args!("unknown member {name:?}")));
                        }
                    };
                    if place.replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom(format_args!("{name:?} is there twice")));
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Found)
    }
}

/// Appends the answer to a call that went well.
pub(super) fn write_result(answer: &mut Vec<u8>, id: &RawValue, result: &[u8]) {
    begin(answer, Some(id));
    answer.extend_from_slice(b",\"result\":");
    answer.extend_from_slice(result);
    answer.push(b'}');
}

/// Appends the answer to a call that did not.
pub(super) fn write_error(answer: &mut Vec<u8>, id: Option<&RawValue>, error: &ErrorObject) {
    begin(answer, id);
    answer.extend_from_slice(b",\"error\":");
    serde_json::to_writer(&mut *answer, error).expect("an error of strings and numbers is JSON");
    answer.push(b'}');
}

fn begin(answer: &mut Vec<u8>, id: Option<&RawValue>) {
    answer.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    answer.extend_from_slice(id.map_or("null", RawValue::get).as_bytes());
}
