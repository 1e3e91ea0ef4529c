mod bombs;
mod located;
mod order;
mod round_trip;

use super::*;

/// The problems of a text, one a line.
fn problems(text: &str) -> String {
    match read(&Source { name: "f", text }) {
        Err(error) => error.to_string(),
        Ok(documents) => panic!("{} documents in order", documents.len()),
    }
}

fn documents(text: &str) -> Vec<Document> {
    read(&Source { name: "f", text }).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn yaml_and_json_give_the_same_objects() {
    let yaml = "\
apiVersion: ktk/v1
kind: Pipeline
metadata: {name: nightly, labels: {team: media}, annotations: }
spec:
  params: {date: \"2026-11-21\", nothing: ~}
  defaults: {timeout: 5m, retry: {limit: 1}}
  maxParallel: 8
  failFast: false
  steps:
    - {name: extract, run: {command: [./extract, \"{{ params.date }}\"]}}
    - name: publish
      needs: [extract]
      runIf: always
      inputs: {a: [1, 2.5, true, ~, yes, 007]}
      type: resize
";
    let json = r#"{"apiVersion":"ktk/v1","kind":"Pipeline","metadata":{"name":"nightly","labels":{"team":"media"}},
	"spec":{"params":{"date":"2026-11-21","nothing":null},"defaults":{"timeout":"5m","retry":{"limit":1}},
	"maxParallel":8,"failFast":false,"steps":[
		{"name":"extract","run":{"command":[".\/extract","{{ params.date }}"]}},
		{"name":"publish","needs":["extract"],"runIf":"always",
			"inputs":{"a":[1,2.5,true,null,"yes","007"]},"type":"resize"}]}}"#;
    let (yaml, json) = (documents(yaml), documents(json));
    assert_eq!(yaml[0].value, json[0].value);
    let crlf =
        documents("apiVersion: ktk/v1\r\nkind: Task\r\nmetadata:\r\n  name: t\r\nspec:\r\n  type: x\r\n");
    assert_eq!(crlf[0].value.metadata().name(), "t");
    assert_eq!(documents("\u{feff}{apiVersion: ktk/v1, kind: Task, spec: {type: x}}").len(), 1);
}

#[test]
fn documents_and_lists_are_read_in_turn() {
    let text = "\
# first
---
apiVersion: ktk/v1
kind: Task
metadata: {name: a}
spec: {type: x}
---
---
apiVersion: v1
kind: List
items:
- apiVersion: ktk/v1
  kind: Task
  metadata: {name: b}
  spec: {type: x}
- {apiVersion: ktk/v1, kind: Task, metadata: {name: c}, spec: {type: x}}
...
";
    let documents = documents(text);
    let seen: Vec<_> =
        documents.iter().map(|document| (document.value.metadata().name(), document.line)).collect();
    assert_eq!(seen, [("a", 3), ("b", 12), ("c", 16)]);
    assert_eq!(documents[1].locate("spec.type"), (15, 16));
}

#[test]
fn nothing_to_read_is_an_error_of_its_own() {
    for text in [
        "",
        "\n\n",
        "# comment\n",
        "---\n---\n",
        "---\n# x\n...\n",
        "{apiVersion: v1, kind: List, items: []}",
    ] {
        let error = read(&Source { name: "STDIN", text }).expect_err(text);
        assert!(matches!(error, ReadError::NoObjects { .. }), "{text:?}: {error}");
        assert_eq!(error.to_string(), "STDIN: no objects");
    }
}

#[test]
fn what_is_in_order_is_given_beside_the_problems() {
    let good = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: a}\nspec: {type: x}\n";
    let text = format!("{good}---\n{}", good.replace("type", "tpye"));
    let Err(ReadError::Problems(problems)) = read(&Source { name: "f", text: &text }) else {
        panic!("a typo")
    };
    assert_eq!(problems.documents.len(), 1);
    assert_eq!(problems.list.len(), 1);
    assert_eq!(problems.list[0].field, "spec.tpye");
}

#[test]
fn anchors_and_merges_are_filled_in() {
    let text = "\
apiVersion: ktk/v1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
    - &first {name: a, type: x, priority: 5}
    - {<<: *first, name: b, priority: 7}
    - {<<: [{queue: slow}, *first], name: c, needs: [b]}
";
    let Manifest::Pipeline(pipeline) = &documents(text)[0].value else { panic!("a pipeline") };
    let steps = &pipeline.spec.steps;
    assert_eq!(
        (steps[1].name.as_str(), steps[1].priority, steps[1].type_name.as_deref()),
        ("b", Some(7), Some("x"))
    );
    assert_eq!((steps[2].queue.as_deref(), steps[2].priority), (Some("slow"), Some(5)));
}

#[test]
fn a_cause_of_the_server_finds_its_line() {
    let text = "\
apiVersion: ktk/v1
kind: Task
metadata:
  name: t
  labels:
    a.b/c: d
spec:
  needs: [x, y]
  run:
    command:
      - ls
      - -l
    env: {A: b}
";
    let documents = documents(text);
    for (field, place) in [
        ("metadata.name", (4, 9)),
        ("metadata.labels", (5, 3)),
        ("metadata.labels[\"a.b/c\"]", (6, 12)),
        ("spec", (7, 1)),
        ("spec.needs[1]", (8, 14)),
        ("spec.run", (9, 3)),
        ("spec.run.command[1]", (12, 9)),
        ("spec.run.command[9]", (10, 5)),
        ("spec.run.env.A", (13, 14)),
        ("spec.queue", (7, 1)),
        ("", (1, 1)),
        ("nonsense[", (1, 1)),
    ] {
        assert_eq!(documents[0].locate(field), place, "{field}");
    }
    let cause = crate::api::Cause::new("spec.needs[1]", "no task \"y\"");
    assert_eq!(documents[0].problem(&cause).to_string(), "f:8:14: spec.needs[1]: no task \"y\"");
}

#[test]
fn ten_thousand_steps_are_read() {
    let mut text = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n".to_owned();
    for n in 0..10_000 {
        let need = if n > 0 { format!("s{}", n - 1) } else { String::new() };
        text.push_str(&format!(
            "  - name: s{n}\n    needs: [{need}]\n    run: {{command: [work, \"{n}\"]}}\n"
        ));
    }
    let Manifest::Pipeline(pipeline) = &documents(&text)[0].value else { panic!("a pipeline") };
    assert_eq!(pipeline.spec.steps.len(), 10_000);
}
