//! Three-way merge: what a manifest says now, what it said when it was last applied, and what is there.

use serde_json::{Map, Value};

/// What becomes of what is there: what the manifest says is set; what it said before and says no longer goes, unless
/// somebody else has changed it since; all else stays. Lists are values as a whole. `last` is null where nothing was
/// applied before.
pub fn merge(last: &Value, given: &Value, live: &Value) -> Value {
    let (Value::Object(given), Value::Object(live)) = (given, live) else { return given.clone() };
    let mut merged = live.clone();
    for (key, before) in last.as_object().into_iter().flatten().filter(|(key, _)| !given.contains_key(*key)) {
        match merged.get(key).and_then(|now| rest(before, now)) {
            Some(rest) => drop(merged.insert(key.clone(), rest)),
            None => drop(merged.remove(key)),
        }
    }
    for (key, wanted) in given {
        let before = last.get(key).unwrap_or(&Value::Null);
        let now = live.get(key).unwrap_or(&Value::Null);
        merged.insert(key.clone(), merge(before, wanted, now));
    }
    Value::Object(merged)
}

/// What stays of a value that is applied no longer: what others have made of it.
fn rest(before: &Value, now: &Value) -> Option<Value> {
    if before == now {
        return None;
    }
    match (before, now) {
        (Value::Object(_), Value::Object(_)) => {
            let rest = merge(before, &Value::Object(Map::new()), now);
            rest.as_object().is_some_and(|members| !members.is_empty()).then_some(rest)
        }
        _ => Some(now.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_no_longer_goes_and_what_others_said_stays() {
        let last = json!({"labels": {"a": "1", "b": "1", "c": "1"}, "spec": {"permits": 2, "list": [1]}});
        let live = json!({"labels": {"a": "1", "b": "other", "d": "theirs", "c": "1"}, "spec": {"permits": 4, "list": [1]}});
        let given = json!({"labels": {"c": "2"}, "spec": {"permits": 3}});
        let merged = json!({"labels": {"b": "other", "c": "2", "d": "theirs"}, "spec": {"permits": 3}});
        assert_eq!(merge(&last, &given, &live), merged);
        assert_eq!(merge(&Value::Null, &json!({}), &live), live, "nobody said it");
        let all_gone = merge(&json!({"labels": {"a": "1"}}), &json!({}), &json!({"labels": {"a": "1"}}));
        assert_eq!(all_gone, json!({}));
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![(0..3).prop_map(Value::from), Just(json!([1])), Just(json!("x"))];
        let node = leaf.prop_recursive(2, 12, 3, |inner| {
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        prop::collection::btree_map("[a-c]", node, 0..3)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    /// Whether all that a manifest says is so.
    fn says(given: &Value, there: &Value) -> bool {
        match given {
            Value::Object(members) => {
                members.iter().all(|(key, value)| there.get(key).is_some_and(|there| says(value, there)))
            }
            _ => given == there,
        }
    }

    proptest! {
        #[test]
        fn applied_twice_is_applied_once(last in document(), given in document(), live in document()) {
            let once = merge(&last, &given, &live);
            prop_assert_eq!(merge(&given, &given, &once), once);
        }

        #[test]
        fn what_is_given_is_so(last in document(), given in document(), live in document()) {
            prop_assert!(says(&given, &merge(&last, &given, &live)));
        }

        #[test]
        fn without_an_earlier_apply_nothing_goes(given in document(), live in document()) {
            let merged = merge(&Value::Null, &given, &live);
            for (key, value) in live.as_object().unwrap() {
                prop_assert!(given.get(key).is_some() || merged.get(key) == Some(value));
            }
        }
    }
}
