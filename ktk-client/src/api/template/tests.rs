use proptest::prelude::*;
use serde_json::json;

use super::*;

fn map(value: Value) -> BTreeMap<String, Value> {
    serde_json::from_value(value).expect("an object")
}

fn params() -> BTreeMap<String, Value> {
    map(json!({"date": "2026-11-22", "n": 7, "list": ["a", {"x": true}], "a": {"b": null, "c-d": 1.5}}))
}

fn run(command: &[&str]) -> RunSpec {
    RunSpec { command: command.iter().map(|text| (*text).to_owned()).collect(), ..RunSpec::default() }
}

fn rendered(text: &str) -> Result<String, Cause> {
    render(&run(&["echo", text]), &params(), &map(json!({"file": "f.txt"}))).map(|run| run.command[1].clone())
}

#[test]
fn references_are_filled_in() {
    for (text, expected) in [
        ("{{ params.date }}", "2026-11-22"),
        ("{{params.date}}/{{  inputs.file}}", "2026-11-22/f.txt"),
        ("{{ params.n }}", "7"),
        ("{{ params.list }}", r#"["a",{"x":true}]"#),
        ("{{ params.list.0 }}{{ params.list.1.x }}", "atrue"),
        ("{{ params.a.b }} {{ params.a.c-d }}", "null 1.5"),
        (r#"{"day":{{ params.n }}}"#, r#"{"day":7}"#),
        ("{{{ params.n }}}", "{7}"),
        ("{{ x {{ params.n }} }}", "{{ x 7 }}"),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn other_braces_are_left_alone() {
    for text in [
        "{{ .State.Status }}",
        "{{ steps.a }}",
        "{{params}}",
        "{{}}",
        "}} {{",
        "{{ params.date",
        "${{ github.ref }}",
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(text));
    }
}

#[test]
fn unknown_names_are_refused_with_the_field_and_the_names_there_are() {
    for (text, message) in [
        (
            "{{ params.dat }}",
            "{{ params.dat }}: there is no \"dat\" in params (did you mean \"date\"?); it has a, date, list, n",
        ),
        ("{{ params.a.x }}", "{{ params.a.x }}: there is no \"x\" in params.a; it has b, c-d"),
        ("{{ params.list.2 }}", "{{ params.list.2 }}: params.list is a list of 2"),
        ("{{ params.n.x }}", "{{ params.n.x }}: params.n is neither an object nor a list"),
        ("{{ inputs.nosuch }}", "{{ inputs.nosuch }}: there is no \"nosuch\" in inputs; it has file"),
    ] {
        assert_eq!(rendered(text), Err(Cause::new("spec.run.command[1]", message)), "{text}");
    }
    for text in [
        "{{ params. }}",
        "{{ params.date | upper }}",
        "{{ params.date.}}",
        "{{ params.a b }}",
        "{{ params.list.-1 }}",
    ] {
        assert!(rendered(text).is_err(), "{text}");
    }
}

#[test]
fn every_wrong_reference_is_reported_with_its_field() {
    let mut run = run(&["echo", "{{ params.x }}{{ inputs.y }}", "{{ params.n }}"]);
    run.env.insert("A".into(), "{{ params.z }}".into());
    run.stdin = Some("{{ params.nothing }}".into());
    run.working_dir = Some("/srv/{{ params.nothing }}".into());
    let causes = check(&run, "spec.steps[3].run", &params(), &BTreeMap::new());
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(
        fields,
        ["spec.steps[3].run.command[1]", "spec.steps[3].run.command[1]", "spec.steps[3].run.env.A"]
    );
    assert!(causes[1].message.contains("there is nothing in inputs"), "{causes:?}");
}

#[test]
fn a_reference_in_shell_text_is_refused_with_advice() {
    for (command, index) in [
        (&["sh", "-c", "echo {{ params.date }}"][..], 2),
        (&["env", "-i", "X=1", "bash", "-euo", "pipefail", "-c", "echo {{ inputs.file }}"], 7),
        (&["/usr/bin/env", "-S", "sh -c 'echo {{ params.date }}'"], 2),
    ] {
        let causes = check(&run(command), "spec.run", &params(), &map(json!({"file": "x"})));
        assert_eq!(causes.len(), 1, "{causes:?}");
        assert_eq!(causes[0].field, format!("spec.run.command[{index}]"));
        assert!(causes[0].message.contains("\"$1\""));
    }
    let fine = run(&["sh", "-c", "echo \"$1\" {{ .other }}", "sh", "{{ params.date }}"]);
    assert_eq!(check(&fine, "spec.run", &params(), &BTreeMap::new()), []);
}

#[test]
fn a_shell_that_a_value_names_is_a_shell_too() {
    let params = map(json!({"shell": "bash", "flag": "-c", "x": "id"}));
    for command in
        [["{{ params.shell }}", "-c", "{{ params.x }}"], ["sh", "{{ params.flag }}", "{{ params.x }}"]]
    {
        let causes = check(&run(&command), "spec.run", &params, &BTreeMap::new());
        assert!(causes.iter().any(|cause| cause.field == "spec.run.command[2]"), "{causes:?}");
        assert!(render(&run(&command), &params, &BTreeMap::new()).is_err());
    }
}

#[test]
fn what_grows_too_large_or_holds_nul_is_refused() {
    let params = map(json!({"big": "x".repeat(1 << 20), "nul": "a\u{0}b"}));
    let big = "{{ params.big }}".repeat(3);
    assert!(
        render(&run(&["echo", &big]), &params, &BTreeMap::new())
            .expect_err("3 MiB")
            .message
            .contains("more than")
    );
    assert!(render(&run(&["echo", "{{ params.nul }}"]), &params, &BTreeMap::new()).is_err());
}

#[test]
fn messages_hold_no_control_characters() {
    let params = map(json!({"a\u{1b}[2J": 1}));
    let causes = check(&run(&["echo", "{{ params.x\u{7} }}"]), "spec.run", &params, &BTreeMap::new());
    assert!(!causes[0].message.contains(char::is_control), "{causes:?}");
    assert!(causes[0].message.contains("\\u{1b}") && causes[0].message.contains("\\u{7}"), "{causes:?}");
}

proptest! {
    #[test]
    fn a_value_is_filled_in_exactly_and_not_read_again(
        before in "[^{}]{0,6}", value in "[a-z{} .]{0,12}", after in "[^{}]{0,6}",
    ) {
        let params = map(json!({"v": value}));
        let text = format!("{before}{{{{ params.v }}}}{after}");
        let run = render(&run(&["echo", &text]), &params, &BTreeMap::new());
        if !value.contains('\0') && !text.contains('\0') {
            prop_assert_eq!(&run.expect("known").command[1], &format!("{before}{value}{after}"));
        }
    }

    #[test]
    fn text_without_the_two_roots_never_changes(text in "[{} a-z.]{0,30}") {
        prop_assume!(!text.contains("params") && !text.contains("inputs"));
        prop_assert_eq!(rendered(&text), Ok(text));
    }
}
