//! Patches of JSON documents: merge patch (RFC 7386) and JSON Patch (RFC 6902), by the crate `json-patch`, with limits
//! on what an operation may make of a document.

use ktk_client::api::{Cause, patch::Patch};
use serde_json::Value;

use crate::limits::{PATCH_OPERATIONS, PATCHED_BYTES};

/// The document with the patch made.
///
/// # Errors
/// What is no operation, the first operation that cannot be done, or what would become too large.
pub fn apply(document: &Value, patch: &Patch) -> Result<Value, Vec<Cause>> {
    let mut patched = document.clone();
    match patch {
        Patch::Merge(members) => {
            if !members.is_object() {
                return Err(vec![Cause::new("patch.merge", "must be an object: the members that change")]);
            }
            json_patch::merge(&mut patched, members);
        }
        Patch::Json(operations) => {
            if operations.len() > PATCH_OPERATIONS {
                let words = format!("{} operations are more than {PATCH_OPERATIONS}", operations.len());
                return Err(vec![Cause::new("patch.json", words)]);
            }
            let read = |(index, operation): (usize, &Value)| {
                serde_json::from_value::<json_patch::PatchOperation>(operation.clone())
                    .map_err(|error| Cause::new(format!("patch.json[{index}]"), error.to_string()))
            };
            let (read, wrong): (Vec<_>, Vec<_>) =
                operations.iter().enumerate().map(read).partition(Result::is_ok);
            if !wrong.is_empty() {
                return Err(wrong.into_iter().filter_map(Result::err).collect());
            }
            for (index, operation) in read.into_iter().filter_map(Result::ok).enumerate() {
                let place = format!("patch.json[{index}]");
                let copies = matches!(operation, json_patch::PatchOperation::Copy(_));
                json_patch::patch(&mut patched, &[operation])
                    .map_err(|error| vec![Cause::new(&place, error.kind.to_string())])?;
                // A few copies of copies would fill the memory.
                if copies && size_of(&patched) > PATCHED_BYTES {
                    return Err(vec![Cause::new(place, format!("makes more than {PATCHED_BYTES} bytes"))]);
                }
            }
        }
    }
    if size_of(&patched) > PATCHED_BYTES {
        return Err(vec![Cause::new("patch", format!("makes more than {PATCHED_BYTES} bytes"))]);
    }
    Ok(patched)
}

/// About how long it is as text.
fn size_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size_of(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(key, value)| key.len() + size_of(value) + 4).sum::<usize>() + 2
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn operations(list: Value) -> Patch {
        Patch::Json(list.as_array().unwrap().clone())
    }

    #[test]
    fn null_takes_a_member_away_and_lists_are_replaced() {
        let document = json!({"a": {"b": 1, "c": [1, 2]}, "d": 2});
        let patch = Patch::Merge(json!({"a": {"b": null, "c": [3], "e": {"f": null, "g": 1}}}));
        let expected = json!({"a": {"c": [3], "e": {"g": 1}}, "d": 2});
        assert_eq!(apply(&document, &patch), Ok(expected));
        assert_eq!(apply(&document, &Patch::Merge(json!([1]))).unwrap_err()[0].field, "patch.merge");
    }

    #[test]
    fn operations_are_done_in_order_and_all_or_none() {
        let document = json!({"a": [1, 2], "b": {}});
        let patch = operations(json!([
            {"op": "test", "path": "/a/0", "value": 1},
            {"op": "add", "path": "/a/-", "value": 3},
            {"op": "move", "from": "/a/0", "path": "/b/x~1y"},
            {"op": "copy", "from": "/b", "path": "/c"},
            {"op": "replace", "path": "/c/x~1y", "value": null},
            {"op": "remove", "path": "/b"},
        ]));
        assert_eq!(apply(&document, &patch), Ok(json!({"a": [2, 3], "c": {"x/y": null}})));
        let patch = operations(json!([
            {"op": "remove", "path": "/a"},
            {"op": "test", "path": "/b", "value": 1},
        ]));
        assert_eq!(apply(&document, &patch).unwrap_err()[0].field, "patch.json[1]");
    }

    #[test]
    fn all_that_is_no_operation_is_named() {
        let patch = operations(json!([
            {"op": "replace", "path": "/a", "value": 1},
            {"op": "burn", "path": "/a"},
            {"op": "add", "path": "/a"},
            {"op": "remove", "path": "a"},
        ]));
        let places: Vec<_> =
            apply(&json!({}), &patch).unwrap_err().into_iter().map(|cause| cause.field).collect();
        assert_eq!(places, ["patch.json[1]", "patch.json[2]", "patch.json[3]"]);
    }

    #[test]
    fn copies_of_copies_end_at_a_limit() {
        let mut list = vec![json!({"op": "add", "path": "/a", "value": "x".repeat(1000)})];
        list.extend((0..60).map(|n| json!({"op": "copy", "from": "", "path": format!("/c{n}")})));
        let error = apply(&json!({}), &Patch::Json(list)).unwrap_err();
        assert!(error[0].message.contains("bytes"), "{error:?}");
        let many = vec![json!({"op": "test", "path": "", "value": {}}); PATCH_OPERATIONS + 1];
        assert_eq!(apply(&json!({}), &Patch::Json(many)).unwrap_err()[0].field, "patch.json");
    }

    proptest! {
        /// What a merge patch sets is there, and doing it twice is doing it once.
        #[test]
        fn a_merge_done_twice_is_done_once(keys in prop::collection::vec("[a-c]", 1..6), values in prop::collection::vec(0..3, 6)) {
            let mut members = serde_json::Map::new();
            for (key, value) in keys.iter().zip(&values) {
                members.insert(key.clone(), if *value == 0 { Value::Null } else { json!({"v": value, "n": null}) });
            }
            let patch = Patch::Merge(Value::Object(members));
            let once = apply(&json!({"a": {"n": 1}, "b": 2}), &patch).unwrap();
            prop_assert_eq!(apply(&once, &patch).unwrap(), once);
        }
    }
}
