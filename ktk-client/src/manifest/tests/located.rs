//! Each kind of problem, with its exact line and column.

use super::problems;

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(problems(text), *expected, "{text}");
    }
}

#[test]
fn syntax_errors_and_what_yaml_allows_but_ktk_does_not() {
    check(&[
        (
            "apiVersion: ktk/v1\nmetadata: {name: t\nspec: {type: x}\n",
            "f:3:5: syntax error: while parsing a flow mapping, did not find expected ',' or '}'",
        ),
        ("a: b\n c: d\n", "f:2:3: syntax error: mapping values are not allowed in this context"),
        ("a:\n\tb: c\n", "f:2:2: a tab in the indentation: use spaces"),
        ("a: !!str b\n", TAGGED),
        ("a: *b\n", "f:1:4: there is no anchor of this name before: define it with `&NAME`"),
        ("a: &a [*a]\n", "f:1:8: an alias cannot stand inside what it repeats"),
        ("? [a]\n: b\n", "f:1:3: a key must be a text: quote it"),
        ("- a\n", "f:1:1: an object is a mapping with apiVersion, kind, metadata and spec"),
    ]);
}

const TAGGED: &str = "\
f:1:1: apiVersion: missing: write `apiVersion: ktk/v1`
f:1:1: kind: missing: write `kind: …`, one of Task, Pipeline, Queue, Semaphore or TaskType
f:1:4: tags are not supported: remove \"!!str\"";

#[test]
fn doubled_keys_and_bad_numbers() {
    check(&[
        (
            "apiVersion: ktk/v1\nkind: Task\nspec: {type: x}\nkind: Task\n",
            "f:4:1: key \"kind\" stands twice: remove one",
        ),
        (
            "apiVersion: ktk/v1\nkind: Task\nspec: {type: x, inputs: {a: .inf, b: 18446744073709551616}}\n",
            "f:3:29: JSON has no such number: quote it, if a text is meant\n\
             f:3:38: this number is too large for JSON: quote it, if a text is meant",
        ),
        (
            "apiVersion: ktk/v1\nkind: Task\nspec: {type: x, <<: y}\n",
            "f:3:17: after `<<` comes a mapping or a list of mappings",
        ),
    ]);
}

#[test]
fn kinds_and_versions() {
    check(&[
        ("kind: Task\nspec: {type: x}\n", "f:1:1: apiVersion: missing: write `apiVersion: ktk/v1`"),
        (
            "apiVersion: batch/v1\nkind: Job\n",
            "f:1:13: apiVersion: must be ktk/v1, not \"batch/v1\"\n\
             f:2:7: kind: unknown kind \"Job\": Task, Pipeline, Queue, Semaphore or TaskType",
        ),
        (
            "apiVersion: ktk/v1\nkind: Pipelin\n",
            "f:2:7: kind: unknown kind \"Pipelin\" (did you mean \"Pipeline\"?): Task, Pipeline, Queue, Semaphore or TaskType",
        ),
        (
            "apiVersion: ktk/v1\nkind: Spawner\n",
            "f:2:7: kind: Spawner is not supported by this version: Task, Pipeline, Queue, Semaphore or TaskType",
        ),
        (
            "apiVersion: ktk/v1\nkind: 5\n",
            "f:2:7: kind: must be Task, Pipeline, Queue, Semaphore or TaskType",
        ),
        ("apiVersion: v1\nkind: List\n", "f:1:1: items: a List has its objects here: must be a list"),
        ("apiVersion: ktk/v1\nkind: Task\n", "f:1:1: spec: missing: it says what to do"),
    ]);
}

#[test]
fn unknown_fields_at_every_level() {
    let text = "\
apiVersion: ktk/v1
kind: Pipeline
metadata:
  name: p
  label: {a: b}
spec:
  timeout: 5m
  steps:
    - name: a
      type: x
      affinity: nodes
    - name: b
      run:
        comand: [ls]
    - name: c
      command: [ls]
statsu: {}
";
    let expected = "\
f:5:3: metadata.label: unknown field (did you mean \"labels\"?)
f:11:17: spec.steps[0].affinity: must be execution, not \"nodes\"
f:14:9: spec.steps[1].run.comand: unknown field (did you mean \"command\"?)
f:16:7: spec.steps[2].command: unknown field here: it belongs under `run`
f:17:1: statsu: unknown field (did you mean \"status\"?)";
    check(&[(text, expected)]);
}

#[test]
fn wrong_types_all_at_once() {
    let text = "\
apiVersion: ktk/v1
kind: Task
metadata:
  name: 5
  labels:
    a: true
spec:
  run:
    command: [sleep, 5, ~, [x]]
    env: {A: 1.10, B: yes, C: , D: {fromEnv: X}}
  timeout: 30
  gracePeriod: soon
  priority: high
  runIf: sometimes
  retry: {limit: -1, factor: x, onExitCodes: [a, 75]}
  needs: fetch
  runAfter: tomorrow
";
    let expected = "\
f:4:9: metadata.name: must be a string: quote it: \"5\"
f:6:8: metadata.labels.a: must be a string: quote it: \"true\"
f:9:22: spec.run.command[1]: must be a string: quote it: \"5\"
f:9:25: spec.run.command[2]: must be a string: write \"\" for an empty one
f:9:28: spec.run.command[3]: must be a string, not a list
f:10:14: spec.run.env.A: must be a string: quote it: \"1.10\"
f:10:29: spec.run.env.C: must be a string: write \"\" for an empty one
f:11:12: spec.timeout: must be a duration, as 500ms, 30s, 10m, 1h30m or 2d, not 30
f:12:16: spec.gracePeriod: \"soon\" is no duration: write a number and a unit, as 500ms, 30s, 10m, 1h30m or 2d
f:13:13: spec.priority: must be a whole number from -2147483648 to 2147483647, not \"high\"
f:14:10: spec.runIf: must be one of success, failure, always, not \"sometimes\"
f:15:18: spec.retry.limit: must be a whole number from 0 to 4294967295, not -1
f:15:30: spec.retry.factor: must be a number, not \"x\"
f:15:47: spec.retry.onExitCodes[0]: must be a whole number from -2147483648 to 2147483647, not \"a\"
f:16:10: spec.needs: must be a list, not \"fetch\": write [fetch]
f:17:13: spec.runAfter: must be a time, as 2026-11-22T03:00:00Z, not \"tomorrow\"";
    check(&[(text, expected)]);
}

#[test]
fn commands_in_a_wrong_form_get_the_right_one() {
    let task = |spec: &str| problems(&format!("apiVersion: ktk/v1\nkind: Task\nspec: {spec}\n"));
    for (spec, expected) in [
        (
            "{run: make test}",
            "f:3:13: spec.run: must be a mapping, not \"make test\": write {command: [make, test]}",
        ),
        ("{run: [make]}", "f:3:8: spec.run: must be a mapping, not a list"),
        ("{run: [[make]]}", "f:3:8: spec.run: must be a mapping, not a list"),
        ("[x]", "f:3:1: spec: must be a mapping, not a list"),
        (
            "{run: {command: a | b}}",
            "f:3:23: spec.run.command: must be a list, not \"a | b\": write [sh, -c, \"a | b\"]",
        ),
        ("work", "f:3:7: spec: must be a mapping, not \"work\""),
    ] {
        assert_eq!(task(spec), expected);
    }
}

#[test]
fn a_list_is_no_mapping_even_where_its_items_would_fit() {
    check(&[(
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: []\nspec:\n  defaults: [q]\n  steps:\n  - [a]\n  - {name: b, type: x, retry: [1]}\n",
        "f:3:1: metadata: must be a mapping, not a list\n\
         f:5:3: spec.defaults: must be a mapping, not a list\n\
         f:7:5: spec.steps[0]: must be a mapping, not a list\n\
         f:8:24: spec.steps[1].retry: must be a mapping, not a list",
    )]);
}

#[test]
fn what_only_the_server_sets() {
    check(&[(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {id: 5, restart: {}, name: t}\nspec: {type: x}\nstatus: {phase: 1}\n",
        "f:3:12: metadata.id: only the server sets this: remove it\n\
         f:3:19: metadata.restart: only the server sets this: remove it\n\
         f:5:1: status: only the server sets this: remove it",
    )]);
}

#[test]
fn names_graphs_and_templates() {
    let text = "\
apiVersion: ktk/v1
kind: Pipeline
metadata: {name: Night_ly}
spec:
  params: {date: x}
  steps:
    - name: a
      needs: [b]
      run:
        command: [echo, \"{{ params.dat }}\"]
    - name: b
      type: x
      needs:
        - a
        - c
    - name: b
      run: {command: [sh, -c, 'echo {{ params.date }}'], env: {KTK_X: \"\"}}
    - name: d
";
    let expected = "\
f:3:18: metadata.name: name \"Night_ly\" is not valid: lower-case letters, digits and `-`, a letter or digit first and last; write \"night-ly\"
f:8:15: spec.steps[0].needs[0]: cycle: a → b → a (each needs the next): remove one of these needs
f:10:25: spec.steps[0].run.command[1]: {{ params.dat }}: there is no \"dat\" in params (did you mean \"date\"?); it has date
f:15:11: spec.steps[1].needs[1]: there is no step \"c\"
f:16:13: spec.steps[2].name: step \"b\" has the name of step 2 already: give it another
f:17:31: spec.steps[2].run.command[2]: a value must not become shell text: write \"$1\" here and put the reference after the script, behind one argument for $0, or pass it by env
f:17:71: spec.steps[2].run.env.KTK_X: variables that begin with KTK_ are ktk's own: rename \"KTK_X\"
f:18:7: spec.steps[3]: does nothing: give it `run` (a process), `http` (a request), `type` (a handler) or `external`";
    check(&[(text, expected)]);
}

#[test]
fn columns_count_characters_and_control_characters_are_escaped() {
    check(&[(
        "{\"apiVersion\": \"ktk/v1\", \"kind\": \"Task\",\n\t\"metadata\": {\"annotations\": {\"a\": \"äöü🎵\"}, \"name\": \"x\\u001b[2J\"},\n\t\"spec\": {\"type\": \"x\"}}",
        "f:2:53: metadata.name: name \"x\\u{1b}[2J\" holds the control character `\\u{1b}`: remove it",
    )]);
}

#[test]
fn a_flood_is_cut() {
    let mut text = "apiVersion: ktk/v1\nkind: Task\nspec:\n  type: x\n".to_owned();
    (0..80).for_each(|n| text.push_str(&format!("  xyz{n}: 1\n")));
    let found = problems(&text);
    assert_eq!(found.lines().count(), 51);
    assert!(found.ends_with("and at least 30 more problems"), "{found}");
}
