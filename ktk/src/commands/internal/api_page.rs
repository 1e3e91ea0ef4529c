//! `docs/api.md`: the API for programmers of any language, from its description.

use std::fmt::Write as _;

use ktk_client::api::{
    ErrorReason,
    log::{LogEvent, LogParams},
    watch::{WatchEvent, WatchParams},
};
use serde_json::{Map, Value, json};

use crate::view::schema::words;

const TEMPLATE: &str = include_str!("api.md");

/// The page of an OpenRPC document.
pub(super) fn page(document: &Value) -> String {
    let limits = &document["x-limits"];
    let number = |name: &str| limits[name].to_string();
    let bytes = |name: &str| match limits[name].as_u64().unwrap_or_default() {
        large if large >= 1 << 20 => format!("{} MiB", large >> 20),
        small => format!("{} KiB", small >> 10),
    };
    let hours = limits["requestIdSeconds"].as_u64().unwrap_or_default() / 3600;
    let places = [
        ("version", document["info"]["version"].as_str().unwrap_or_default().to_owned()),
        ("batchCalls", number("batchCalls")),
        ("depth", number("depth")),
        ("headerCount", number("headerCount")),
        ("pageObjects", number("pageObjects")),
        ("requestHours", hours.to_string()),
        ("bodyBytes", bytes("bodyBytes")),
        ("headerBytes", bytes("headerBytes")),
        ("errors", errors(document)),
        ("watchParams", fields(&schema_of::<WatchParams>())),
        ("watchEvents", variants(&schema_of::<WatchEvent>())),
        ("logParams", fields(&schema_of::<LogParams>())),
        ("logEvents", variants(&schema_of::<LogEvent>())),
        ("methods", methods(document)),
        ("types", types(document)),
    ];
    places
        .iter()
        .fold(TEMPLATE.to_owned(), |page, (name, text)| page.replace(&format!("{{{name}}}"), text.trim_end()))
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn errors(document: &Value) -> String {
    let mut rows = String::new();
    for reason in ErrorReason::ALL {
        let word = reason.as_str();
        let words = &document["components"]["errors"][word]["message"];
        let status = status_of(reason);
        let _ = writeln!(rows, "| `{word}` | {} | {status} | {} |", reason.code(), cell(words));
    }
    rows
}

/// As the server answers over plain HTTP; a test compares them.
fn status_of(reason: ErrorReason) -> u16 {
    match reason {
        ErrorReason::NotFound => 404,
        ErrorReason::AlreadyExists | ErrorReason::Conflict | ErrorReason::Fenced | ErrorReason::Ambiguous => {
            409
        }
        ErrorReason::Invalid => 422,
        ErrorReason::Unauthorized => 401,
        ErrorReason::Forbidden => 403,
        ErrorReason::Expired => 410,
        ErrorReason::TooLarge => 413,
        ErrorReason::Unavailable => 503,
        ErrorReason::Timeout => 504,
        _ => 500,
    }
}

fn methods(document: &Value) -> String {
    let mut text = String::new();
    for method in document["methods"].as_array().into_iter().flatten() {
        let name = method["name"].as_str().unwrap_or_default();
        let _ = write!(text, "### {name}\n\n{}\n\n", capital(&words(&method["summary"])));
        let params = method["params"].as_array().map_or(&[][..], Vec::as_slice);
        if !params.is_empty() {
            text.push_str("| parameter | type | |\n|---|---|---|\n");
            for param in params {
                let star = if param["required"] == true { " *" } else { "" };
                let name = param["name"].as_str().unwrap_or_default();
                let _ = writeln!(
                    text,
                    "| `{name}`{star} | {} | {} |",
                    kind(&param["schema"]),
                    cell(&param["description"])
                );
            }
            text.push('\n');
        }
        let result = kind(&method["result"]["schema"]);
        let errors = method["errors"].as_array().into_iter().flatten().filter_map(|error| {
            error["$ref"].as_str()?.rsplit('/').next().map(|reason| format!("`{reason}`"))
        });
        let errors: Vec<String> = errors.collect();
        let _ = write!(text, "Answers {result}. Errors: {}.\n\n", errors.join(", "));
        let given: Map<String, Value> = method["examples"][0]["params"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|param| Some((param["name"].as_str()?.to_owned(), param["value"].clone())))
            .collect();
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": given});
        let _ = write!(text, "```json\n{call}\n```\n\n");
    }
    text
}

fn types(document: &Value) -> String {
    let mut text = String::new();
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = write!(text, "### {name}\n\n");
        if let Some(words) = schema["description"].as_str() {
            let _ = write!(text, "{words}\n\n");
        }
        if schema["properties"].is_object() {
            let _ = writeln!(text, "{}", fields(schema));
        } else if schema["oneOf"].is_array() || schema["anyOf"].is_array() {
            let _ = writeln!(text, "{}", variants(schema));
        } else {
            let _ = write!(text, "{}\n\n", capital(&kind(schema)));
        }
    }
    text
}

/// The members of an object, as a table.
fn fields(schema: &Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut text = String::from("| field | type | |\n|---|---|---|\n");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let star = if required.contains(&name.as_str()) { " *" } else { "" };
        let _ = writeln!(text, "| `{name}`{star} | {} | {} |", kind(field), cell(&field["description"]));
    }
    text
}

/// What a value can be, as a list.
fn variants(schema: &Value) -> String {
    let mut text = String::new();
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    for choice in choices.into_iter().flatten() {
        let words = words(&choice["description"]);
        let what = match (choice.get("const"), choice["properties"].as_object()) {
            (Some(word), _) => format!("`{word}`"),
            (None, Some(members)) => {
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            (None, None) => kind(choice),
        };
        let _ =
            writeln!(text, "* {what}{}", if words.is_empty() { String::new() } else { format!(": {words}") });
    }
    text
}

fn member((name, schema): (&String, &Value)) -> String {
    match schema.get("const") {
        Some(word) => format!("`\"{name}\": {word}`"),
        None => format!("`{name}`: {}", kind(schema)),
    }
}

/// What a schema allows, in a few words.
fn kind(schema: &Value) -> String {
    if schema == &json!(true) || schema.as_object().is_some_and(Map::is_empty) {
        return "anything".to_owned();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = schema.get("const") {
        return format!("`{word}`");
    }
    if let [one] = schema["allOf"].as_array().map_or(&[][..], Vec::as_slice) {
        return kind(one);
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let kinds: Vec<String> = choices.iter().map(kind).collect();
        return kinds.join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(" or ");
    }
    match &schema["type"] {
        Value::String(name) => simple(name, schema),
        Value::Array(names) => {
            let names: Vec<String> =
                names.iter().filter_map(Value::as_str).map(|name| simple(name, schema)).collect();
            names.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn simple(name: &str, schema: &Value) -> String {
    match name {
        "string" => match schema["format"].as_str() {
            Some("date-time") => "time (RFC 3339)".to_owned(),
            Some("uuid") => "UUID".to_owned(),
            _ => "string".to_owned(),
        },
        "array" => match &schema["items"] {
            Value::Object(_) => format!("list of {}", kind(&schema["items"])),
            _ => "list".to_owned(),
        },
        "object" => match &schema["additionalProperties"] {
            Value::Object(_) => format!("map of {}", kind(&schema["additionalProperties"])),
            _ => "object".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// Words in a cell of a table.
fn cell(value: &Value) -> String {
    words(value).replace('|', "\\|")
}

/// With a capital letter, as a sentence begins.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_said_in_a_few_words() {
        for (schema, words) in [
            (json!(true), "anything"),
            (json!({"$ref": "#/components/schemas/Task"}), "[Task](#task)"),
            (json!({"type": ["string", "null"], "format": "uuid"}), "UUID or null"),
            (json!({"type": "array", "items": {"type": "integer"}}), "list of integer"),
            (json!({"type": "object", "additionalProperties": {"type": "string"}}), "map of string"),
            (json!({"anyOf": [{"$ref": "#/x/Phase"}, {"type": "null"}]}), "[Phase](#phase) or null"),
            (json!({"allOf": [{"$ref": "#/x/Phase"}]}), "[Phase](#phase)"),
        ] {
            assert_eq!(kind(&schema), words);
        }
    }

    #[test]
    fn nothing_of_the_template_is_left_and_every_method_is_there() {
        let document = ktk_server::server::openrpc("1.2.3");
        let page = page(&document);
        for place in TEMPLATE.split('{').skip(1).filter_map(|rest| rest.split_once('}')) {
            let is_place = !place.0.is_empty() && place.0.chars().all(char::is_alphanumeric);
            assert!(!is_place || !page.contains(&format!("{{{}}}", place.0)), "{}", place.0);
        }
        for method in document["methods"].as_array().unwrap() {
            assert!(page.contains(&format!("### {}\n", method["name"].as_str().unwrap())));
        }
        for link in page.split("](#").skip(1).filter_map(|rest| rest.split_once(')')) {
            let heading =
                |line: &str| line.strip_prefix("### ").is_some_and(|name| name.to_lowercase() == link.0);
            assert!(page.lines().any(heading), "nothing is called {}", link.0);
        }
    }
}
