//! What is asked of every request before anything else, whatever its path and method.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use ktk_client::api::{ErrorReason, Secret, age};

use super::Identity;
use super::refusal::Refusal;

/// Lets requests through that a program of this machine made on purpose. A page in a browser cannot: its requests
/// have an `Origin`, or a name in `Host` that somebody else's DNS answers for.
pub(super) fn check(head: &Parts) -> Result<(), Refusal> {
    if head.headers.contains_key(ORIGIN) {
        return Err(Refusal::forbidden("requests of web pages (with an Origin) are not answered"));
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next().map_or("", |host| host.to_str().unwrap_or_default());
    let named = head.uri.authority().map_or(host, |authority| authority.as_str());
    if hosts.next().is_some() || !is_local(host) || !is_local(named) {
        return Err(Refusal::forbidden("the Host of a request must be localhost"));
    }
    Ok(())
}

/// The token that a request is made with. One that is sent is judged, whoever is at the other end of the socket.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<Secret>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bearer = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    match bearer.filter(|_| values.next().is_none()) {
        Some(token) => Ok(Some(Secret::new(token.trim()))),
        None => {
            let words = "the authorization must be one bearer token";
            Err(Refusal::new(StatusCode::UNAUTHORIZED, ErrorReason::Unauthorized, words))
        }
    }
}

/// `localhost`, with or without a port.
fn is_local(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    name.eq_ignore_ascii_case("localhost")
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lets JSON through, as it is: what a form in a page can send is something else.
pub(super) fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let refused =
        |message| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorReason::Invalid, message).closing();
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(refused("compressed requests are not read"));
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let content_type = types.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if types.next().is_some() || !essence.eq_ignore_ascii_case("application/json") {
        return Err(refused("the content-type must be application/json"));
    }
    Ok(())
}

/// Lets a call through unless its program wants a newer server than this one.
pub(super) fn check_age(headers: &HeaderMap, own: &Identity) -> Result<(), Refusal> {
    let Some(wanted) = headers.get(age::NOT_OLDER_HEADER) else { return Ok(()) };
    let wanted = age::read_header(wanted.to_str().unwrap_or_default());
    if !age::is_older((&own.version, &own.build), wanted) {
        return Ok(());
    }
    let words = format!("this server is ktk {}, older than what calls it ({})", own.version, wanted.0);
    Err(Refusal::new(StatusCode::PRECONDITION_FAILED, ErrorReason::Conflict, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_is_local() {
        for host in ["localhost", "LocalHost", "localhost:7777"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.test",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "localhost:",
            "localhost:x",
            "localhost:1:2",
            "user@localhost",
            " localhost",
            "x.local",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
