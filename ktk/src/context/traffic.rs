//! `--verbose`: what goes to the server and comes back, a line for each request, and from 8 on what they hold.

use ktk_client::client::{Error, Exchange};
use serde_json::Value;

/// From this level on each request has a line.
const LINES: u8 = 6;

/// From this level on its bodies follow.
const BODIES: u8 = 8;

/// Names of fields whose values nobody is to read over a shoulder.
const SECRETS: [&str; 2] = ["token", "secret"];

/// Whether anything is told at this level.
pub(super) fn is_told(level: u8) -> bool {
    level >= LINES
}

/// What is told of a request: lines for stderr.
pub(super) fn lines(exchange: &Exchange<'_>, level: u8) -> Vec<String> {
    let request: Value = serde_json::from_slice(exchange.request).unwrap_or_default();
    let answer: Option<Value> = exchange.answer.ok().and_then(|answer| serde_json::from_slice(answer).ok());
    let (verb, what) = match exchange.request {
        [] => ("GET", String::new()),
        _ => ("POST", format!(" {}", methods(&request))),
    };
    let (address, path) = (exchange.address, exchange.path);
    let ended = match exchange.answer {
        Ok(_) => outcome(answer.as_ref()),
        Err(Error::Api(error)) => error.reason.as_str().to_owned(),
        Err(error) => error.to_string(),
    };
    let took = exchange.took.as_millis();
    let mut lines = vec![format!("{verb} {address}{path}{what} {ended} in {took} milliseconds")];
    if level >= BODIES {
        let bodies = [("request", Some(request)), ("answer", answer)];
        for (name, body) in bodies {
            let Some(mut body) = body.filter(|body| !body.is_null()) else { continue };
            mask(&mut body);
            lines.push(format!("{name}: {body}"));
        }
    }
    lines
}

/// `task.get`, or of a batch how many and which.
fn methods(request: &Value) -> String {
    let method = |call: &Value| call.get("method").and_then(Value::as_str).unwrap_or("?").to_owned();
    match request.as_array() {
        Some(calls) => format!("{} x {}", calls.len(), calls.first().map(method).unwrap_or_default()),
        None => method(request),
    }
}

/// `OK`, or the reason of a refusal.
fn outcome(answer: Option<&Value>) -> String {
    let reason = answer.and_then(|answer| answer.pointer("/error/data/reason")).and_then(Value::as_str);
    let is_refused = answer.is_some_and(|answer| answer.get("error").is_some());
    reason.unwrap_or(if is_refused { "Error" } else { "OK" }).to_owned()
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if SECRETS.contains(&name.as_str()) => "REDACTED".clone_into(text),
                    value => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_masked_at_any_depth() {
        let mut value = serde_json::json!({"result": [{"token": "ktk_x"}, {"secret": "y", "name": "z"}], "token": {"a": 1}});
        mask(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"result": [{"token": "REDACTED"}, {"secret": "REDACTED", "name": "z"}], "token": {"a": 1}})
        );
    }
}
