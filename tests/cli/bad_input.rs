//! Bad input: a message that names the thing, the documented code, and nothing changed.

use ktk_tests::Place;

use crate::manifests::task;

/// A manifest whose aliases stand for a thousand million values.
fn alias_bomb() -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{before}]\n");
    }
    text + "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: bomb}\nspec: {run: {command: *a8}}\n"
}

#[test]
fn bombs_are_refused_at_once() {
    let place = Place::started();
    place.file("bomb.yaml", alias_bomb());
    place.ktk("create -f bomb.yaml").code(7).says("bomb.yaml");
    place.file("deep.yaml", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    place.ktk("create -f deep.yaml").code(7).says("deep.yaml");
    place.file("deep.json", format!("{{\"kind\": {}", "[".repeat(100_000)));
    place.ktk("create -f deep.json").code(7).says("deep.json");
    let large = task("large", &format!("[echo, '{}']", "x".repeat(20 << 20)));
    place.file("large.yaml", large);
    let output = place.ktk("create -f large.yaml");
    assert!(matches!(output.code, 1 | 7), "{}", output.code);
    assert!(output.stderr.len() < 2_000, "{} bytes of message", output.stderr.len());
    assert_eq!(place.ok("get all -o name"), "");
}

#[test]
fn what_a_request_may_nest_a_manifest_may_too() {
    let place = Place::started();
    let nested = |name: &str, deep: usize| {
        let inputs = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        task(name, "['true']").replace("spec:\n", &format!("spec:\n  inputs: {{a: {inputs}}}\n"))
    };
    // The manifest itself, its spec and its inputs are three levels.
    place.file("one.yaml", nested("one", 117));
    place.ok("create -f one.yaml");
    place.file("two.yaml", format!("{}---\n{}", nested("two", 117), nested("three", 117)));
    place.ok("create -f two.yaml");
    place.file("deeper.yaml", nested("deeper", 118));
    place.ktk("create -f deeper.yaml").code(7).says("nests deeper than 120 levels");
    assert_eq!(place.ok("get tasks -o name"), "task/one\ntask/three\ntask/two\n");
}

#[test]
fn names_are_checked() {
    let place = Place::started();
    for name in ["Upper", "a.b", "a/b", "-a", "a\u{1b}[31m", "a\u{202e}b", "ä", &"x".repeat(64)] {
        let output = place.typed(&format!("run --name '{name}' -- true")).output();
        assert!(matches!(output.code, 2 | 7 | 125), "{name:?}: {}", output.transcript());
        assert!(
            !output.stderr.contains('\u{1b}') && !output.stderr.contains('\u{202e}'),
            "{:?}",
            output.stderr
        );
        let output = place.ktk(&format!("create task '{name}' -- true"));
        assert!(matches!(output.code, 2 | 7), "{name:?}: {}", output.transcript());
        let stderr = output.stderr.replace(name, "NAME");
        assert!(
            stderr.starts_with("Error from server (Invalid): ") || stderr.starts_with("error: "),
            "{stderr}"
        );
    }
    assert_eq!(place.ok("get tasks -o name"), "");
}

#[test]
fn references_that_fit_nothing_or_several() {
    let place = Place::started();
    for name in ["a", "b"] {
        place.ok(&format!("run --name {name} -- true"));
    }
    let digest = place.field("task", "a", "/metadata/digest");
    let by = |reference: &str| place.ktk(&format!("get task {reference} -o name"));
    by(&digest[..12]).is(0, "task/a\n", "");
    by(&place.field("task", "b", "/metadata/id")).is(0, "task/b\n", "");
    by(&place.field("task", "b", "/metadata/humanName")).is(0, "task/b\n", "");
    by("b@1").is(0, "task/b\n", "");
    by("b@7").code(3);
    by("ffffffffffff").code(3);
}

#[test]
fn values_that_make_no_sense() {
    let place = Place::started();
    for line in [
        "run --timeout soon -- true",
        "run --retry -1 -- true",
        "run --label =x -- true",
        "run --run-after yesterday -- true",
        "run",
        "run -f x.yaml -- true",
        "wait x --timeout never",
        "logs",
        "get tasks --limit",
        "restart x --cascade some",
        "get tasks -l a=b --color pink",
    ] {
        let output = place.ktk(line);
        assert_eq!(output.code, 2, "{}", output.transcript());
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{}", output.transcript());
    }
    assert_eq!(place.ok("get tasks -o name"), "");
}

#[test]
fn an_empty_name_is_wrong_usage_and_asks_nobody() {
    let place = Place::new();
    for line in [
        "wait ''",
        "get task ''",
        "restart ''",
        "cancel x ''",
        "describe task ''",
        "delete task ''",
        "logs ''",
    ] {
        place.ktk(line).is(2, "", "error: one of the arguments is empty\n");
    }
    assert!(!place.data().exists());
}
