//! `forEach`: a step that is a task for each value.

use ktk_tests::Place;

const COUNTS: &str = "apiVersion: ktk/v1
kind: Pipeline
metadata: {name: p}
spec:
  params: {files: [a, b, c]}
  steps:
    - name: count
      forEach: {jq: \".params.files[]\", key: {jq: .item}}
      inputs: {file: {jq: .item}, place: {jq: .index}}
      run: {command: [sh, -c, 'echo \"name=$1\" >$KTK_OUTPUT; [ \"$1\" != b ] || test -e $KTK_DIR/b', sh, '{{ inputs.file }}']}
    - name: sum
      needs: [count]
      inputs: {all: {jq: \"[.count[].name] | add\"}}
      run: {command: [sh, -c, 'cat $KTK_INPUTS; cat $KTK_NEEDS']}
";

#[test]
fn one_item_fails_is_restarted_and_lets_its_step_go_on() {
    let place = Place::started();
    place.file("p.yaml", COUNTS);
    let run = place.ktk("run -f p.yaml").code(1);
    run.says("step count.b: Failed").says("step count: UpstreamFailed").says("ktk logs p.count.b");
    let page = place.ok("describe task/p.count");
    assert!(page.contains("Items:        2 of 3 done, 1 failed\n"), "{page}");
    assert!(page.contains("Message:      1 of its 3 items ended without success\n"), "{page}");
    let page = place.ok("describe pipeline/p");
    assert!(page.contains("  count    UpstreamFailed   2/3 items done, 1 failed\n"), "{page}");
    assert!(place.ok("describe task/p.count.b").contains("p (step count, item 1)\n"));
    let why = place.ok("why p.count");
    assert!(why.contains("upstream: task/p.count.b is Failed/ExitCode\n"), "{why}");
    place.ktk("restart p.count").is(
        5,
        "",
        "Error from server (Conflict): p.count@1 waits for its items: p.count.b ended without success\n\
         hint: restart p.count.b, and it goes on by itself; with --force it is expanded again\n",
    );
    place.ktk("restart p.count.b --dry-run").is(
        0,
        "TASK        ACTION     WHY\n\
         p.count.b   restart    failed: exit code 1\n\
         p.count     continue   waits for count.b\n\
         p.sum       continue   was waiting for count\n\
         p.count.a   keep       not affected\n\
         p.count.c   keep       not affected\n",
        "",
    );
    let directory = place.field("pipeline", "p", "/status/directory");
    std::fs::write(format!("{directory}/b"), "").unwrap();
    place.ktk("restart p.count.b").is(0, "task/p.count.b@2 created (restart of p.count.b@1)\n", "");
    place.ktk("wait pipeline/p").is(0, "pipeline/p condition met\n", "");
    let log = place.ok("logs p.sum");
    assert_eq!(log, "{\"all\":\"abc\"}{\"count\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}");
    assert_eq!(place.field("task", "p.count", "/status/outputs/1/name"), "b");
    assert_eq!(place.field("task", "p.count.c", "/metadata/pipeline/index"), "2");
    let tree = place.ok("get pipeline/p -o tree");
    assert!(tree.contains("├─ count.a"), "{tree}");
    assert!(tree.contains("│  └─ count.b@2"), "{tree}");
}

#[test]
fn a_step_waits_for_those_of_its_items_that_have_not_ended() {
    let place = Place::started();
    let wait = "[ \"$1\" = a ] || until test -e $KTK_DIR/go; do sleep 0.05; done";
    let manifest = COUNTS.replace("[ \"$1\" != b ] || test -e $KTK_DIR/b", wait);
    place.file("p.yaml", &manifest);
    place.ok("create -f p.yaml");
    place.ok("wait task/p.count --for=condition=Running --timeout 20s");
    place.ok("wait task/p.count.b --for=condition=Running --timeout 20s");
    place.ok("wait task/p.count.a --timeout 20s");
    let why = place.ok("why p.count");
    assert!(why.starts_with("task/p.count@1 is Running\n  upstream: task/p.count.b is Running\n"), "{why}");
    assert!(why.contains("    until p.count.b succeeds or is skipped\n"), "{why}");
    assert!(!why.contains("p.count.a"), "{why}");
    let directory = place.field("pipeline", "p", "/status/directory");
    std::fs::write(format!("{directory}/go"), "").unwrap();
    place.ktk("wait pipeline/p").code(0);
    place.ktk("why p.count").is(0, "task/p.count@1 is Succeeded\n  it waits for nothing: it has ended\n", "");
}

#[test]
fn a_list_in_place_of_its_values_is_one_item_and_is_told() {
    let place = Place::started();
    let manifest = |name: &str, values: &str| {
        format!(
            "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: {name}}}\nspec:\n  params: {{files: [a, b]}}\n  steps:\n  \
             - {{name: s, forEach: {{jq: '{values}'}}, run: {{command: ['true']}}}}\n"
        )
    };
    place.file("p.yaml", manifest("p", ".params.files"));
    place.ok("run -f p.yaml");
    let told = "1 item: 1 new; it is a list: with `[]` behind it, the expression yields each of its values\n";
    assert!(place.ok("describe task/p.s").contains(told));
    place.file("q.yaml", manifest("q", ".params.files[]"));
    place.ok("run -f q.yaml");
    assert!(place.ok("describe task/q.s").contains("2 items: 2 new\n"));
}

#[test]
fn expanded_again_equal_items_stay() {
    let place = Place::started();
    place.file("p.yaml", COUNTS.replace("!= b", "!= z"));
    place.ktk("run -f p.yaml").code(0);
    place.ktk("restart p.count --set forEach.jq=.params.files[1:][]").code(0);
    place.ktk("wait pipeline/p").code(0);
    for (item, state, incarnation) in
        [("a", "Skipped", "2"), ("b", "Succeeded", "2"), ("c", "Succeeded", "2")]
    {
        let name = format!("p.count.{item}");
        assert_eq!(place.field("task", &name, "/status/phase"), state, "{item}");
        assert_eq!(place.field("task", &name, "/metadata/restart/incarnation"), incarnation, "{item}");
    }
    place.ktk("restart p.count").code(0);
    place.ktk("wait pipeline/p").code(0);
    assert_eq!(place.field("task", "p.count.c", "/metadata/restart/incarnation"), "2");
    let page = place.ok("describe task/p.count.c");
    assert!(page.contains("keep, its inputs are the same as before"), "{page}");
    place.ktk("restart p.count.a").code(5).says("is no item any more");
}

#[test]
fn what_cannot_be_expanded_is_refused_or_fails_with_its_place() {
    let place = Place::started();
    place.file(
        "p.yaml",
        COUNTS.replace(".params.files[]", ".params.files[").replace("key: {jq: .item}", "keys: 1"),
    );
    let refused = place.ktk("create -f p.yaml").code(7);
    refused.says("spec.steps[0].forEach.keys: unknown field (did you mean \"key\"?)");
    place.file("p.yaml", COUNTS.replace(".params.files[]", ".params.files["));
    place.ktk("create -f p.yaml").code(7).says("spec.steps[0].forEach.jq: is no jq: ");
    place.file("p.yaml", COUNTS.replace("[a, b, c]", "[a, b, a]"));
    let run = place.ktk("run -f p.yaml").code(1);
    run.says("step count: Failed").says("yields \"a\" for items 0 and 2: keys must differ");
    let task = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: t}\nspec: {forEach: {jq: \"1\"}, run: {command: [\"true\"]}}\n";
    place.file("t.yaml", task);
    place.ktk("create -f t.yaml").code(7).says("spec.forEach: is for the steps of a pipeline");
}
