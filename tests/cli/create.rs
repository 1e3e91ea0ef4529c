//! `ktk create`: all is read and checked first, then sent in the order of needs.

use ktk_tests::Place;

use crate::manifests::{BROKEN, task};

#[test]
fn a_task_from_the_command_line() {
    let place = Place::started();
    place.ktk("create task one --label a=b -- sh -c 'exit 3'").is(0, "task/one created\n", "");
    place.ktk("wait one").code(1);
    assert_eq!(place.field("task", "one", "/metadata/labels/a"), "b");
    assert_eq!(place.field("task", "one", "/status/exitCode"), "3");
    place.ktk("create task two").code(2);
    let made = place.ktk("create task three -o json -- true").code(0).json();
    assert_eq!(made["created"], true);
}

#[test]
fn files_directories_and_standard_input() {
    let place = Place::started();
    place.file("many/b.yaml", task("b", "['true']").replace("spec:\n", "spec:\n  needs: [a]\n"));
    place.file("many/a.yml", task("a", "['true']"));
    place.file("many/notes.txt", "not a manifest: [");
    place.file("many/deeper/c.yaml", task("c", "['true']"));
    let two = format!("{}---\n{}", task("x", "['true']"), BROKEN);
    place.file("two.yaml", two);
    place.ktk("create -f many -f two.yaml").is(
        0,
        "task/a created\ntask/b created\ntask/x created\npipeline/p created\n",
        "",
    );
    place.ktk("create -f many/deeper -R").is(0, "task/c created\n", "");
    let typed = place.typed("create -f -").stdin(task("y", "['true']")).output();
    typed.is(0, "task/y created\n", "");
    let json = r#"{"apiVersion": "ktk/v1", "kind": "Task", "metadata": {"name": "j"}, "spec": {"run": {"command": ["true"]}}}"#;
    place.file("j.json", json);
    place.ktk("create -f j.json -o name").is(0, "task/j\n", "");
    place.ktk("create -f nothing.yaml").code(1).says("\"nothing.yaml\" does not exist");
}

#[test]
fn one_bad_document_and_nothing_is_sent() {
    let place = Place::started();
    place.file(
        "m.yaml",
        format!("{}---\n{}", task("one", "['true']"), task("two", "['true']").replace("command", "comand")),
    );
    place.ktk("create -f m.yaml").is(
        7,
        "",
        "error: m.yaml:11:9: spec.run.comand: unknown field (did you mean \"command\"?)\n",
    );
    place.file("good.yaml", task("three", "['true']"));
    place.ktk("create -f good.yaml -f m.yaml").code(7);
    assert_eq!(place.ok("get tasks -o name"), "");
}

#[test]
fn what_only_the_server_refuses_fails_that_document_alone() {
    let place = Place::started();
    place.ok("create task one -- true");
    place.file("m.yaml", format!("{}---\n{}", task("one", "['true']"), task("two", "['true']")));
    let output = place.ktk("create -f m.yaml").code(5);
    output.prints("task/two created\n").says("task \"one\" already exists");
    place.file("needs.yaml", task("late", "['true']").replace("spec:\n", "spec:\n  needs: [nobody]\n"));
    let output = place.ktk("create -f needs.yaml");
    assert!(matches!(output.code, 3 | 7), "{}", output.transcript());
    output.says("nobody");
}

#[test]
fn problems_have_file_line_and_column() {
    let place = Place::started();
    let pipeline = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: x}\nspec:\n  steps:\n";
    let step = |name: &str, need: &str| {
        format!("    - {{name: {name}, needs: [{need}], run: {{command: [echo]}}}}\n")
    };
    for (name, text, stderr) in [
        (
            "cycle.yaml",
            format!("{pipeline}{}{}", step("a", "b"), step("b", "a")),
            "error: cycle.yaml:6:25: spec.steps[0].needs[0]: cycle: a → b → a (each needs the next): remove one of these needs\n",
        ),
        (
            "missing.yaml",
            format!("{pipeline}{}", step("a", "nope")),
            "error: missing.yaml:6:25: spec.steps[0].needs[0]: there is no step \"nope\"\n",
        ),
        (
            "double.yaml",
            format!("{pipeline}{}{}", step("a", ""), step("a", "")),
            "error: double.yaml:7:14: spec.steps[1].name: step \"a\" has the name of step 1 already: give it another\n",
        ),
        (
            "syntax.yaml",
            "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: one\nspec: 1\n".to_owned(),
            "error: syntax.yaml:4:5: syntax error: while parsing a flow mapping, did not find expected ',' or '}'\n",
        ),
        (
            "type.yaml",
            task("one", "['true']").replace("spec:\n", "spec:\n  priority: high\n"),
            "error: type.yaml:5:13: spec.priority: must be a whole number from -2147483648 to 2147483647, not \"high\"\n",
        ),
    ] {
        place.file(name, text);
        let output = place.ktk(&format!("create -f {name}"));
        output.is(7, "", stderr);
    }
    assert_eq!(place.ok("get all -o name"), "");
}

#[test]
fn all_problems_are_told_at_once() {
    let place = Place::started();
    let text =
        task("one", "[true]").replace("spec:\n", "spec:\n  nosuch: 1\n  priority: high\n  timeout: soon\n");
    place.file("m.yaml", text);
    let output = place.ktk("create -f m.yaml").code(7);
    for part in ["m.yaml:5:", "m.yaml:6:", "m.yaml:7:", "m.yaml:8:"] {
        assert!(output.stderr.contains(part), "{part} is not in\n{}", output.stderr);
    }
}
