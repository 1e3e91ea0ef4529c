//! What applies of all kinds have in common: what is remembered of one, and what comes of the next.

use ktk_client::api::{
    ApiError, Cause, Metadata,
    apply::{AppliedObject, ApplyOutcome, Record},
    names,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::EngineResult;
use crate::model::apply::merge;

/// What was applied of an object. Only objects that were applied have one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Applied {
    /// The set that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What its manifest said: labels, annotations and spec.
    pub manifest: Value,
}

impl Applied {
    /// What a manifest says, and the set that it is of.
    pub fn new(metadata: &Metadata, spec: Value, source: Option<&str>) -> Self {
        Self { source: source.map(str::to_owned), manifest: texts_and(metadata, spec) }
    }

    /// The same in the set that the object belongs to: it stays there unless another is named, and a set takes nothing
    /// from another one.
    ///
    /// # Errors
    /// `Conflict` where it belongs to another set.
    pub fn in_set(&self, what: &str, last: Option<&Self>) -> EngineResult<Self> {
        let own = last.and_then(|last| last.source.as_ref());
        match (own, &self.source) {
            (Some(own), Some(other)) if own != other => {
                let error = ApiError::conflict(format!("{what} belongs to the set {own:?}"));
                Err(error.with_hint("apply it with that --source, or delete it first").into())
            }
            (own, source) => {
                Ok(Self { source: source.as_ref().or(own).cloned(), manifest: self.manifest.clone() })
            }
        }
    }

    /// As callers see it.
    pub fn record(self) -> Record {
        Record { source: self.source, manifest: Some(self.manifest) }
    }
}

/// What people write of an object.
pub fn texts_and(metadata: &Metadata, spec: Value) -> Value {
    let mut texts = Map::new();
    for (name, map) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if !map.is_empty() {
            texts.insert(name.to_owned(), json!(map));
        }
    }
    json!({"metadata": texts, "spec": spec})
}

/// What a manifest makes of what is there. `spec` is the part of the spec that may change.
pub fn merged(last: Option<&Applied>, given: &Value, live: &Value) -> Value {
    merge(last.map_or(&Value::Null, |last| &last.manifest), given, live)
}

/// Labels and annotations as they came out.
pub fn texts_of(merged: &Value, metadata: &Metadata) -> Metadata {
    let map = |name: &str| serde_json::from_value(merged["metadata"][name].clone()).unwrap_or_default();
    Metadata { labels: map("labels"), annotations: map("annotations"), ..metadata.clone() }
}

/// What is wrong with any apply.
///
/// # Errors
/// `Invalid` for a manifest without a name, and for a set's name that is none.
pub fn check_named(kind: &str, metadata: &Metadata, source: Option<&str>) -> EngineResult<()> {
    let mut causes = Vec::new();
    if metadata.generate_name.is_some() && metadata.name.is_none() {
        causes
            .push(Cause::new("metadata.generateName", "cannot use generate name with apply: give it a name"));
    } else if metadata.name.is_none() {
        causes.push(Cause::new(
            "metadata.name",
            "must be given: apply makes one object, however often it is done",
        ));
    }
    if let Some(Err(why)) = source.map(names::type_name) {
        causes.push(Cause::new("source", why.to_string()));
    }
    match causes.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid(&format!("{kind} {:?}", metadata.name()), causes).into()),
    }
}

/// The answer for an object that was there.
pub fn answer<O>(object: O, is_changed: bool, last: Option<&Applied>) -> AppliedObject<O> {
    let outcome = if is_changed { ApplyOutcome::Configured } else { ApplyOutcome::Unchanged };
    AppliedObject { object, outcome, adopted: last.is_none() }
}
