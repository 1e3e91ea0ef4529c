//! `ktk delete`.

use ktk_tests::Place;

#[test]
fn what_ended_goes_with_its_tree() {
    let place = Place::started();
    place.ok("run --name x -- true");
    for _ in 0..2 {
        place.ok("restart x@1");
        place.ok("wait x");
    }
    place.ktk("delete task/x@2").is(0, "task \"x@2\" deleted\n", "");
    assert_eq!(place.ok("get tasks --all-incarnations -o name"), "task/x@1\ntask/x@3\n");
    place.ktk("delete task x").is(0, "task \"x\" deleted\n", "");
    place.ktk("get task x").is(3, "", "Error from server (NotFound): task \"x\" not found\n");
    place.ktk("delete task x --ignore-not-found").is(0, "", "");
    place.ktk("logs x").is(3, "", "Error from server (NotFound): task \"x\" not found\n");
    // The name is free, and its numbers begin again.
    place.ok("run --name x -- true");
    assert_eq!(place.field("task", "x", "/metadata/restart/incarnation"), "1");
}

#[test]
fn what_runs_is_cancelled_first() {
    let place = Place::started();
    place.ok("create task x -- sleep 1000");
    place.ok("wait x --for condition=Running");
    place.ktk("delete task x").is(0, "task \"x\" deleted\n", "");
    assert_eq!(place.ok("get tasks -o name"), "");
    place.ok("create task y -- sleep 1000");
    place.ok("wait y --for condition=Running");
    let gone = place.spawn("wait y --for delete");
    place.ok("delete task y --wait=false");
    gone.wait().code(0);
}

#[test]
fn a_pipeline_goes_with_its_tasks_and_they_not_alone() {
    let place = Place::started();
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ktk("delete task p.a").code(5).says("pipeline");
    place.ktk("delete pipeline p").is(0, "pipeline \"p\" deleted\n", "");
    assert_eq!(place.ok("get all -o name"), "");
}

#[test]
fn what_is_needed_is_refused() {
    let place = Place::started();
    place.ok("create task first -- sleep 1000");
    place.ok("create task then --need first -- true");
    place.ktk("delete task first").code(5).says("then");
    place.ok("wait first --for condition=Running");
}

#[test]
fn many_are_asked_about() {
    let place = Place::started();
    for name in ["a", "b", "c"] {
        place.ok(&format!("run --name {name} --label team={name} -- true"));
    }
    place.ktk("delete tasks --all").is(2, "", "error: --yes required when not running interactively\n");
    place.ktk("delete tasks -l team=a --yes").is(0, "task \"a\" deleted\n", "");
    place.ktk("delete tasks b c -o name").is(0, "task/b\ntask/c\n", "");
    place.ktk("delete tasks --all --yes").is(0, "", "No resources found\n");
}

#[test]
fn who_waits_goes_too_with_cascade() {
    let place = Place::started();
    place.ok("create task first -- sleep 1000");
    place.ok("create task then --need first -- true");
    place.ok("create task last --need then -- true");
    place.ktk("delete task first").code(5).says("--cascade");
    let listed = |end: &str| {
        let line = |name: &str| format!("task \"{name}\" deleted{end}\n");
        format!("{}{}{}", line("last"), line("then"), line("first"))
    };
    place.ktk("delete task first --cascade --dry-run").is(0, &listed(" (dry run)"), "");
    assert_eq!(place.ok("get tasks -o name"), "task/first\ntask/last\ntask/then\n");
    place.ktk("delete task first --cascade").is(0, &listed(""), "");
    assert_eq!(place.ok("get tasks -o name"), "");
}

#[test]
fn an_old_incarnation_leaves_its_place_in_the_tree() {
    let place = Place::started();
    place.ok("run --name x -- echo one");
    place.ok("restart x");
    place.ok("wait x");
    place.ktk("delete task/x@1").is(0, "task \"x@1\" deleted\n", "");
    place.ktk("tree x").is(
        0,
        "x@1      Succeeded         <age>   deleted\n\
         └─ x@2   Succeeded         <age>   current\n",
        "",
    );
    assert_eq!(place.ok("logs x@1"), "");
    place.ktk("restart x@1").code(5).says("has been deleted");
}

#[test]
fn what_manifests_name_is_deleted_where_they_say() {
    let place = Place::started();
    let manifest = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x, namespace: ci}\nspec: {run: {command: [\"true\"]}}\n";
    place.file("x.yaml", manifest);
    place.ok("create -f x.yaml");
    place.ok("create task x -- true");
    place.ktk("delete -f x.yaml").is(0, "task \"x\" deleted\n", "");
    assert_eq!(place.ok("get tasks -A -o name"), "task/x\n");
    place.ktk("delete -f x.yaml").is(3, "", "Error from server (NotFound): task \"x\" not found\n");
    place.ktk("delete -f x.yaml --ignore-not-found").is(0, "", "");
    place
        .typed("delete -f - -o name")
        .stdin(manifest.replace("ci", "default"))
        .output()
        .is(0, "task/x\n", "");
    place.ktk("delete task x -f x.yaml").code(2).says("you may not specify resource arguments as well");
}

#[test]
fn a_dry_run_says_who_was_asked() {
    let place = Place::started();
    place.ok("create task x --run-after 2099-01-01T00:00:00Z -- true");
    place.ok("create queue q");
    place.ktk("delete task x --dry-run").is(0, "task \"x\" deleted (dry run)\n", "");
    place.ktk("delete task x --dry-run=client").is(0, "task \"x\" deleted (dry run)\n", "");
    place.ktk("delete task x --dry-run=server").is(0, "task \"x\" deleted (server dry run)\n", "");
    place.ktk("delete queue q --dry-run").is(0, "queue \"q\" deleted (dry run)\n", "");
    place.ktk("delete queue nosuch --dry-run").code(3);
    place.ktk("delete queue q --dry-run=server").code(2).says("--dry-run=client looks whether it is there");
    let words = "Invalid dry-run value (foo). Must be \"none\", \"server\", or \"client\".";
    place.ktk("delete task x --dry-run=foo").code(2).says(words);
    assert_eq!(place.ok("get task,queue x q -o name --ignore-not-found"), "task/x\nqueue/q\n");
}

#[test]
fn what_runs_can_be_killed_in_kubectls_words() {
    let place = Place::started();
    // It would outlive its own grace period of an hour.
    place.file(
        "stubborn.yaml",
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x}\n\
         spec: {gracePeriod: 1h, run: {command: [sh, -c, \"trap '' TERM; echo up; while :; do sleep 1; done\"]}}\n",
    );
    place.ok("create -f stubborn.yaml");
    place.spawn("logs -f x").until_stdout("up");
    place.ktk("delete task x --grace-period=0").code(2).says("it takes --force");
    place.ktk("delete task x --grace-period=5").code(2).says("each task has its own gracePeriod");
    place.ktk("delete task x --now --grace-period=0").code(2);
    place.ktk("delete task x --force --grace-period=1").code(2).says("exclude each other");
    place.ktk("delete task x --force --grace-period=0").is(
        0,
        "task \"x\" force deleted\n",
        "Warning: Immediate deletion kills what runs with SIGKILL: nothing of it can end in order.\n",
    );
}

#[test]
fn interactive_asks_about_one_too() {
    let place = Place::started();
    place.ok("create task x --run-after 2099-01-01T00:00:00Z -- true");
    place.ktk("delete task x -i").is(2, "", "error: --yes required when not running interactively\n");
    place.ktk("delete task x -i --yes").is(0, "task \"x\" deleted\n", "");
}

#[test]
fn u12_many_are_asked_about_and_a_namespace_chooses_no_queue() {
    let place = Place::started();
    place.ok("create queue q");
    place.ok("create task x --run-after 2099-01-01T00:00:00Z -- true");
    place.ktk("delete tasks --all").is(2, "", "error: --yes required when not running interactively\n");
    place.ktk("delete queues -n ci --all --yes").is(
        2,
        "",
        "error: queues are in no namespace: -n ci chooses none of them\nhint: without -n it is all queues\n",
    );
    assert_eq!(place.ok("get tasks,queues -o name"), "task/x\nqueue/default\nqueue/q\n");
    let line = format!("{} delete tasks --all", place.binary().display());
    let typed = place.program("script -qec").arg(line).arg("/dev/null").env("SHELL", "/bin/sh");
    let asked = typed.env("TERM", "xterm").stdin("n\n").output().code(2).stdout;
    for words in
        ["You are about to delete the following 1 resource(s)", "task/x", "(y/N)", "nothing was changed"]
    {
        assert!(asked.contains(words), "{asked}");
    }
    place.ktk("delete tasks --all --yes").is(0, "task \"x\" deleted\n", "");
}
