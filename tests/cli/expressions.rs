//! Expressions in manifests: `{jq: …}` in inputs, and `when`.

use ktk_tests::Place;

const CHOOSES: &str = "apiVersion: ktk/v1
kind: Pipeline
metadata: {name: p}
spec:
  params: {limit: 1}
  steps:
    - name: list
      run: {command: [sh, -c, 'echo \"{\\\"files\\\": [\\\"a\\\", \\\"b\\\"]}\" >$KTK_OUTPUT']}
    - name: show
      needs: [list]
      inputs: {last: {jq: \".list.files[-1]\"}, count: {jq: \".list.files | length\"}}
      run: {command: [sh, -c, 'cat $KTK_INPUTS; echo \" $1\"', sh, '{{ inputs.last }}']}
    - name: warn
      needs: [list]
      when: {jq: \"(.list.files | length) < .params.limit\"}
      run: {command: [echo, few]}
    - {name: end, needs: [warn], run: {command: [echo, end]}}
";

#[test]
fn inputs_are_made_of_what_upstream_put_out() {
    let place = Place::started();
    place.file("p.yaml", CHOOSES);
    place.ktk("run -f p.yaml").code(0).says("step warn: Skipped (WhenFalse)\n");
    assert_eq!(place.ok("logs p.show"), "{\"count\":2,\"last\":\"b\"} b\n");
    assert_eq!(place.field("task", "p.show", "/status/inputs/count"), "2");
    assert_eq!(place.field("task", "p.show", "/spec/inputs/count/jq"), ".list.files | length");
    let page = place.ok("describe task/p.show");
    assert!(page.contains("Inputs:          count=2\n                 last=\"b\"\n"), "{page}");
    place.ktk("run -f p.yaml --name q -p limit=5").code(0).says("step warn: Succeeded in");
}

#[test]
fn what_is_no_jq_is_refused_with_its_place() {
    let place = Place::started();
    let broken = CHOOSES.replace("files[-1]", "files[-1").replace("< .params.limit", "< now");
    place.file("p.yaml", broken);
    place.ktk("create -f p.yaml").is(
        7,
        "",
        "Error from server (Invalid): error when creating \"p.yaml:11:27\": Pipeline \"p\" is invalid\n\
         * p.yaml:11:27: spec.steps[1].inputs.last.jq: is no jq: column 15: expected closing bracket, found the end\n\
         * p.yaml:15:18: spec.steps[2].when.jq: is no jq: column 26: now is not there: a filter sees its input alone, \
         and no clock, file or environment\n",
    );
    assert_eq!(place.ok("get all -o name"), "");
    place.file("t.yaml", "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: t}\nspec: {inputs: {a: {jq: 5}}, when: {jq: \"true\"}, run: {command: [\"true\"]}}\n");
    let output = place.ktk("create -f t.yaml").code(7);
    output
        .says("spec.inputs.a.jq: must be a string: a jq expression\n")
        .says("spec.when: is for the steps of a pipeline: remove it, or make a pipeline\n");
}

#[test]
fn a_filter_without_an_end_fails_its_task_alone() {
    let place = Place::started();
    let evil = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: evil}\nspec: {inputs: {a: {jq: \"def f: f; f\"}}, run: {command: [\"true\"]}}\n";
    place.file("evil.yaml", evil);
    place.file(
        "deep.yaml",
        evil.replace("evil", "deep")
            .replace("def f: f; f", "reduce range(60) as $i (\\\"x\\\"; [., .]) | tojson"),
    );
    place.ok("create -f evil.yaml");
    place.ok("create -f deep.yaml");
    place.ktk("run -- echo unharmed").code(0);
    for name in ["evil", "deep"] {
        place.ktk(&format!("wait task/{name}")).code(1);
        assert_eq!(place.field("task", name, "/status/reason"), "InvalidInput");
        let message = place.field("task", name, "/status/message");
        assert!(message.contains("took longer than one second"), "{message}");
    }
    let output = place.ktk("restart evil --set inputs.a={\"jq\":\".[\"}").code(7);
    output.says("inputs.a: is no jq");
    place.ok("restart evil --set inputs.a=1");
    place.ok("wait task/evil");
}
