//! Expressions: jq in a manifest, and where it stands. They are evaluated by the server alone.
//!
//! ```
//! use ktk_client::api::jq::{ForEach, Jq};
//! let each = ForEach { jq: ".extract.files[]".into(), key: Some(Jq { jq: ".item.name".into() }) };
//! assert!(each.key.is_some());
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field;

/// The most bytes of one expression.
pub const MAX_EXPRESSION: usize = 64 << 10;

/// A value that an expression yields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Jq {
    /// A jq filter over what upstream put out.
    pub jq: String,
}

/// A step that is a task for each value of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForEach {
    /// A jq filter that yields the values, each of which is an item: `item` and `index` in the step's inputs.
    pub jq: String,
    /// What an item is called, over the same and `item` and `index`; its index when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Jq>,
}

/// The expression that a value of `inputs` is: an object with the one member `jq`.
///
/// ```
/// use ktk_client::api::jq::expression;
/// use serde_json::json;
/// assert_eq!(expression(&json!({"jq": ".fetch.path"})), Some(&json!(".fetch.path")));
/// assert_eq!(expression(&json!({"jq": ".a", "and": "more"})), None);
/// ```
pub fn expression(value: &Value) -> Option<&Value> {
    value.as_object().filter(|members| members.len() == 1)?.get("jq")
}

/// Every expression in inputs, at any depth, with its field; `prefix` is the field of the inputs.
///
/// ```
/// use ktk_client::api::jq;
/// let inputs = serde_json::from_str(r#"{"a": [{"jq": ".x"}], "b": {"jq": ".y", "c": 1}}"#).unwrap();
/// let all = jq::expressions("inputs", &inputs);
/// assert_eq!(all.len(), 1);
/// assert_eq!(all[0].0, "inputs.a[0].jq");
/// ```
pub fn expressions<'v>(prefix: &str, inputs: &'v BTreeMap<String, Value>) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &Value)> =
        inputs.iter().rev().map(|(key, value)| (field::member(prefix, key), value)).collect();
    while let Some((path, value)) = open.pop() {
        if let Some(text) = expression(value) {
            found.push((field::member(&path, "jq"), text));
            continue;
        }
        match value {
            Value::Object(members) => {
                open.extend(members.iter().rev().map(|(key, value)| (field::member(&path, key), value)));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate().rev();
                open.extend(items.map(|(index, value)| (field::item(&path, index), value)));
            }
            _ => {}
        }
    }
    found
}

/// Whether inputs hold an expression.
///
/// ```
/// use ktk_client::api::jq::holds_expression;
/// use serde_json::json;
/// assert!(holds_expression(&[("file".to_owned(), json!([{"jq": ".item"}]))].into()));
/// assert!(!holds_expression(&[("file".to_owned(), json!("a.png"))].into()));
/// ```
pub fn holds_expression(inputs: &BTreeMap<String, Value>) -> bool {
    fn holds(value: &Value) -> bool {
        expression(value).is_some()
            || match value {
                Value::Object(members) => members.values().any(holds),
                Value::Array(items) => items.iter().any(holds),
                _ => false,
            }
    }
    inputs.values().any(holds)
}

/// The inputs with the values of their expressions in place, given in the order of [`expressions`]. Where one is
/// missing, the expression stays.
///
/// ```
/// use ktk_client::api::jq::filled;
/// use serde_json::json;
/// let inputs = [("file".to_owned(), json!({"jq": ".item"})), ("width".to_owned(), json!(200))].into();
/// assert_eq!(filled(&inputs, [json!("a.png")])["file"], "a.png");
/// ```
pub fn filled(
    inputs: &BTreeMap<String, Value>,
    values: impl IntoIterator<Item = Value>,
) -> BTreeMap<String, Value> {
    fn fill(value: &mut Value, values: &mut impl Iterator<Item = Value>) {
        if expression(value).is_some() {
            if let Some(filled) = values.next() {
                *value = filled;
            }
            return;
        }
        match value {
            Value::Object(members) => members.values_mut().for_each(|value| fill(value, values)),
            Value::Array(items) => items.iter_mut().for_each(|value| fill(value, values)),
            _ => {}
        }
    }
    let mut filled = inputs.clone();
    let mut values = values.into_iter();
    filled.values_mut().for_each(|value| fill(value, &mut values));
    filled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Inputs with expressions at any depth, each with a number of its own.
    fn inputs() -> impl Strategy<Value = BTreeMap<String, Value>> {
        let leaf = prop_oneof![
            any::<u8>().prop_map(|n| json!(n)),
            Just(json!({"jq": "."})),
            Just(json!({"jq": ".", "b": 1})),
        ];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        });
        prop::collection::btree_map("[a-c]", value, 0..4)
    }

    proptest! {
        #[test]
        fn each_expression_gets_its_own_value(inputs in inputs()) {
            let fields = expressions("", &inputs);
            prop_assert_eq!(holds_expression(&inputs), !fields.is_empty());
            let numbers = (0..fields.len()).map(|n| json!(format!("value {n}")));
            let filled = json!(filled(&inputs, numbers));
            for (n, (path, _)) in fields.iter().enumerate() {
                let mut path = field::parse(path);
                path.pop();
                let mut at = &filled;
                for segment in path {
                    at = match segment {
                        field::Segment::Key(key) => &at[key],
                        field::Segment::Index(index) => &at[index],
                    };
                }
                prop_assert_eq!(at, &json!(format!("value {n}")));
            }
        }
    }
}
