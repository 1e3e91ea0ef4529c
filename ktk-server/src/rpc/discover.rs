//! `rpc.discover`: the API as an OpenRPC document, made of the types that it is made of.

use std::collections::BTreeMap;

use ktk_client::api::{ErrorReason, Method, discover::Discover};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::RouterBuilder;
use crate::limits;

/// The version of OpenRPC that the document is of.
const OPENRPC: &str = "1.3.2";

/// How methods are described, by their names.
pub(super) type Descriptions = BTreeMap<&'static str, fn(&mut SchemaGenerator) -> Parts>;

/// What is said of a method.
pub(super) struct Parts {
    words: String,
    params: Schema,
    output: Schema,
}

/// What a method's types say of it.
pub(super) fn parts_of<M: Method>(schemas: &mut SchemaGenerator) -> Parts {
    let words = M::json_schema(schemas).get("description").and_then(Value::as_str).map(str::to_owned);
    Parts {
        words: words.unwrap_or_default(),
        params: M::Params::json_schema(schemas),
        output: schemas.subschema_for::<M::Output>(),
    }
}

/// Registers `rpc.discover`, which describes what was registered before it, and itself.
pub fn register(router: RouterBuilder, version: &str) -> RouterBuilder {
    let methods = with_itself(&router);
    let version = version.to_owned();
    router.method::<Discover, _, _>(move |_caller, _params| {
        let document = document(&methods, &version);
        async move { Ok(document) }
    })
}

/// The document that [`register`] would have a server give.
pub fn describe(router: &RouterBuilder, version: &str) -> Value {
    document(&with_itself(router), version)
}

fn with_itself(router: &RouterBuilder) -> Descriptions {
    let mut methods = router.descriptions().clone();
    methods.insert(Discover::NAME, parts_of::<Discover>);
    methods
}

/// An example of each method's parameters.
fn examples() -> Map<String, Value> {
    serde_json::from_str(include_str!("examples.json")).expect("a file that a test reads")
}

/// The document.
fn document(methods: &Descriptions, version: &str) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let reasons = schemas.subschema_for::<ErrorReason>();
    let mut methods: Vec<Value> =
        methods.iter().map(|(name, parts)| method(name, parts(&mut schemas), &mut schemas)).collect();
    let mut examples = examples();
    for method in &mut methods {
        plain_words(method);
        if let Some(Value::Object(params)) = method["name"].as_str().and_then(|name| examples.remove(name)) {
            let params: Vec<Value> =
                params.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            method["examples"] = json!([{"name": "example", "params": params}]);
        }
    }
    let mut definitions = Value::Object(schemas.take_definitions(true));
    plain_words(&mut definitions);
    let words = words_of_reasons(&definitions, &reasons);
    json!({
        "openrpc": OPENRPC,
        "info": {
            "title": "ktk",
            "description": "Tasks and pipelines with restarts. JSON-RPC 2.0 on POST /rpc; parameters are named.",
            "version": version,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "servers": [{"name": "local", "url": "http://localhost/rpc"}],
        "methods": methods,
        "components": {"schemas": definitions, "errors": errors(&words)},
        "x-limits": {
            "bodyBytes": limits::BODY_BYTES,
            "batchCalls": limits::BATCH_CALLS,
            "depth": limits::REQUEST_DEPTH,
            "headerBytes": limits::HEADER_BYTES,
            "headerCount": limits::HEADER_COUNT,
            "pageObjects": limits::PAGE,
            "requestIdSeconds": limits::REQUESTS_KEPT.as_secs(),
        },
    })
}

fn method(name: &str, parts: Parts, schemas: &mut SchemaGenerator) -> Value {
    let Parts { words, mut params, mut output } = parts;
    for transform in schemas.transforms_mut() {
        transform.transform(&mut params);
        transform.transform(&mut output);
    }
    let words = words.strip_prefix(&format!("`{name}`: ")).unwrap_or(&words);
    let required: Vec<&str> = params
        .get("required")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).collect());
    let empty = Map::new();
    let properties = params.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let mut list: Vec<Value> =
        properties.iter().map(|(name, schema)| parameter(name, schema, &required)).collect();
    // What must be there comes first, as OpenRPC wants it.
    list.sort_by_key(|parameter| parameter["required"] != true);
    let errors: Vec<Value> = reasons_of(name, properties)
        .into_iter()
        .map(|reason| json!({"$ref": format!("#/components/errors/{reason}")}))
        .collect();
    json!({
        "name": name,
        "summary": words,
        "paramStructure": "by-name",
        "params": list,
        "result": {"name": "result", "schema": output},
        "errors": errors,
    })
}

fn parameter(name: &str, schema: &Value, required: &[&str]) -> Value {
    let mut schema = schema.clone();
    let is_nothing = names_nothing(schema.get("default"), name);
    if is_nothing && let Some(members) = schema.as_object_mut() {
        members.remove("default");
    }
    let is_required = is_nothing || required.contains(&name);
    let mut parameter = json!({"name": name, "required": is_required, "schema": schema});
    if let Some(words) = schema.get("description") {
        parameter["description"] = words.clone();
    }
    parameter
}

/// Whether what stands where nothing is given is the name of no object: then something has to be given.
fn names_nothing(default: Option<&Value>, parameter: &str) -> bool {
    let default = default.unwrap_or(&Value::Null);
    parameter == "name" && default == "" || default["name"] == ""
}

/// What a method can be refused with, beside what every method can.
fn reasons_of(name: &str, params: &Map<String, Value>) -> Vec<ErrorReason> {
    let has = |field: &str| params.contains_key(field);
    let names_one = has("ref") || name.ends_with(".get") || name.ends_with(".tree") || name.ends_with(".why");
    let mut reasons = vec![
        ErrorReason::Invalid,
        ErrorReason::Unauthorized,
        ErrorReason::Forbidden,
        ErrorReason::TooLarge,
        ErrorReason::Unavailable,
        ErrorReason::Timeout,
        ErrorReason::Internal,
    ];
    if names_one {
        reasons.extend([ErrorReason::NotFound, ErrorReason::Ambiguous]);
    }
    if has("requestId") {
        reasons.push(ErrorReason::Conflict);
    }
    if name.ends_with(".create") {
        reasons.push(ErrorReason::AlreadyExists);
    }
    if has("attempt") || name.starts_with("worker.") {
        reasons.push(ErrorReason::Fenced);
    }
    reasons
}

/// What each reason means, from where its type says so.
fn words_of_reasons(definitions: &Value, reasons: &Schema) -> BTreeMap<String, String> {
    let name = reasons.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let variants = name.and_then(|name| definitions[name]["oneOf"].as_array()).cloned().unwrap_or_default();
    let word = |variant: &Value| variant["const"].as_str().or(variant["enum"][0].as_str()).map(str::to_owned);
    let words = |variant: &Value| variant["description"].as_str().unwrap_or_default().to_owned();
    variants.iter().filter_map(|variant| Some((word(variant)?, words(variant)))).collect()
}

fn errors(words: &BTreeMap<String, String>) -> Value {
    let error = |reason: &ErrorReason| {
        let word = reason.as_str();
        let message = words.get(word).map_or(word, String::as_str);
        (word.to_owned(), json!({"code": reason.code(), "message": message, "data": {"reason": word}}))
    };
    Value::Object(ErrorReason::ALL.iter().map(error).collect())
}

/// Links of Rust's documentation lead nowhere else: what they are called is left.
fn plain_words(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(words) if matches!(name.as_str(), "description" | "summary") => {
                        *words = words.replace("[`", "`").replace("`]", "`").replace('\n', " ");
                    }
                    other => plain_words(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_words),
        _ => {}
    }
}
