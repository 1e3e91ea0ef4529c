//! `ktk wait`: each way in which waiting ends.

use ktk_tests::Place;

#[test]
fn success_is_0() {
    let place = Place::started();
    place.ok("create task quick -- true");
    place.ktk("wait task/quick").is(0, "task/quick condition met\n", "");
    place.ktk("wait quick -o name").is(0, "task/quick\n", "");
    for condition in ["Succeeded", "succeeded", "Finished"] {
        place.ktk(&format!("wait quick --for condition={condition}")).is(0, "task/quick condition met\n", "");
    }
    place.ktk("wait -l none=x").is(3, "", "error: no matching resources found\n");
}

#[test]
fn failure_is_1_as_soon_as_it_is_certain() {
    let place = Place::started();
    place.ok("create task long -- sleep 1000");
    place.ok("create task bad -- false");
    let stderr = "error: task/bad is Failed (ExitCode)\n";
    place.ktk("wait long bad").is(1, "", stderr);
    place.ktk("wait bad --for condition=Succeeded").is(1, "", stderr);
    place.ktk("wait bad --for condition=Failed").is(0, "task/bad condition met\n", "");
    place.ktk("wait bad --for condition=Succeeded --for condition=Failed --any").is(
        0,
        "task/bad condition met\n",
        "",
    );
    let waiting = place.spawn("wait long bad --keep-waiting");
    place.ok("cancel long");
    let output = waiting.wait().code(1);
    output.says("task/bad is Failed").says("task/long is Cancelled (ByUser)");
}

#[test]
fn what_waits_for_a_failure_counts_as_failed() {
    let place = Place::started();
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ktk("wait p.c").is(1, "", "error: task/p.c is Pending (UpstreamFailed)\n");
    place.ktk("wait p.c --for condition=Failed").is(0, "task/p.c condition met\n", "");
    place.ktk("wait pipeline/p").is(1, "", "error: pipeline/p is Failed\n");
}

#[test]
fn time_runs_out_with_124() {
    let place = Place::started();
    place.ok("create task long -- sleep 1000");
    place.ok("wait long --for condition=Running");
    let stderr = "error: timed out waiting for the condition on task/long: it is Running\n";
    place.ktk("wait long --timeout 100ms").is(124, "", stderr);
    place.ktk("wait long --timeout 0").is(124, "", stderr);
    place.ktk("wait long --for=delete --timeout 100ms").is(124, "", stderr);
    place.ktk("wait none --timeout 100ms").is(
        124,
        "",
        "error: timed out waiting for the condition on task/none: it is not there\n",
    );
    place.ktk("wait long --for condition=bogus").code(2).says("unrecognized condition: \"bogus\"");
}

#[test]
fn what_is_not_there_yet_or_any_more() {
    let place = Place::started();
    place.ktk("wait ghost").is(3, "", "Error from server (NotFound): task \"ghost\" not found\n");
    let created = place.spawn("wait ghost --for=create");
    let ended = place.spawn("wait ghost --timeout 30s");
    place.ok("create task ghost -- true");
    created.wait().is(0, "task/ghost condition met\n", "");
    ended.wait().is(0, "task/ghost condition met\n", "");
    place.ok("create task long -- sleep 1000");
    let gone = place.spawn("wait long --for=delete");
    let orphan = place.spawn("wait long --for condition=Succeeded");
    place.ok("delete task long");
    gone.wait().is(0, "task/long condition met\n", "");
    assert_ne!(orphan.wait().code, 0);
    place.ktk("wait long --for=delete").is(0, "task/long condition met\n", "");
}

#[test]
fn a_name_follows_the_newest_incarnation() {
    let place = Place::started();
    place.ktk("run --name x -- sh -c 'test -e fixed'").code(1);
    let first = place.field("task", "x", "/metadata/id");
    place.file("fixed", "");
    place.ok("restart x");
    place.ktk("wait x").is(0, "task/x condition met\n", "");
    place.ktk(&format!("wait {first}")).code(1);
    place.ktk("wait x@1").code(1);
}

#[test]
fn waiting_survives_the_server() {
    let place = Place::started();
    place.ok("create task x -- sh -c 'while ! test -e go; do sleep 0.01; done'");
    let mut waiting = place.spawn("wait x");
    place.ok("wait x --for condition=Running");
    place.kill_server();
    waiting.until_stderr("started the local server");
    assert!(waiting.is_alive());
    place.file("go", "");
    waiting.wait().code(0).prints("task/x condition met\n");
}

#[test]
fn a_field_is_waited_for() {
    let place = Place::started();
    place.ok("create task done -- sh -c 'echo version=7 >$KTK_OUTPUT'");
    place.ok("create task bad -- sh -c 'exit 3'");
    place.ok("create task long --label kind=long -- sleep 1000");
    let met = "task/done condition met\n";
    place.ktk("wait done --for jsonpath='{.status.phase}'=Succeeded").is(0, met, "");
    place.ktk("wait done --for jsonpath=.status.outputs.version=7").is(0, met, "");
    place.ktk("wait done --for jsonpath='{.status.outputs}'").is(0, met, "");
    place.ktk("wait done --for jsonpath='{.metadata.name}'=done -o name").is(0, "task/done\n", "");
    // What cannot come any more ends the waiting.
    place.ktk("wait bad --for jsonpath='{.status.phase}'=Succeeded").is(
        1,
        "",
        "error: task/bad is Failed (ExitCode): {.status.phase}=Succeeded cannot be met any more\n",
    );
    place.ktk("wait bad --for jsonpath='{.status.attempts[*].exitCode}'=3").code(0);
    let either = "--any --for jsonpath='{.status.phase}'=Succeeded --for jsonpath='{.status.phase}'=Failed";
    place.ktk(&format!("wait done bad {either}")).is(
        0,
        "task/done condition met\ntask/bad condition met\n",
        "",
    );
    // Several, one of which runs on.
    place.ok("wait long --for condition=Running");
    let failed = "timed out waiting for the condition on task/long: it is Running";
    for names in ["done long", "-l kind=long"] {
        let line = format!("wait {names} --for jsonpath='{{.status.phase}}'=Succeeded --timeout 100ms");
        place.ktk(&line).code(124).says(failed);
    }
    place.ktk("wait ghost --for jsonpath='{.status.phase}'").code(3);
    place.ktk("wait ghost --for jsonpath='{.status.phase}' --timeout 50ms").code(124).says("it is not there");
    for expression in ["", "{.status", "{.status.phase}=", "'{.status.attempts[?(@.x=1)]}'"] {
        place.ktk(&format!("wait done --for jsonpath={expression}")).code(2).says("--for");
    }
}

#[test]
fn a_field_that_changes_is_told_by_the_server() {
    let place = Place::started();
    place.ok(
        "create task x --label go=on -- sh -c 'while ! test -e go; do sleep 0.01; done; echo n=1 >$KTK_OUTPUT'",
    );
    let by_name = place.spawn("wait x --for jsonpath='{.status.outputs.n}'=1");
    let by_label = place.spawn("wait -l go=on --for jsonpath='{.status.outputs.n}'=1");
    let to_come = place.spawn("wait y --timeout 60s --for jsonpath='{.status.phase}'=Succeeded");
    place.ok("wait x --for jsonpath='{.status.phase}'=Running");
    place.file("go", "");
    by_name.wait().is(0, "task/x condition met\n", "");
    by_label.wait().is(0, "task/x condition met\n", "");
    place.ok("create task y -- true");
    to_come.wait().is(0, "task/y condition met\n", "");
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ktk("wait pipeline/p --for jsonpath='{.status.steps.failed}'").is(
        0,
        "pipeline/p condition met\n",
        "",
    );
}

#[test]
fn kubectls_words_for_conditions_and_times_are_understood() {
    let place = Place::started();
    place.ktk("run --name bad -- false").code(1);
    place.ok("run --name good -- true");
    place.ktk("wait task/good --for=condition=complete").is(0, "task/good condition met\n", "");
    place.ktk("wait task/bad --for=condition=Complete,Failed").is(0, "task/bad condition met\n", "");
    place.ktk("wait task/good --for=condition=Failed,Running").is(
        1,
        "",
        "error: task/good is Succeeded: Failed or Running cannot be met any more\n",
    );
    // A negative time is a week: it ends by the task, and not at once.
    place.ok("create task soon -- sleep 0.2");
    place.ktk("wait task/soon --timeout=-1s").is(0, "task/soon condition met\n", "");
}

#[test]
fn what_manifests_name_is_waited_for() {
    let place = Place::started();
    place.file("two.yaml", TWO);
    place.ok("create -f two.yaml");
    place.ktk("wait -f two.yaml --for=condition=Finished").code(0).prints("task/one condition met");
    place.ktk("wait -f two.yaml").code(0).prints("task/two condition met");
    place.ktk("wait -f two.yaml -n default").code(2).says("does not match the namespace \"default\"");
    place.ktk("wait task/one -f two.yaml").code(2).says("when paths, URLs, or stdin is provided as input");
    place.file("queue.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q}\nspec: {}\n");
    place.ktk("wait -f queue.yaml").code(2).says("neither tasks nor pipelines");
}

/// Two tasks, one of them in another namespace.
const TWO: &str = "\
apiVersion: ktk/v1
kind: Task
metadata: {name: one}
spec: {run: {command: [\"true\"]}}
---
apiVersion: ktk/v1
kind: Task
metadata: {name: two, namespace: ci}
spec: {run: {command: [\"true\"]}}
";

#[test]
fn u2_a_failure_ends_the_waiting_with_a_code_of_its_own() {
    let place = Place::started();
    place.ok("create task bad -- false");
    place.ktk("wait task/bad --timeout 1m").is(1, "", "error: task/bad is Failed (ExitCode)\n");
    place.ktk("wait task/bad --for=condition=Complete,Failed").is(0, "task/bad condition met\n", "");
}

#[test]
fn u3_what_does_not_exist_yet_is_waited_for() {
    let place = Place::started();
    let waiting = place.spawn("wait task/later --timeout 1m");
    let created = place.spawn("wait task/later --for=create");
    place.ok("create task later -- true");
    waiting.wait().is(0, "task/later condition met\n", "");
    created.wait().is(0, "task/later condition met\n", "");
    let words = "error: timed out waiting for the condition on task/never: it is not there\n";
    place.ktk("wait task/never --timeout 100ms").is(124, "", words);
}

#[test]
fn u3b_one_deadline_is_for_all_of_them() {
    let place = Place::started();
    let names: Vec<String> = (0..10).map(|number| format!("task/none-{number}")).collect();
    let begun = std::time::Instant::now();
    let output = place.ktk(&format!("wait {} --timeout 1s", names.join(" "))).code(124);
    assert_eq!(output.stderr.lines().count(), 10, "{}", output.stderr);
    // Ten times as long would be ten seconds; a slow machine may take some of its own.
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn u3c_what_is_deleted_is_not_waited_for() {
    let place = Place::started();
    place.ok("create task x -- sleep 1000");
    place.ok("wait x --for condition=Running");
    let waiting = place.spawn("wait task/x -v6");
    // It follows the task from here on.
    waiting.until_stderr("GET ");
    place.ok("delete task x --now");
    waiting.wait().code(3).says("error: task/x was deleted while it was waited for");
}
