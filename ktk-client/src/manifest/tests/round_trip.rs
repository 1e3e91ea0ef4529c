//! What is written as YAML is read back as it was.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The value of a text, through the reader of manifests.
fn value_of(text: &str) -> Value {
    let mut problems = Problems::default();
    let wrapped = format!("v:\n{}", text.lines().map(|line| format!("  {line}\n")).collect::<String>());
    let roots = tree::read(&Source { name: "f", text: &wrapped }, &mut problems);
    assert!(problems.list.is_empty(), "{problems}\n{wrapped}");
    roots[0].to_json(true)["v"].clone()
}

fn read_back(value: &Value) -> Value {
    let mut problems = Problems::default();
    let text = to_yaml(value);
    let roots = tree::read(&Source { name: "f", text: &text }, &mut problems);
    assert!(problems.list.is_empty(), "{problems}\n{text}");
    roots.first().map_or(Value::Null, |root| root.to_json(true))
}

#[test]
fn texts_that_yaml_would_misread_are_quoted() {
    for text in [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "~",
        "null",
        "true",
        "007",
        "1_000",
        "1e3",
        "0x1f",
        "12:30",
        "2026-11-22",
        "<<",
        "=",
        "- x",
        "a: b",
        "a #b",
        "#x",
        "&a",
        "*a",
        "!x",
        "%x",
        "@x",
        "",
        " lead",
        "trail ",
        "x:",
        "---",
        "...",
        "?",
        "\u{feff}x",
        "\u{0}",
        "\u{85}",
        "\r\n",
    ] {
        let yaml = to_yaml(&json!({ "k": text }));
        assert!(yaml.starts_with("k: \"") || yaml.starts_with("k: '"), "{yaml}");
        assert_eq!(read_back(&json!({ "k": text })), json!({ "k": text }));
    }
    assert_eq!(to_yaml(&json!({"b": [1, {"c": "x y"}], "e": {}})), "b:\n- 1\n- c: x y\ne: {}\n");
    assert_eq!(value_of("a: yes\nb: |\n  x\n  y\n"), json!({"a": "yes", "b": "x\ny\n"}));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ \t\n\r:#'\"|>&*!%@`{}\\[\\],?~=<.0-9a-fnyx\\\\-]{0,12}", "[a-z\n ]{0,40}"]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON's", |number| number.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_read_back(value in prop::collection::btree_map(text(), json_value(), 0..4)) {
        let value = Value::Object(value.into_iter().collect());
        prop_assert_eq!(read_back(&value), value);
    }

    #[test]
    fn compact_and_pretty_json_are_yaml_too(value in prop::collection::btree_map(text(), json_value(), 0..4)) {
        let value = Value::Object(value.into_iter().collect());
        for text in [value.to_string(), format!("{value:#}")] {
            let mut problems = Problems::default();
            let roots = tree::read(&Source { name: "f", text: &text }, &mut problems);
            prop_assert!(problems.list.is_empty(), "{}\n{}", problems, text);
            prop_assert_eq!(roots[0].to_json(true), value.clone());
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_an_error(text in text()) {
        let _ = read(&Source { name: "f", text: &text });
        let _ = read(&Source { name: "f", text: &format!("apiVersion: ktk/v1\nkind: Task\nspec: {text}\n") });
    }
}
