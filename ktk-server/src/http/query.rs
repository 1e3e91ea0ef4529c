//! The query of a stream's URL, as its parameters.

use hyper::Uri;
use hyper::header::HeaderMap;
use ktk_client::api::{ApiError, Cause};
use serde::de::DeserializeOwned;

use crate::rpc::decode;

/// Reads a query. `what` names it where it is wrong.
pub(super) fn read<T: DeserializeOwned>(what: &str, uri: &Uri) -> Result<T, ApiError> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    decode(what, serde_urlencoded::Deserializer::new(pairs))
}

/// The id of the last event that a client got before its connection was lost.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let id = id.to_str().map_err(|_| bad_last_event_id())?;
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// The refusal of an id that this server gave to nobody.
pub(super) fn bad_last_event_id() -> ApiError {
    ApiError::invalid("Request", vec![Cause::new("Last-Event-ID", "is no id of this stream")])
}
