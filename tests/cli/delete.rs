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
