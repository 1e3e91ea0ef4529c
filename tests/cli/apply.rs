//! `ktk apply`: objects are made as manifests say, and changed until they are so (K9 99 to 102, U8).

use ktk_tests::Place;

use crate::manifests::{BROKEN, task};

const RESIZE: &str = "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: resize}\nspec:\n  version: 3\n  \
     run: {command: [echo, \"{{ inputs.width }}\"]}\n  inputs: {properties: {width: {type: integer}}}\n  \
     defaults: {inputs: {width: 200}}\n";

fn queue(name: &str, spec: &str) -> String {
    format!("apiVersion: ktk/v1\nkind: Queue\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

fn semaphore(name: &str, permits: u32) -> String {
    format!("apiVersion: ktk/v1\nkind: Semaphore\nmetadata: {{name: {name}}}\nspec: {{permits: {permits}}}\n")
}

#[test]
fn k9_99_all_kinds_and_twice_is_unchanged() {
    let place = Place::started();
    let held = task("t", "['true']").replace("spec:\n", "spec:\n  hold: true\n  queue: batch\n");
    place.file(
        "all.yaml",
        [held, BROKEN.to_owned(), queue("batch", "{maxRunning: 4}"), semaphore("gpu", 2), RESIZE.to_owned()]
            .join("---\n"),
    );
    let lines = |outcome: &str| {
        ["tasktype/resize@3", "queue/batch", "semaphore/gpu", "task/t", "pipeline/p"]
            .map(|label| format!("{label} {outcome}\n"))
    };
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let expected = |outcome: &str| sorted(&lines(outcome).concat());
    place.file("some.yaml", [queue("batch", "{maxRunning: 4}"), BROKEN.to_owned()].join("---\n"));
    place.ktk("apply -f some.yaml --dry-run=server").is(
        0,
        "queue/batch created (server dry run)\npipeline/p created (server dry run)\n",
        "",
    );
    assert_eq!(place.ok("get all -o name"), "");
    assert_eq!(sorted(&place.ok("apply -f all.yaml")), expected("created"));
    let again = place.ktk("apply -f all.yaml").code(0);
    assert_eq!((sorted(&again.stdout), &*again.stderr), (expected("unchanged"), ""));
    // Wherever it is typed.
    std::fs::create_dir(place.work().join("sub")).unwrap();
    let elsewhere = place.typed("apply -f ../all.yaml").dir(place.work().join("sub")).output();
    assert_eq!(sorted(&elsewhere.code(0).stdout), expected("unchanged"));
    assert_eq!(place.field("task", "t", "/spec/run/workingDir"), place.work().to_str().unwrap());
}

#[test]
fn what_is_said_no_longer_goes_and_what_others_said_stays() {
    let place = Place::started();
    place.file(
        "q.yaml",
        queue("q", "{maxRunning: 4}").replace("{name: q}", "{name: q, labels: {a: '1', b: '1'}}"),
    );
    place.ok("apply -f q.yaml");
    place.ok("label queue q theirs=1");
    place.ok("pause queue/q");
    place.file("q.yaml", queue("q", "{}").replace("{name: q}", "{name: q, labels: {a: '2'}}"));
    place.ktk("apply -f q.yaml --dry-run").is(0, "queue/q configured (dry run)\n", "");
    place.ktk("apply -f q.yaml").is(0, "queue/q configured\n", "");
    place.ktk("apply -f q.yaml").is(0, "queue/q unchanged\n", "");
    place.ktk("get queue q -o jsonpath={.metadata.labels}{.spec}").is(
        0,
        "{\"a\":\"2\",\"theirs\":\"1\"}{\"paused\":true}",
        "",
    );
}

#[test]
fn k9_100_on_what_others_made_it_warns_once_and_works() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 2");
    place.file("s.yaml", semaphore("gpu", 4));
    place.ktk("apply -f s.yaml").is(
        0,
        "semaphore/gpu configured\n",
        "Warning: semaphore/gpu was not made by apply: what this manifest sets is its own from now on\n",
    );
    place.ok("scale semaphore gpu --permits 9");
    place.ktk("apply -f s.yaml").is(0, "semaphore/gpu configured\n", "");
    place.ktk("apply -f s.yaml").is(0, "semaphore/gpu unchanged\n", "");
    place.file("t.yaml", task("t", "['true']").replace("spec:\n", "spec:\n  hold: true\n"));
    place.ok("create -f t.yaml");
    place.ktk("apply -f t.yaml").code(0).says("Warning: task/t was not made by apply");
    place.ktk("apply -f t.yaml").is(0, "task/t unchanged\n", "");
}

#[test]
fn of_tasks_and_pipelines_what_may_change() {
    let place = Place::started();
    let manifest =
        |spec: &str| task("t", "['true']").replace("spec:\n", &format!("spec:\n  hold: true\n{spec}"));
    place.file("t.yaml", manifest("  priority: 1\n"));
    place.ok("apply -f t.yaml");
    place.file("t.yaml", manifest("  priority: 2\n"));
    place.ktk("apply -f t.yaml").is(0, "task/t configured\n", "");
    assert_eq!(place.field("task", "t", "/spec/priority"), "2");
    place.file("t.yaml", manifest("  priority: 3\n  timeout: 1m\n"));
    place.file("q.yaml", queue("q", "{}"));
    let refused = place.ktk("apply -f t.yaml -f q.yaml").code(7);
    refused.prints("queue/q created\n").says("t.yaml:7:12").says("ktk restart t --set 'timeout=\"1m\"'");
    assert_eq!(place.field("task", "t", "/spec/priority"), "2", "nothing of it has changed");
    place.file("p.yaml", BROKEN);
    place.ok("apply -f p.yaml");
    place.file("p.yaml", BROKEN.replace("{team: media}", "{team: web}"));
    place.ktk("apply -f p.yaml").is(0, "pipeline/p configured\n", "");
    place.file("p.yaml", BROKEN.replace("word: hello", "word: bye"));
    place.ktk("apply -f p.yaml").code(7).says("spec.params").says("ktk run -f");
}

#[test]
fn one_bad_document_and_nothing_is_sent() {
    let place = Place::started();
    place.file("m.yaml", [queue("q", "{}"), queue("r", "{maxRuning: 1}")].join("---\n"));
    place.ktk("apply -f m.yaml").code(7).says("m.yaml:9:").says("unknown field");
    place.ktk("get queue q").code(3);
}

#[test]
fn k9_96_apply_takes_no_generated_name() {
    let place = Place::new();
    place.file("g.yaml", task("t", "['true']").replace("name: t", "generateName: g-"));
    place.ktk("apply -f g.yaml").code(7).says("from g-: cannot use generate name with apply");
}

#[test]
fn k9_98_a_client_dry_run_prints_what_would_be_sent() {
    let place = Place::new();
    place.file("q.yaml", queue("q", "{maxRunning: 4}"));
    place.ktk("apply -f q.yaml --dry-run=client -o yaml").is(
        0,
        "apiVersion: ktk/v1\nkind: Queue\nmetadata:\n  name: q\nspec:\n  maxRunning: 4\n",
        "",
    );
    assert!(place.servers().is_empty(), "nobody was asked");
}

#[test]
fn u8_prune_deletes_what_is_gone_from_a_named_set() {
    let place = Place::started();
    let held = |name: &str| task(name, "['true']").replace("spec:\n", "spec:\n  hold: true\n");
    place.file("d/a.yaml", held("a"));
    place.file("d/b.yaml", held("b"));
    place.file("d/q.yaml", queue("q", "{}"));
    place.file("d/p.yaml", BROKEN);
    place.ok("apply -f d --source one");
    place.file("other.yaml", [held("x"), queue("y", "{}")].join("---\n"));
    place.ok("apply -f other.yaml --source two");
    place.ok("apply -f d/a.yaml --source one -n elsewhere");
    place.ktk("wait pipeline/p").code(1);
    for gone in ["b.yaml", "q.yaml", "p.yaml"] {
        std::fs::remove_file(place.work().join("d").join(gone)).unwrap();
    }
    place.ktk("apply -f d --prune").code(2).says("no set is named").says("--source NAME");
    let would = "task/a unchanged (dry run)\npipeline/p pruned (dry run)\ntask/b pruned (dry run)\nqueue/q pruned (dry run)\n";
    place.ktk("apply -f d --source one --prune --dry-run").is(0, would, "");
    place.ktk("apply -f d --source one --prune --dry-run=server").code(0);
    place.ktk("apply -f d --source one --prune").is(0, &would.replace(" (dry run)", ""), "");
    // The last one goes too, and nothing of another set or namespace.
    std::fs::remove_file(place.work().join("d/a.yaml")).unwrap();
    place.file("d/nothing.yaml", "# nothing\n");
    place.ktk("apply -f d --source one --prune").is(0, "task/a pruned\n", "");
    place.ktk("get tasks,pipelines,queues -o name -A").is(0, "task/x\ntask/a\nqueue/default\nqueue/y\n", "");
}

#[test]
fn u8_what_cannot_be_deleted_stays_alone() {
    let place = Place::started();
    place.file("d/q.yaml", queue("q", "{}"));
    place.file("d/r.yaml", queue("r", "{}"));
    let waits = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: waits}\nspec: {external: {}, queue: q}\n";
    place.file("d/t.yaml", waits);
    place.ok("apply -f d --source s");
    place.ok("wait task/waits --for=condition=Running");
    let only = queue("kept", "{}");
    place.file("kept.yaml", only);
    let output = place.ktk("apply -f kept.yaml --source s --prune").code(5);
    output
        .prints("queue/kept created\n")
        .prints("queue/r pruned\n")
        .says("task/waits is not pruned: it is Running")
        .says("queue \"q\" is in use");
    place.ok("complete waits");
    place.ktk("apply -f kept.yaml --source s --prune").code(0).prints("task/waits pruned\nqueue/q pruned\n");
}

#[test]
fn k9_102_view_last_applied() {
    let place = Place::started();
    place.file("q.yaml", queue("q", "{maxRunning: 4}").replace("{name: q}", "{name: q, labels: {a: '1'}}"));
    place.ok("apply -f q.yaml");
    place.ok("label queue q theirs=1");
    place.ktk("apply view-last-applied queue/q").is(
        0,
        "apiVersion: ktk/v1\nkind: Queue\nmetadata:\n  labels:\n    a: \"1\"\n  name: q\nspec:\n  maxRunning: 4\n",
        "",
    );
    place.ok("create semaphore s --permits 1");
    let by_name = place.ok("apply view-last-applied queue/q");
    place.ktk("apply view-last-applied -f q.yaml").is(0, &by_name, "");
    place
        .ktk("apply view-last-applied -f q.yaml queue/q")
        .code(2)
        .says("you may not specify resource arguments");
    place.ktk("apply view-last-applied").code(2).says("Required resource not specified");
    place.ktk("apply view-last-applied semaphore s").code(1).says("semaphore/s was never applied");
    place.ktk("apply view-last-applied queue nosuch").code(3);
    place.file("p.yaml", BROKEN);
    place.ok("apply -f p.yaml");
    place.ktk("apply view-last-applied task p").code(3).says("ktk apply view-last-applied pipeline/p");
}

#[test]
fn a_set_of_types_is_applied_used_and_pruned() {
    let place = Place::started();
    place.file("types/resize.yaml", RESIZE);
    place.file(
        "types/crop.yaml",
        "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: crop}\nspec: {external: {}}\n",
    );
    place.ktk("apply -f types/ --source media").is(
        0,
        "tasktype/crop@1 created\ntasktype/resize@3 created\n",
        "",
    );
    place.ktk("apply -f types/ --source media").is(
        0,
        "tasktype/crop@1 unchanged\ntasktype/resize@3 unchanged\n",
        "",
    );
    place.ktk("get types").is(
        0,
        "NAME     VERSION   NEWEST   EXECUTOR   SOURCE   AGE\n\
         crop     1         yes      external   media    <age>\n\
         resize   3         yes      process    media    <age>\n",
        "",
    );
    place.file(
        "task.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: small}\nspec: {type: resize, inputs: {width: 7}}\n",
    );
    place.ktk("run -f task.yaml").code(0).prints("7");
    assert_eq!(place.field("task", "small", "/spec/type"), "resize@3");
    place.ktk("apply -f task.yaml").code(0).prints("task/small configured\n");
    std::fs::remove_file(place.work().join("types/crop.yaml")).unwrap();
    place.ktk("apply -f types/ --source media --prune --dry-run").is(
        0,
        "tasktype/resize@3 unchanged (dry run)\ntasktype/crop@1 pruned (dry run)\n",
        "",
    );
    place.ktk("apply -f types/ --source media --prune").code(0);
    place.ktk("get types -o name").is(0, "tasktype/resize\n", "");
    place.ktk("describe type resize@3").code(0).prints("Executor:");
    place.ktk("delete type resize@3").is(0, "tasktype \"resize@3\" deleted\n", "");
}

#[test]
fn a_name_moves_from_a_type_that_goes() {
    let place = Place::started();
    let aliased = |name: &str| {
        RESIZE
            .replace("{name: resize}", &format!("{{name: {name}}}"))
            .replace("version: 3", "aliases: [scale]")
    };
    place.file("d/t.yaml", aliased("resize"));
    place.ok("apply -f d --source media");
    place.file("d/t.yaml", aliased("rescale"));
    place.ktk("apply -f d --source media").code(7).says("\"scale\" is an alias of type \"resize\"");
    place.ktk("apply -f d --source media --prune").is(
        0,
        "tasktype/rescale@1 created\ntasktype/resize@1 pruned\n",
        "",
    );
}

#[test]
fn a_set_takes_nothing_from_another() {
    let place = Place::started();
    place.file("q.yaml", queue("q", "{}"));
    place.ok("apply -f q.yaml --source one");
    place.ktk("apply -f q.yaml --source two").code(5).says("belongs to the set \"one\"");
    place.ktk("apply -f q.yaml").is(0, "queue/q unchanged\n", "");
    place.file("nothing.yaml", "# nothing\n");
    place.ktk("apply -f nothing.yaml --source one --prune").is(0, "queue/q pruned\n", "");
}

#[test]
fn labels_of_a_type_that_others_set_stay() {
    let place = Place::started();
    place.file("resize.yaml", RESIZE.replace("{name: resize}", "{name: resize, labels: {a: '1'}}"));
    place.ok("apply -f resize.yaml");
    place.ok("label type resize@3 theirs=1");
    place.ktk("apply -f resize.yaml").is(0, "tasktype/resize@3 unchanged\n", "");
    place.ktk("diff -f resize.yaml").is(0, "", "");
    place.file("resize.yaml", RESIZE);
    place.ktk("apply -f resize.yaml").is(0, "tasktype/resize@3 configured\n", "");
    place.ktk("get type resize@3 -o jsonpath={.metadata.labels}").is(0, "{\"theirs\":\"1\"}", "");
}

#[test]
fn wrong_types_are_refused_with_their_place() {
    let place = Place::started();
    place.file("bad.yaml", RESIZE.replace("type: integer", "type: whole"));
    place.ktk("apply -f bad.yaml").code(7).says("bad.yaml:7:").says("is no JSON Schema");
    place.file("good.yaml", RESIZE);
    place.ktk("apply -f good.yaml").code(0);
    place.file(
        "task.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: small}\nspec:\n  type: resize\n  inputs: {width: wide}\n",
    );
    for verb in ["create", "apply"] {
        place
            .ktk(&format!("{verb} -f task.yaml"))
            .code(7)
            .says("task.yaml:6:19")
            .says("\"wide\" is not of type \"integer\" (rule /properties/width/type of its type)");
    }
}
