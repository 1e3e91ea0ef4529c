//! `apiVersion`, `kind`, `metadata`, and that `status` is left to the server.

use super::Causes;
use crate::api::{API_VERSION, Metadata, field, meta::StringMap, names};

/// The most bytes of all annotations of an object.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// `apiVersion` and `kind`.
pub(super) fn header(causes: &mut Causes, api_version: &str, kind: &str, expected_kind: &str) {
    if api_version != API_VERSION {
        causes.push("apiVersion", format!("must be {API_VERSION}, not {}", names::quoted(api_version)));
    }
    if kind != expected_kind {
        causes.push("kind", format!("must be {expected_kind}, not {}", names::quoted(kind)));
    }
}

pub(super) fn of_object(causes: &mut Causes, metadata: &Metadata, has_status: bool) {
    let checks = [
        ("name", metadata.name.as_deref().map(names::name)),
        ("generateName", metadata.generate_name.as_deref().map(names::generate_name)),
        ("namespace", metadata.namespace.as_deref().map(names::namespace)),
    ];
    for (key, result) in checks {
        if let Some(Err(why)) = result {
            causes.push(field::member("metadata", key), why.to_string());
        }
    }
    for key in metadata.forged_fields() {
        causes.push(field::member("metadata", key), "only the server sets this: remove it");
    }
    if has_status {
        causes.push("status", "only the server sets this: remove it");
    }
    labels(causes, "metadata", &metadata.labels, &metadata.annotations);
}

/// `labels` and `annotations` of an object or a step.
pub(super) fn labels(causes: &mut Causes, prefix: &str, labels: &StringMap, annotations: &StringMap) {
    for (key, value) in labels {
        let results = [names::label_key(key), names::label_value(value)];
        for why in results.into_iter().filter_map(Result::err) {
            causes.push(field::member(&field::member(prefix, "labels"), key), why.to_string());
        }
    }
    for key in annotations.keys() {
        if let Err(why) = names::label_key(key) {
            let why = why.to_string().replacen("label key", "annotation key", 1);
            causes.push(field::member(&field::member(prefix, "annotations"), key), why);
        }
    }
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAX_ANNOTATIONS {
        let message = format!("have {size} bytes together: {MAX_ANNOTATIONS} are allowed");
        causes.push(field::member(prefix, "annotations"), message);
    }
}
