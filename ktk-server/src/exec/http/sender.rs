//! Sends requests: judges where they go, at each redirect anew, and gives credentials to nobody else.

use std::sync::Arc;

use hyper::{
    Method, StatusCode,
    header::{
        ACCEPT, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
        USER_AGENT,
    },
};
use ktk_client::api::http::{HttpSpec, sendable, url};
use serde_json::Value;
use url::Url;

use super::{
    address::AllowedPeers,
    dial,
    error::HttpError,
    exchange::{self, Answer, Letter},
    tls::Tls,
};

/// Fields that say nothing of who asks: they go along to another host.
const OPEN: [hyper::header::HeaderName; 5] =
    [ACCEPT, USER_AGENT, CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE];

/// Sends requests. It holds nothing open in between, and reads certificates when it first needs them.
#[derive(Clone, Debug)]
pub struct Sender {
    allowed: Arc<AllowedPeers>,
    tls: Arc<Tls>,
    agent: String,
}

/// What happens on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Asks(Method, String),
    Redirected(StatusCode, String),
}

impl Sender {
    /// A sender to public addresses and to those that are allowed besides; `version` is what it says it is.
    pub fn new(allowed: AllowedPeers, version: &str) -> Self {
        Self { allowed: Arc::new(allowed), tls: Arc::default(), agent: format!("ktk/{version}") }
    }

    /// Sends a request and reads at most `limit` bytes of the answer's body. `tell` hears of each step.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(
        &self,
        spec: &HttpSpec,
        limit: usize,
        mut tell: impl FnMut(Step),
    ) -> Result<Answer, HttpError> {
        let mut letter = self.letter(spec)?;
        let mut left = spec.redirects;
        loop {
            tell(Step::Asks(letter.method.clone(), shown(&letter.url)));
            let stream = dial::connect(&letter.url, &self.allowed, &self.tls).await?;
            let answer = exchange::exchange(stream, letter.clone(), limit).await?;
            if left == 0 || !is_redirect(answer.status) {
                return Ok(answer);
            }
            let Some(target) = answer.headers.get(LOCATION) else { return Ok(answer) };
            letter = redirected(letter, answer.status, target)?;
            left -= 1;
            tell(Step::Redirected(answer.status, shown(&letter.url)));
        }
    }

    fn letter(&self, spec: &HttpSpec) -> Result<Letter, HttpError> {
        let url = url(&spec.url).map_err(|why| HttpError::Refused(format!("the URL {why}")))?;
        let method = Method::from_bytes(spec.method.as_bytes())
            .map_err(|_| HttpError::Refused("the method cannot be sent".to_owned()))?;
        let mut headers = HeaderMap::new();
        let agent = HeaderValue::from_str(&self.agent).unwrap_or(HeaderValue::from_static("ktk"));
        headers.insert(USER_AGENT, agent);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let body = spec.body.as_ref().map(|body| match body {
            Value::String(text) => (text.clone(), "text/plain; charset=utf-8"),
            other => (other.to_string(), "application/json"),
        });
        if let Some((_, content_type)) = &body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in &spec.headers {
            let (name, value) = exchange::field(name, value)?;
            headers.insert(name, value);
        }
        Ok(Letter { method, url, headers, body: body.map(|(text, _)| text) })
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The request that a redirect asks for, as browsers understand it.
fn redirected(letter: Letter, status: StatusCode, target: &HeaderValue) -> Result<Letter, HttpError> {
    let Letter { mut method, url, mut headers, mut body } = letter;
    let refused = |why: &str| HttpError::Refused(format!("{status}: the address that it leads to {why}"));
    let target = target.to_str().ok().and_then(|text| url.join(text).ok());
    let target = target.ok_or_else(|| refused("cannot be read"))?;
    sendable(&target).map_err(|why| refused(&why))?;
    if url.scheme() == "https" && target.scheme() != "https" {
        return Err(refused("is not https any more"));
    }
    let is_get = matches!(method, Method::GET | Method::HEAD);
    let asks_anew = match status.as_u16() {
        303 => !is_get,
        301 | 302 => method == Method::POST,
        _ => false,
    };
    if asks_anew {
        (method, body) = (Method::GET, None);
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
            headers.remove(name);
        }
    }
    if target.origin() != url.origin() {
        let mut open = HeaderMap::new();
        open.extend(OPEN.into_iter().filter_map(|name| Some((name.clone(), headers.get(&name)?.clone()))));
        headers = open;
    }
    Ok(Letter { method, url: target, headers, body })
}

/// A URL up to its query, which may hold a secret.
fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}{query}", &url[..url::Position::AfterPath])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn letter(spec: Value) -> Letter {
        let spec: HttpSpec = serde_json::from_value(spec).expect("a request");
        Sender::new(AllowedPeers::default(), "1").letter(&spec).expect("a letter")
    }

    fn follow(letter: Letter, status: u16, target: &str) -> Result<Letter, HttpError> {
        let status = StatusCode::from_u16(status).expect("a status");
        redirected(letter, status, &HeaderValue::from_str(target).expect("a value"))
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let post = letter(json!({"method": "POST", "url": "https://a/x", "body": {"n": 1},
            "headers": {"Authorization": "Bearer s", "X-Api-Key": "k", "Accept": "text/csv"}}));
        let same = follow(post.clone(), 307, "/y").expect("followed");
        assert_eq!((same.url.as_str(), same.method.as_str()), ("https://a/y", "POST"));
        assert!(same.headers.contains_key("authorization") && same.body.is_some());
        for target in ["https://b/y", "https://a:444/y"] {
            let other = follow(post.clone(), 308, target).expect("followed");
            assert!(!other.headers.contains_key("authorization"), "{target}");
            assert!(!other.headers.contains_key("x-api-key"), "{target}");
            assert_eq!(other.headers["accept"], "text/csv");
            assert_eq!(other.headers["content-type"], "application/json");
        }
        let anew = follow(post, 303, "/z").expect("followed");
        assert_eq!((anew.method.as_str(), anew.body), ("GET", None));
        assert!(!anew.headers.contains_key("content-type"));
    }

    #[test]
    fn a_redirect_leads_nowhere_strange() {
        let get = letter(json!({"url": "https://a/x"}));
        for target in ["http://a/x", "file:///etc/passwd", "ftp://a/", "https://u:p@a/", "https://", "\u{1}"]
        {
            let Ok(value) = HeaderValue::from_str(target) else { continue };
            let refused = redirected(get.clone(), StatusCode::FOUND, &value);
            assert!(matches!(refused, Err(HttpError::Refused(_))), "{target}: {refused:?}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_query() {
        let url = Url::parse("https://a:8080/p/q?token=secret#f").expect("a URL");
        assert_eq!(shown(&url), "https://a:8080/p/q?…");
    }
}
