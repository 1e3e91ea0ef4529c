//! References in a request: in its URL, its header fields and its body. No value changes what the URL leads to
//! beyond the piece that it stands for, none begins another header field, and none breaks out of a JSON text.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::{
    Cause, MAX_RENDERED, fill, fill_with,
    reference::{self, Scope},
};
use crate::api::{
    check::is_no_text,
    field,
    http::{self, HttpSpec},
    jq,
};

/// All references of a request that cannot be filled in.
///
/// ```
/// use ktk_client::api::{http::HttpSpec, template};
/// let http = HttpSpec { url: "https://example.com/{{ params.day }}".into(), ..HttpSpec::default() };
/// assert_eq!(template::check_http(&http, "spec.http", &Default::default(), &Default::default()).len(), 1);
/// ```
pub fn check(
    request: &HttpSpec,
    prefix: &str,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Vec<Cause> {
    let scope = Scope { params, inputs };
    let mut filler = Filler { scope, prefix, budget: MAX_RENDERED, causes: Vec::new() };
    let filled = filler.fill(request);
    // What an expression yields is known when the task starts.
    if filler.causes.is_empty() && !jq::holds_expression(inputs) {
        filler.judge(request, &filled);
    }
    filler.causes
}

/// The request with every reference filled in.
///
/// ```
/// use ktk_client::api::{http::HttpSpec, template};
/// let http = HttpSpec { url: "https://example.com/{{ params.day }}".into(), ..HttpSpec::default() };
/// let params = [("day".to_owned(), 22.into())].into();
/// let rendered = template::render_http(&http, &params, &Default::default()).unwrap();
/// assert_eq!(rendered.url, "https://example.com/22");
/// ```
///
/// # Errors
/// The first reference that cannot be filled in, or what came of it, its field beginning with `spec.http`.
pub fn render(
    request: &HttpSpec,
    params: &BTreeMap<String, Value>,
    inputs: &BTreeMap<String, Value>,
) -> Result<HttpSpec, Cause> {
    let scope = Scope { params, inputs };
    let mut filler = Filler { scope, prefix: "spec.http", budget: MAX_RENDERED, causes: Vec::new() };
    let filled = filler.fill(request);
    if filler.causes.is_empty() {
        filler.judge(request, &filled);
    }
    filler.causes.into_iter().next().map_or(Ok(filled), Err)
}

struct Filler<'a> {
    scope: Scope<'a>,
    prefix: &'a str,
    budget: usize,
    causes: Vec<Cause>,
}

impl Filler<'_> {
    fn fill(&mut self, request: &HttpSpec) -> HttpSpec {
        let url = self.url(&request.url);
        let headers_field = field::member(self.prefix, "headers");
        let headers = request.headers.iter();
        let headers = headers
            .map(|(name, value)| (name.clone(), self.text(|| field::member(&headers_field, name), value)));
        let headers = headers.collect();
        let body_field = field::member(self.prefix, "body");
        let body = request.body.as_ref().map(|body| match body {
            // A text is sent as a text, whatever it holds.
            Value::String(text) => Value::String(self.text(|| body_field.clone(), text)),
            body => self.value(&body_field, body),
        });
        HttpSpec { url, headers, body, ..request.clone() }
    }

    fn text(&mut self, place: impl Fn() -> String, text: &str) -> String {
        let filled = fill(text, self.scope, &mut self.budget);
        self.filled(place, text, filled)
    }

    fn url(&mut self, text: &str) -> String {
        let filled = fill_with(text, self.scope, &mut self.budget, |value, is_first| {
            if is_first { Ok(value) } else { piece(&value).map(Cow::Owned) }
        });
        let place = field::member(self.prefix, "url");
        self.filled(|| place.clone(), text, filled)
    }

    fn filled(
        &mut self,
        place: impl Fn() -> String,
        text: &str,
        filled: Result<Cow<'_, str>, Vec<String>>,
    ) -> String {
        match filled {
            Ok(filled) => filled.into_owned(),
            Err(messages) => {
                self.causes.extend(messages.into_iter().map(|message| Cause::new(place(), message)));
                text.to_owned()
            }
        }
    }

    fn value(&mut self, place: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => match reference::alone(text).map(|reference| self.scope.find(reference)) {
                Some(Ok(found)) => {
                    let size = found.to_string().len();
                    match self.budget.checked_sub(size) {
                        Some(left) => self.budget = left,
                        None => self.causes.push(Cause::new(place, super::too_much())),
                    }
                    found.clone()
                }
                _ => Value::String(self.text(|| place.to_owned(), text)),
            },
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| self.value(&field::item(place, index), item)).collect()
            }
            Value::Object(members) => {
                let members = members.iter();
                let filled = members
                    .map(|(name, member)| (name.clone(), self.value(&field::member(place, name), member)));
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    /// What came of the references; what stands there without any was judged before.
    fn judge(&mut self, request: &HttpSpec, filled: &HttpSpec) {
        if filled.url != request.url
            && let Err(why) = http::url(&filled.url)
        {
            let place = field::member(self.prefix, "url");
            self.causes.push(Cause::new(place, format!("filled in, it {why}")));
        }
        for (name, value) in &filled.headers {
            if value.chars().any(is_no_text) && !request.headers[name].chars().any(is_no_text) {
                let place = field::member(&field::member(self.prefix, "headers"), name);
                let why = "filled in, it holds a control character: a header field is one line";
                self.causes.push(Cause::new(place, why));
            }
        }
    }
}

/// A value as one piece of a URL: nothing in it is a separator.
fn piece(value: &str) -> Result<String, String> {
    if !value.is_empty() && value.bytes().all(|byte| byte == b'.') {
        return Err(format!("{value:?} would be a step to another directory of the URL"));
    }
    let mut piece = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            piece.push(char::from(byte));
        } else {
            piece.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    fn params() -> BTreeMap<String, Value> {
        map(
            json!({"base": "https://example.com/api", "id": "a/../b?c#d", "n": 7, "up": "..", "lines": "a\r\nX: b",
            "file": "file:///etc/passwd", "who": "me@evil.test"}),
        )
    }

    fn rendered(request: Value) -> Result<HttpSpec, String> {
        let request: HttpSpec = serde_json::from_value(request).expect("a request");
        render(&request, &params(), &map(json!({"list": [1, {"a": null}]})))
            .map_err(|cause| format!("{}: {}", cause.field, cause.message))
    }

    fn url_of(text: &str) -> Result<String, String> {
        rendered(json!({"url": text})).map(|request| request.url)
    }

    #[test]
    fn a_value_is_one_piece_of_a_url() {
        for (text, expected) in [
            ("{{ params.base }}/x", "https://example.com/api/x"),
            ("https://h/{{ params.id }}/z", "https://h/a%2F..%2Fb%3Fc%23d/z"),
            (
                "https://h/?n={{ params.n }}&l={{ inputs.list }}",
                "https://h/?n=7&l=%5B1%2C%7B%22a%22%3Anull%7D%5D",
            ),
            ("https://h/{{ other }}", "https://h/{{ other }}"),
        ] {
            assert_eq!(url_of(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, part) in [
            ("https://h/{{ params.up }}/z", "another directory"),
            ("{{ params.file }}", "must begin with http"),
            ("https://{{ params.who }}/", "filled in, it is no URL"),
            ("https://{{ params.id }}/", "filled in, it is no URL"),
            ("https://h/{{ params.nothing }}", "there is no \"nothing\" in params"),
        ] {
            let error = url_of(text).expect_err("refused");
            assert!(error.starts_with("spec.http.url: ") && error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_body_keeps_its_form() {
        let body = json!({"n": "{{ params.n }}", "text": "n={{ params.n }}", "deep": [{"l": "{{ inputs.list }}"}],
            "other": "{{ x }}", "{{ params.n }}": true});
        let request = rendered(json!({"url": "https://h", "body": body})).expect("filled in");
        let expected = json!({"n": 7, "text": "n=7", "deep": [{"l": [1, {"a": null}]}], "other": "{{ x }}",
            "{{ params.n }}": true});
        assert_eq!(request.body, Some(expected));
        let text = rendered(json!({"url": "https://h", "body": "{{ params.n }}"})).expect("filled in");
        assert_eq!(text.body, Some(json!("7")));
        let error =
            rendered(json!({"url": "https://h", "body": {"a": ["{{ params.x }}"]}})).expect_err("refused");
        assert!(error.starts_with("spec.http.body.a[0]: "), "{error}");
    }

    #[test]
    fn no_value_begins_another_header_field() {
        let error = rendered(json!({"url": "https://h", "headers": {"A": "{{ params.lines }}"}}));
        let error = error.expect_err("refused");
        assert!(error.starts_with("spec.http.headers.A: ") && error.contains("one line"), "{error}");
        assert!(!error.contains("X: b"), "no value in the message: {error}");
    }

    proptest! {
        #[test]
        fn no_value_leads_elsewhere(value in "\\PC*|[./\\\\?#@:%a-z]{0,12}") {
            let params = map(json!({"v": value}));
            let request: HttpSpec =
                serde_json::from_value(json!({"url": "https://h:8080/a/{{ params.v }}/c?d={{ params.v }}"}))
                    .expect("a request");
            if let Ok(filled) = render(&request, &params, &BTreeMap::new()) {
                let url = http::url(&filled.url).expect("judged before");
                prop_assert_eq!((url.host_str(), url.port()), (Some("h"), Some(8080)));
                let segments: Vec<&str> = url.path_segments().expect("a path").collect();
                prop_assert_eq!((segments.len(), segments[0], segments[2]), (3, "a", "c"));
                let pairs: Vec<_> = url.query_pairs().collect();
                prop_assert_eq!(pairs, vec![("d".into(), value.as_str().into())]);
            }
        }
    }
}
