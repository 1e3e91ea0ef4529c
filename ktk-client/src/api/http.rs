//! Requests: what an `http` task sends, and which answers are a success.
//!
//! ```
//! use ktk_client::api::{http::HttpSpec, task::TaskSpec};
//! let url = "https://example.com/build".to_owned();
//! let http = HttpSpec { method: "POST".into(), url, ..HttpSpec::default() };
//! let spec = TaskSpec { http: Some(http), ..TaskSpec::default() };
//! assert!(spec.run.is_none());
//! ```

mod expect;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::meta::StringMap;
pub use expect::{Expect, Status};

/// The methods that a request can have.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The longest URL.
pub const MAX_URL: usize = 8 << 10;

/// A request. The answer is the task's outputs: `status`, `headers`, and `body` (JSON where the answer says that it
/// is JSON, else text; `bodyBase64` where it is no text).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpSpec {
    /// One of [`METHODS`]; `GET` when absent.
    pub method: String,
    /// `http://…` or `https://…`. A reference becomes one piece of it, percent-encoded; one at its very beginning
    /// stands as it is.
    pub url: String,
    /// Header fields. Values may hold references.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: StringMap,
    /// A text is sent as it is, anything else as JSON. A text inside that is one reference and nothing else becomes
    /// the value itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The statuses that are a success: `2xx` (when absent), `200`, `[200, 404]`.
    #[serde(skip_serializing_if = "Expect::is_default")]
    pub expect: Expect,
    /// How many redirects are followed: 0 when absent, 3 at most.
    #[serde(skip_serializing_if = "super::task::is_default")]
    pub redirects: u8,
}

impl Default for HttpSpec {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            url: String::new(),
            headers: StringMap::new(),
            body: None,
            expect: Expect::default(),
            redirects: 0,
        }
    }
}

impl HttpSpec {
    /// A request in a few words, without what may be a secret: method and URL up to its query.
    ///
    /// ```
    /// use ktk_client::api::http::HttpSpec;
    /// let http = HttpSpec { url: "https://example.com/a?key=1".into(), ..HttpSpec::default() };
    /// assert_eq!(http.line(), "GET https://example.com/a?…");
    /// ```
    pub fn line(&self) -> String {
        let end = self.url.find(['?', '#']);
        let query = if end.is_some() { "?…" } else { "" };
        format!("{} {}{query}", self.method, &self.url[..end.unwrap_or(self.url.len())])
    }
}

/// Reads the URL of a request.
///
/// ```
/// use ktk_client::api::http::url;
/// assert_eq!(url("https://example.com/a").unwrap().host_str(), Some("example.com"));
/// assert!(url("example.com").is_err());
/// ```
///
/// # Errors
/// Why it is none that a request can be sent to.
pub fn url(text: &str) -> Result<Url, String> {
    if text.len() > MAX_URL {
        return Err(format!("has {} bytes: {MAX_URL} are allowed", text.len()));
    }
    let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
    sendable(&url)?;
    Ok(url)
}

/// Whether a request can be sent there.
///
/// ```
/// use ktk_client::api::http::{sendable, url};
/// assert!(sendable(&url("https://example.com/a").unwrap()).is_ok());
/// ```
///
/// # Errors
/// Why not.
pub fn sendable(url: &Url) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no user or password: put them in a header".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host".to_owned());
    }
    if url.port() == Some(0) {
        return Err("has no port that can be connected to".to_owned());
    }
    Ok(())
}
