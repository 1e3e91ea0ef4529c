//! `rpc.discover`: the document is OpenRPC, and the server takes what it describes.

use std::{collections::BTreeSet, fs};

use jsonschema::{Draft, Registry, Resource, Validator};
use ktk_client::Client;
use ktk_tests::{Place, repository};
use serde_json::{Map, Value, json};

use crate::{on_both_stores, raw_http};

on_both_stores!(through_the_sdk);

async fn through_the_sdk(client: Client) {
    let document = client.server().discover().await.unwrap();
    assert_eq!((&document["openrpc"], &document["info"]["title"]), (&json!("1.3.2"), &json!("ktk")));
}

fn ask(place: &Place, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    raw_http::call(place, &body.to_string())
}

fn document(place: &Place) -> Value {
    ask(place, "rpc.discover", &json!({}))["result"].take()
}

/// A meta-schema that is kept with the tests. The one of JSON Schema names itself as its schema, which no library
/// knows: it is draft 7.
fn meta_schema(name: &str) -> Value {
    let path = repository().join("tests/fixtures/openrpc").join(name);
    let mut schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    schema.as_object_mut().unwrap().remove("$schema");
    schema
}

#[test]
fn it_is_an_openrpc_document() {
    let document = document(&Place::started());
    let resource = |name| Resource::from_contents(meta_schema(name));
    let registry = Registry::new()
        .draft(Draft::Draft7)
        .add("https://meta.json-schema.tools/", resource("json-schema-meta-schema.json"))
        .unwrap()
        .add("https://meta.json-schema.tools", resource("json-schema-meta-schema.json"))
        .unwrap()
        .prepare()
        .unwrap();
    let openrpc = meta_schema("meta-schema.json");
    let judge =
        jsonschema::options().with_draft(Draft::Draft7).with_registry(&registry).build(&openrpc).unwrap();
    let breaches: Vec<String> =
        judge.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
    let mut broken = document;
    broken["methods"][0]["params"] = json!({});
    assert!(!judge.is_valid(&broken), "the meta-schema is looked at");
}

#[test]
fn every_reference_leads_somewhere_and_every_word_is_there() {
    let document = document(&Place::started());
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let place = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out"));
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for method in document["methods"].as_array().unwrap() {
        let (name, words) = (&method["name"], method["summary"].as_str().unwrap());
        assert!(!words.is_empty() && !words.contains("`: "), "{name}: {words:?}");
        for param in method["params"].as_array().unwrap() {
            assert!(param["description"].is_string(), "{name}: {} is not described", param["name"]);
        }
    }
    for (reason, error) in document["components"]["errors"].as_object().unwrap() {
        assert_ne!(error["message"], json!(reason), "{reason} is not described");
    }
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => {
                        into.insert(reference.clone());
                    }
                    other => collect_references(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}

/// Builds values that a schema allows.
struct Maker<'d> {
    document: &'d Value,
    /// Whether what may be left out is there.
    all: bool,
}

impl Maker<'_> {
    fn params(&self, method: &Value) -> Value {
        let params = method["params"].as_array().unwrap().iter();
        let wanted = params.filter(|param| self.all || param["required"] == true);
        Value::Object(
            wanted
                .map(|param| (param["name"].as_str().unwrap().to_owned(), self.value(&param["schema"], 0)))
                .collect(),
        )
    }

    fn value(&self, schema: &Value, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.value(self.document.pointer(&reference[1..]).unwrap(), depth);
        }
        for fixed in ["const", "default"] {
            if let Some(value) = schema.get(fixed) {
                return value.clone();
            }
        }
        for list in ["examples", "enum"] {
            if let Some(value) = schema[list].as_array().and_then(|list| list.first()) {
                return value.clone();
            }
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            if let Some(choices) = schema[choice].as_array() {
                return self.value(&choices[0], depth);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[0].as_str(),
            kind => kind.as_str(),
        };
        match kind {
            Some("object") => self.object(schema, depth),
            Some("array") => match schema["items"] {
                Value::Object(_) if self.all && depth < 6 => json!([self.value(&schema["items"], depth + 1)]),
                _ => json!([]),
            },
            Some("string") => json!(match schema["format"].as_str() {
                Some("uuid") => "01919d9e-7b2a-7c3d-8e4f-000000000001",
                Some("date-time") => "2026-11-22T03:00:00Z",
                _ => "word",
            }),
            Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(0).max(1)),
            Some("number") => json!(1.5),
            Some("boolean") => json!(false),
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        let is_wanted = |name: &String| required.contains(&json!(name)) || self.all && depth < 6;
        let wanted = properties.iter().filter(|(name, _)| is_wanted(name));
        Value::Object(wanted.map(|(name, schema)| (name.clone(), self.value(schema, depth + 1))).collect())
    }
}

/// A schema of the document, on its own feet.
fn judge(document: &Value, schema: &Value) -> Validator {
    let mut whole = schema.clone();
    if let Some(members) = whole.as_object_mut() {
        members.insert("components".into(), document["components"].clone());
    }
    jsonschema::options().with_draft(Draft::Draft7).build(&whole).unwrap()
}

#[test]
fn each_example_is_what_its_schema_allows() {
    let place = Place::started();
    let document = document(&place);
    for method in document["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        let example = &method["examples"][0];
        let given: Map<String, Value> = example["params"]
            .as_array()
            .unwrap_or_else(|| panic!("{name} has no example: ktk-server/src/rpc/examples.json"))
            .iter()
            .map(|param| (param["name"].as_str().unwrap().to_owned(), param["value"].clone()))
            .collect();
        let params = method["params"].as_array().unwrap();
        for param in params {
            let value = given.get(param["name"].as_str().unwrap());
            assert!(value.is_some() || param["required"] == false, "{name}: {} is missing", param["name"]);
            let Some(value) = value else { continue };
            let breach =
                judge(&document, &param["schema"]).validate(value).map_err(|error| error.to_string());
            assert_eq!(breach, Ok(()), "{name}: {}", param["name"]);
        }
        for name_of in given.keys() {
            assert!(params.iter().any(|param| param["name"] == json!(name_of)), "{name} has no {name_of}");
        }
        if name == "server.stop" {
            continue;
        }
        let answer = ask(&place, name, &Value::Object(given));
        let words = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!words.starts_with("Request "), "{name}: {answer}");
    }
}

#[test]
fn each_method_takes_what_its_schema_allows() {
    let place = Place::started();
    let document = document(&place);
    let methods = document["methods"].as_array().unwrap();
    let mut answered = 0;
    let is_last = |method: &&Value| method["name"] == "server.stop";
    for method in methods.iter().filter(|method| !is_last(method)).chain(methods.iter().filter(is_last)) {
        let name = method["name"].as_str().unwrap();
        let variants = if name == "server.stop" { &[true][..] } else { &[true, false] };
        for &all in variants {
            let params = Maker { document: &document, all }.params(method);
            for param in method["params"].as_array().unwrap() {
                if let Some(value) = params.get(param["name"].as_str().unwrap()) {
                    let breach =
                        judge(&document, &param["schema"]).validate(value).map_err(|e| e.to_string());
                    assert_eq!(breach, Ok(()), "{name}: {}", param["name"]);
                }
            }
            let answer = ask(&place, name, &params);
            let Some(error) = answer.get("error") else {
                let breach = judge(&document, &method["result"]["schema"])
                    .validate(&answer["result"])
                    .map_err(|error| format!("{}: {error}", error.instance_path()));
                assert_eq!(breach, Ok(()), "{name} answers {}", answer["result"]);
                answered += 1;
                continue;
            };
            let (reason, words) =
                (error["data"]["reason"].as_str().unwrap(), error["message"].as_str().unwrap());
            assert!(!words.starts_with("Request "), "{name} cannot read {params}: {error}");
            let listed = format!("#/components/errors/{reason}");
            let errors = method["errors"].as_array().unwrap();
            assert!(errors.iter().any(|error| error["$ref"] == listed), "{name} does not list {error}");
        }
    }
    assert!(answered > 20, "only {answered} calls were carried out");
}
