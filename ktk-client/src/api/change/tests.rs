use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::task::{RetrySpec, RunSpec};

fn changes(pairs: &[(&str, Value)]) -> Changes {
    pairs.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect()
}

fn applied(pairs: &[(&str, Value)]) -> Result<TaskSpec, Vec<String>> {
    let mut spec = TaskSpec::command(["convert", "a"]);
    spec.inputs = [("width".to_owned(), json!(200)), ("deep".to_owned(), json!({"list": [1, 2]}))].into();
    apply(&spec, &changes(pairs))
        .map_err(|causes| causes.into_iter().map(|c| format!("{}: {}", c.field, c.message)).collect())
}

#[test]
fn fields_of_every_depth_are_set() {
    let spec = applied(&[
        ("inputs.width", json!(100)),
        ("inputs.deep.list[1]", json!("two")),
        ("inputs.new.part", json!(null)),
        ("run.env.RETRY", json!("1")),
        ("run.command[1]", json!("b")),
        ("retry.limit", json!(3)),
        ("timeout", json!("10m")),
    ])
    .unwrap();
    assert_eq!(
        spec.inputs,
        [
            ("width".to_owned(), json!(100)),
            ("deep".to_owned(), json!({"list": [1, "two"]})),
            ("new".to_owned(), json!({"part": null})),
        ]
        .into()
    );
    let run = spec.run.unwrap();
    assert_eq!((run.command[1].as_str(), run.env["RETRY"].as_text()), ("b", Some("1")));
    assert_eq!(spec.retry.unwrap().limit, Some(3));
    assert_eq!(spec.timeout.unwrap().to_string(), "10m");
}

#[test]
fn null_takes_an_optional_field_away() {
    let spec = applied(&[("timeout", json!("10m"))]).unwrap();
    let spec = apply(&spec, &changes(&[("timeout", json!(null))])).unwrap();
    assert_eq!(spec.timeout, None);
}

#[test]
fn what_is_no_field_is_refused_with_its_path() {
    let refused = |path: &str, value| applied(&[(path, value)]).unwrap_err().join("; ");
    assert_eq!(refused("input.width", json!(1)), "input: is no field of a task's spec");
    assert_eq!(refused("run.comand", json!(["x"])), "run.comand: is no field of a task's spec");
    assert_eq!(refused("inputs..x", json!(1)), "inputs..x: is no path of a field: write it as inputs.width");
    assert_eq!(refused("", json!(1)), ": is no path of a field: write it as inputs.width");
    assert_eq!(refused("run.command[7]", json!("x")), "run.command[7]: the list has 2 items");
    assert!(refused("timeout.x", json!(1)).starts_with("timeout: invalid type: map"));
    assert!(refused("run.env.X", json!(1)).starts_with("run.env.X: invalid type"));
    assert!(refused("needs", json!([])).contains("cannot change by a restart"));
    assert!(refused("runIf", json!("always")).contains("cannot change by a restart"));
}

#[test]
fn each_wrong_value_is_told() {
    let refused = applied(&[
        ("nosuch", json!(1)),
        ("priority", json!("high")),
        ("timeout", json!("-5s")),
        ("deadline", json!("99999999d")),
        ("run.comand", json!(["x"])),
        ("inputs.width", json!(100)),
        ("needs", json!([])),
    ])
    .unwrap_err();
    let fields: Vec<&str> = refused.iter().filter_map(|cause| cause.split(':').next()).collect();
    assert_eq!(fields, ["deadline", "needs", "nosuch", "priority", "run.comand", "timeout"], "{refused:?}");
}

#[test]
fn what_is_sound_can_be_made() {
    let spec = TaskSpec::command(["convert"]);
    let sound = sound(&spec, &changes(&[("timeout", json!("x")), ("priority", json!(3)), ("no", json!(1))]));
    assert_eq!(apply(&spec, &sound).unwrap().priority, Some(3));
    // Each alone is refused, both together are fine.
    let both = changes(&[("run", json!(null)), ("type", json!("resize"))]);
    assert!(apply(&spec, &both).is_ok());
}

fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..4u8).prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c .]{1,2}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn spec()(
        command in prop::collection::vec("[a-c]{1,2}", 1..3),
        env in prop::collection::btree_map("[A-C.]{1,2}", "[a-c]{0,2}", 0..3),
        inputs in prop::collection::btree_map("[a-c.]{1,2}", value(), 0..3),
        timeout in prop::option::of(1..5u64),
        limit in prop::option::of(prop::option::of(0..5u32)),
        stdin in prop::option::of("[a-c]{0,2}"),
    ) -> TaskSpec {
        TaskSpec {
            run: Some(RunSpec { command, env: env.into_iter().map(|(name, value)| (name, value.into())).collect(), working_dir: None, stdin }),
            inputs,
            timeout: timeout.map(|s| crate::api::Duration::new(std::time::Duration::from_secs(s))),
            retry: limit.map(|limit| RetrySpec { limit, ..RetrySpec::default() }),
            ..TaskSpec::default()
        }
    }
}

proptest! {
    #[test]
    fn the_difference_makes_one_of_the_other(old in spec(), new in spec()) {
        let changes = between(&old, &new);
        prop_assert_eq!(changes.is_empty(), old == new);
        prop_assert_eq!(apply(&old, &changes), Ok(new.clone()));
        // A cascade makes the changes of its parent once more.
        prop_assert_eq!(apply(&new, &changes), Ok(new));
    }
}

#[test]
fn a_body_is_the_users_own() {
    let of = |body: Value| TaskSpec {
        http: Some(crate::api::http::HttpSpec {
            url: "https://h".into(),
            headers: [("A".to_owned(), "b".to_owned())].into(),
            body: Some(body).filter(|body| !body.is_null()),
            ..Default::default()
        }),
        ..TaskSpec::default()
    };
    let bodies = [
        json!(null),
        json!({}),
        json!("text"),
        json!({"a": null}),
        json!({"a": {"b": 1}}),
        json!({"c": [1]}),
        json!([]),
    ];
    for (old, new) in bodies.iter().flat_map(|old| bodies.iter().map(move |new| (old, new))) {
        let (old, new) = (of(old.clone()), of(new.clone()));
        assert_eq!(apply(&old, &between(&old, &new)), Ok(new));
    }
    let mut bare = of(json!("text"));
    bare.http.as_mut().unwrap().headers.clear();
    let full = of(json!("text"));
    assert_eq!(apply(&full, &between(&full, &bare)), Ok(bare));
}
