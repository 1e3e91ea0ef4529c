//! Parameters of streams as the query of a URL.

use serde::Serialize;
use serde_json::Value;

use super::{Error, Result};

/// `path?name=value&…` of a parameter struct; what is absent, `null` or false is left out.
pub(super) fn path_and_query(path: &str, params: &impl Serialize) -> Result<String> {
    let value = serde_json::to_value(params).map_err(|error| Error::Config(error.to_string()))?;
    let mut url = reqwest::Url::parse("http://localhost").expect("a constant URL");
    url.set_path(path);
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let text = match value {
                Value::Null | Value::Bool(false) => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            url.query_pairs_mut().append_pair(&name, &text);
        }
    }
    Ok(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{log::LogParams, watch::WatchParams};

    #[test]
    fn parameters_become_a_query() {
        let params = WatchParams {
            label_selector: Some("team=média,zone in (a,b)".into()),
            version: Some(7),
            ..WatchParams::default()
        };
        let query = path_and_query("/watch", &params).expect("a query");
        assert_eq!(query, "/watch?labelSelector=team%3Dm%C3%A9dia%2Czone+in+%28a%2Cb%29&version=7");
        assert_eq!(path_and_query("/watch", &WatchParams::default()).expect("a query"), "/watch");
        let params = LogParams { name: "x".into(), follow: true, tail: Some(5), ..LogParams::default() };
        assert_eq!(path_and_query("/logs", &params).expect("a query"), "/logs?follow=true&name=x&tail=5");
    }
}
