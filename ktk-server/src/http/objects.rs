//! Objects to read, for people with curl: `GET /api/v1/KINDS`, `/api/v1/namespaces/NAMESPACE/KINDS[/NAME]`. Each path
//! stands for a method of `POST /rpc`, and is answered by it: nothing can be read here that cannot be read there.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use hyper::{Response, StatusCode, Uri};
use ktk_client::api::{
    ListParams, Method, ObjectRef, discover, event, node, pipeline, queue, semaphore, task, task_type, token,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::answer::{self, Body};
use super::query;
use super::refusal::Refusal;
use crate::rpc::{Caller, Router};

/// Where all of it is.
const ROOT: &str = "/api/v1";

/// A kind as paths name it.
struct Kind {
    plural: &'static str,
    is_namespaced: bool,
    list: &'static str,
    get: Option<&'static str>,
}

const fn kind<L: Method, G: Method>(plural: &'static str, is_namespaced: bool) -> Kind {
    Kind { plural, is_namespaced, list: L::NAME, get: Some(G::NAME) }
}

const KINDS: [Kind; 8] = [
    kind::<task::ListTasks, task::Get>("tasks", true),
    kind::<pipeline::ListPipelines, pipeline::Get>("pipelines", true),
    Kind { plural: "events", is_namespaced: true, list: event::ListEvents::NAME, get: None },
    kind::<queue::ListQueues, queue::Get>("queues", false),
    kind::<semaphore::ListSemaphores, semaphore::Get>("semaphores", false),
    kind::<task_type::ListTaskTypes, task_type::Get>("tasktypes", false),
    kind::<node::ListNodes, node::Get>("nodes", false),
    kind::<token::ListTokens, token::Get>("tokens", false),
];

/// A path as the call that it stands for.
#[derive(Debug)]
pub(super) struct Reading {
    method: &'static str,
    what: What,
}

#[derive(Debug)]
enum What {
    Nothing,
    One(ObjectRef),
    /// All of a namespace, or of all namespaces.
    Many(Option<String>),
}

/// What a path stands for; nothing where it is none of these.
pub(super) fn reading(path: &str) -> Option<Reading> {
    let mut segments = path.strip_prefix(ROOT)?.strip_prefix('/')?.split('/');
    let segments: Vec<String> = segments.by_ref().map(decoded).collect::<Option<_>>()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let of = |plural: &str, is_namespaced: bool| {
        KINDS.iter().find(|kind| kind.plural == plural && (kind.is_namespaced || !is_namespaced))
    };
    match *segments.as_slice() {
        ["openrpc.json"] => Some(Reading { method: discover::Discover::NAME, what: What::Nothing }),
        [plural] => Some(Reading { method: of(plural, false)?.list, what: What::Many(None) }),
        ["namespaces", namespace, plural] if !namespace.is_empty() => {
            Some(Reading { method: of(plural, true)?.list, what: What::Many(Some(namespace.to_owned())) })
        }
        ["namespaces", namespace, plural, name] if !namespace.is_empty() && !name.is_empty() => {
            let what = What::One(ObjectRef::new(namespace, name));
            Some(Reading { method: of(plural, true)?.get?, what })
        }
        [plural, name] if !name.is_empty() => {
            let kind = of(plural, false).filter(|kind| !kind.is_namespaced)?;
            Some(Reading {
                method: kind.get?,
                what: What::One(ObjectRef { name: name.into(), ..ObjectRef::default() }),
            })
        }
        _ => None,
    }
}

/// A segment of a path, its percent signs read.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = str::from_utf8(rest.get(..2)?).ok()?;
        // `from_str_radix` takes a sign.
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

/// Answers a reading; with nothing but the fact where the asker has the same already.
pub(super) async fn answer(
    router: &Router,
    caller: Caller,
    reading: Reading,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let params = params(&reading, uri)?;
    let text = router.read(caller, reading.method, &params).await?;
    let tag = tag(&text);
    let mut response = match is_known(headers, &tag) {
        true => answer::unchanged(),
        false => answer::json(StatusCode::OK, Bytes::from(text)),
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::from_str(&tag).expect("hex digits in quotes"));
    // It may be kept, and has to be asked for again each time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The parameters of the method, from the path and the query.
fn params(reading: &Reading, uri: &Uri) -> Result<String, Refusal> {
    let what = format!("Request {}", uri.path());
    match &reading.what {
        What::Nothing => query::read::<discover::DiscoverParams>(&what, uri).map(|params| to_text(&params)),
        What::One(reference) => {
            let discover::DiscoverParams {} = query::read(&what, uri)?;
            Ok(to_text(reference))
        }
        What::Many(namespace) if reading.method == event::ListEvents::NAME => {
            let mut params: event::ListParams = query::read(&what, uri)?;
            params.namespace = namespace.clone().or(params.namespace);
            Ok(to_text(&params))
        }
        What::Many(namespace) => {
            let mut params: ListParams = query::read(&what, uri)?;
            params.namespace = namespace.clone().or(params.namespace);
            Ok(to_text(&params))
        }
    }
}

fn to_text(params: &impl Serialize) -> String {
    serde_json::to_string(params).expect("parameters of strings and numbers are JSON")
}

/// What stands for an answer: equal ones are the same.
fn tag(answer: &[u8]) -> String {
    let digest = Sha256::digest(answer);
    digest[..16].iter().fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}")) + "\""
}

/// Whether the asker has it: any of its tags, or `*`.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.trim_start_matches("W/") == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str) -> Option<(&'static str, String)> {
        let reading = reading(path)?;
        let uri: Uri = path.parse().expect("a path");
        let params = params(&reading, &uri).expect("no query");
        Some((reading.method, params))
    }

    #[test]
    fn a_path_stands_for_a_method() {
        for (path, method, params) in [
            ("/api/v1/tasks", "task.list", "{}"),
            ("/api/v1/namespaces/a/tasks", "task.list", r#"{"namespace":"a"}"#),
            ("/api/v1/namespaces/a/tasks/x@2", "task.get", r#"{"namespace":"a","name":"x@2"}"#),
            ("/api/v1/namespaces/a/tasks/x%402", "task.get", r#"{"namespace":"a","name":"x@2"}"#),
            ("/api/v1/namespaces/a/pipelines/p", "pipeline.get", r#"{"namespace":"a","name":"p"}"#),
            ("/api/v1/events", "event.list", "{}"),
            ("/api/v1/queues", "queue.list", "{}"),
            ("/api/v1/queues/default", "queue.get", r#"{"namespace":"default","name":"default"}"#),
            ("/api/v1/openrpc.json", "rpc.discover", "{}"),
        ] {
            assert_eq!(call(path), Some((method, params.to_owned())), "{path}");
        }
    }

    #[test]
    fn other_paths_stand_for_nothing() {
        for path in [
            "/api/v1",
            "/api/v1/",
            "/api/v1/cows",
            "/api/v1/tasks/",
            "/api/v1/tasks/x",
            "/api/v1/namespaces/a",
            "/api/v1/namespaces/a/queues",
            "/api/v1/namespaces/a/tasks/",
            "/api/v1/namespaces//tasks",
            "/api/v1/namespaces/a/tasks/x/y",
            "/api/v1/namespaces/a/events/x",
            "/api/v1/namespaces/a/tasks/../x",
            "/api/v1/tasks%2f",
            "/api/v1/queues/%zz",
            "/api/v1/queues/%+1",
            "/api/v1/queues/%f",
            "/api/v1/queues/%ff",
            "/api/v2/tasks",
            "/tasks",
        ] {
            assert!(reading(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_tag_is_known_in_each_form() {
        let tag = tag(b"x");
        for (value, known) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"a\", {tag}"), true),
            ("*".into(), true),
            ("\"a\"".into(), false),
            (tag.trim_matches('"').into(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, value.parse().expect("a value"));
            assert_eq!(is_known(&headers, &tag), known, "{value}");
        }
    }
}
