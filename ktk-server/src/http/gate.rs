//! What is asked of every request before anything else, whatever its path and method.

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use ktk_client::api::{ErrorReason, Secret, age};
use tokio::time::Instant;

use super::Identity;
use super::net::Origin;
use super::rate::Who;
use super::refusal::Refusal;
use super::site::Site;
use crate::rpc::Caller;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) enum Guest {
    /// A process of this machine; nobody where it may not be here.
    Local(Option<Caller>),
    /// Whoever came over the network.
    Remote(Origin),
}

/// The one path that is answered to everybody, by exact equality.
pub(super) const OPEN: &str = "/healthz";

/// Lets requests through that a program made on purpose, for this very server. A page in a browser cannot: its requests
/// have an `Origin`, or a name in `Host` that somebody else's DNS answers for.
pub(super) fn check(guest: &Guest, head: &Parts) -> Result<(), Refusal> {
    if matches!(guest, Guest::Local(None)) {
        return Err(Refusal::forbidden("this server answers its own user and root only").closing());
    }
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next().map_or("", |host| host.to_str().unwrap_or_default());
    let named = head.uri.authority().map_or(host, |authority| authority.as_str());
    let is_own = |name: &str| match guest {
        Guest::Local(_) => is_local(name),
        Guest::Remote(origin) => origin.is_own_name(name),
    };
    if hosts.next().is_some() || !is_own(host) || !is_own(named) {
        return Err(Refusal::forbidden("the Host of a request must be a name of this server"));
    }
    let mut origins = head.headers.get_all(ORIGIN).iter();
    let Some(page) = origins.next() else { return Ok(()) };
    let is_own_page = match (guest, page.to_str()) {
        (Guest::Remote(origin), Ok(page)) => origin.is_own_page(page, host),
        _ => false,
    };
    if is_own_page && origins.next().is_none() {
        return Ok(());
    }
    Err(Refusal::forbidden("requests of web pages (with an Origin) are not answered"))
}

/// Who asks: by the token that is sent, else by the process at the other end of the socket.
pub(super) async fn caller(site: &Site, guest: &Guest, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let (origin, given) = match guest {
        Guest::Local(caller) => {
            let nobody = || Refusal::forbidden("this server answers its own user and root only").closing();
            let caller = caller.clone().ok_or_else(nobody)?;
            return Ok(match token(headers)? {
                Some(token) => Caller { by: site.backend.identify(token).await?, ..caller },
                None => caller,
            });
        }
        Guest::Remote(origin) => (origin, token(headers)),
    };
    // Whatever is wrong with it, the answer is one.
    let by = match given {
        Ok(Some(token)) => site.backend.identify(token).await.ok(),
        Ok(None) | Err(_) => None,
    };
    let now = Instant::now();
    let Some(by) = by else {
        let who = Who::Stranger(origin.peer);
        site.rates.take(who, site.strangers, now).map_err(Refusal::too_often)?;
        tracing::info!(peer = %origin.peer, "a request without a token that holds");
        let words = "this takes a token that holds";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, ErrorReason::Unauthorized, words));
    };
    site.rates.take(Who::Caller(by.name.clone()), site.callers, now).map_err(Refusal::too_often)?;
    Ok(Caller::bearer(by))
}

/// The token that a request is made with. One that is sent is judged, whoever is at the other end of the socket.
fn token(headers: &HeaderMap) -> Result<Option<Secret>, Refusal> {
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
