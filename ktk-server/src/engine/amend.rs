//! What patches of all kinds have in common: what they make of an object, and what of it nobody may change.

use ktk_client::api::{ApiError, Cause, Metadata, field, patch::PatchParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    body,
    error::{EngineError, EngineResult},
};
use crate::model::{decode::decode, patch};

/// What a patch makes of an object.
///
/// # Errors
/// `Conflict` where it was made for another version; `Invalid` for what cannot be done or read.
pub(super) fn patched<O: Serialize + DeserializeOwned>(
    params: &PatchParams,
    what: &str,
    metadata: &Metadata,
    before: &O,
) -> EngineResult<O> {
    if let Some(version) = params.version
        && Some(version) != metadata.version
    {
        let now = metadata.version.unwrap_or_default();
        let words = format!("{what} has changed: the patch is for version {version}, and it is {now} now");
        return Err(ApiError::conflict(words).with_hint("read it again, and repeat the change").into());
    }
    let invalid = |causes| EngineError::from(ApiError::invalid(&format!("the patch of {what}"), causes));
    let before = body::to_value(before)?;
    let after = patch::apply(&before, &params.patch).map_err(invalid)?;
    Ok(decode(&format!("the patch of {what}"), &after)?)
}

/// What of the metadata is not the caller's to change, and what of the rest of an object beside its spec.
pub(super) fn fixed_causes<O: Serialize>(before: &O, after: &O) -> EngineResult<Vec<Cause>> {
    let (before, after) = (body::to_value(before)?, body::to_value(after)?);
    let mut causes = Vec::new();
    for part in ["apiVersion", "kind"] {
        if before[part] != after[part] {
            causes.push(Cause::new(part, "cannot change"));
        }
    }
    for name in members(&before["metadata"], &after["metadata"]) {
        let is_own = name == "labels" || name == "annotations";
        if !is_own && before["metadata"][&name] != after["metadata"][&name] {
            causes.push(Cause::new(
                field::member("metadata", &name),
                "cannot change: only labels and annotations can",
            ));
        }
    }
    if before["status"] != after["status"] {
        causes.push(Cause::new("status", "is the server's to write"));
    }
    Ok(causes)
}

fn members(before: &Value, after: &Value) -> Vec<String> {
    let of = |value: &Value| {
        value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
    };
    let mut names: Vec<String> = of(before);
    names.extend::<Vec<String>>(of(after));
    names.sort();
    names.dedup();
    names
}
