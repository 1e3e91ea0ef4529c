//! The query of a URL, as parameters.

use hyper::header::HeaderMap;
use hyper::{StatusCode, Uri};
use ktk_client::api::{ApiError, Cause};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::model::decode::decode;

/// Reads a query. `what` names it where it is wrong. What cannot be read is no request at all; what can be read and
/// makes no sense is told apart from it by its status.
pub(super) fn read<T: DeserializeOwned>(what: &str, uri: &Uri) -> Result<T, Refusal> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    decode(what, serde_urlencoded::Deserializer::new(pairs)).map_err(unreadable)
}

fn unreadable(error: ApiError) -> Refusal {
    Refusal::from(error).with_status(StatusCode::BAD_REQUEST)
}

/// The id of the last event that a client got before its connection was lost.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let id = id.to_str().map_err(|_| bad_last_event_id())?;
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// The refusal of an id that this server gave to nobody.
pub(super) fn bad_last_event_id() -> Refusal {
    unreadable(ApiError::invalid("Request", vec![Cause::new("Last-Event-ID", "is no id of this stream")]))
}
