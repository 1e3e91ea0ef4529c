//! Tasks that tasks make, with the token of the attempt that makes them.

use std::time::Duration;

use ktk_tests::{Place, eventually};

/// A place whose tasks find the program as `$KTK`.
fn place() -> (Place, String) {
    let place = Place::started();
    let ktk = place.binary().display().to_string();
    (place, ktk)
}

#[test]
fn a_task_makes_tasks_and_waits_for_them() {
    let (place, ktk) = place();
    let script = format!(
        "{ktk} create task child -- sh -c 'echo n=3 >\"$KTK_OUTPUT\"' && {ktk} wait child && \
         {ktk} get tasks -o name && {ktk} run --name second -- echo hello"
    );
    place.typed("create task parent -- sh -c").arg(script).output().ok();
    place.ok("wait parent --timeout 60s");
    let expected = "task/child created\ntask/child condition met\ntask/child\ntask/parent\nhello\n";
    place.ktk("logs parent").is(0, expected, "");
    let parent = place.field("task", "parent", "/metadata/id");
    for child in ["child", "second"] {
        assert_eq!(place.field("task", child, "/metadata/spawnedBy"), parent);
        assert_eq!(place.field("task", child, "/metadata/executionId"), parent);
        assert_eq!(place.field("task", child, "/metadata/createdBy"), "task/parent");
    }
    place.ok("create task stranger -- true");
    place.ok("wait stranger");
    place.ktk("get tasks --execution parent -o name").is(0, "task/child\ntask/parent\ntask/second\n", "");
    place.ktk(&format!("get tasks --execution {parent} -o name")).is(
        0,
        "task/child\ntask/parent\ntask/second\n",
        "",
    );
    place.ktk("get tasks --execution pipeline/nobody").code(3);
    place.ktk("get pipelines --execution parent").code(2);
    assert!(place.ok("describe task child").contains(&format!("Spawned By:      {parent}\n")));
}

#[test]
fn a_cancelled_task_does_not_stay_with_what_it_made() {
    let (place, ktk) = place();
    place
        .typed("create task parent --grace-period 1h -- sh -c")
        .arg(format!("exec {ktk} run --name kid -- sleep 60"))
        .output()
        .ok();
    let runs = || place.ktk("get task kid -o jsonpath={.status.phase}").stdout == "Running";
    eventually("the sub-task runs", Duration::from_secs(20), || runs().then_some(()));
    place.ok("cancel parent");
    place.ok("wait parent --for=condition=Finished --timeout 30s");
    let log = place.ok("logs parent");
    assert!(log.contains("Warning: left; task/kid goes on, as this may not cancel it: "), "{log}");
    assert!(runs(), "it is a task of its own");
    place.ok("cancel kid --now");
}

#[test]
fn a_pipeline_s_task_stays_with_its_pipeline() {
    let (place, ktk) = place();
    let text = format!(
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n  steps:\n    \
         - {{name: a, run: {{command: [sh, -c, '{ktk} create task child -- true && {ktk} progress 50']}}}}\n"
    );
    place.file("p.yaml", text);
    place.ok("create -f p.yaml");
    place.ok("wait pipeline/p");
    place.ok("wait child");
    place.ktk("get tasks --execution pipeline/p -o name").is(0, "task/child\ntask/p.a\n", "");
    assert_eq!(place.field("task", "p.a", "/status/progress/percent"), "50.0");
}

#[test]
fn a_token_opens_nothing_else_and_ends_with_its_attempt() {
    let (place, ktk) = place();
    place.ok("create task stranger --label a=b -- sleep 1000");
    let script = format!(
        "echo \"$KTK_TOKEN\" >token; for line in 'get task stranger' 'cancel stranger' 'delete task stranger' \
         'restart stranger' 'logs stranger' 'get nodes' 'get pipelines' 'server stop' 'keepalive stranger' \
         'create task x -n other -- true' 'events' 'complete stranger' 'tree stranger' 'describe task stranger'; do \
         {ktk} $line >out 2>&1; echo \"$? $(head -n1 out)\"; done; sleep 1000"
    );
    place.typed("create task nosy -- sh -c").arg(script).output().ok();
    let log = eventually("all were tried", Duration::from_secs(60), || {
        let log = place.ktk("logs nosy").stdout;
        (log.lines().count() == 14).then_some(log)
    });
    for line in log.lines() {
        assert!(line.contains("Forbidden"), "{line}\n{log}");
        assert!(!line.starts_with("0 "), "{line}\n{log}");
    }
    assert_eq!(place.field("task", "stranger", "/status/phase"), "Running");
    let token = std::fs::read_to_string(place.work().join("token")).unwrap().trim().to_owned();
    assert!(token.starts_with("ktka_"), "{token}");
    // From outside it speaks for the same attempt, while that runs.
    let by_token = |line: &str| place.typed(line).env("KTK_TOKEN", &*token).output();
    by_token("get tasks -o name").is(0, "task/nosy\n", "");
    by_token("logs nosy").code(0);
    place.ok("cancel nosy --now");
    place.ktk("wait nosy").code(1);
    by_token("get tasks").says("Unauthorized");
    by_token("logs nosy").says("Unauthorized");
    // It is in no object, no event and no log of the server.
    for shown in ["get tasks -o yaml", "describe task nosy", "events"] {
        assert!(!place.ok(shown).contains(&token), "{shown}");
    }
    let server_log = std::fs::read_to_string(place.data().join("server.log")).unwrap_or_default();
    assert!(!server_log.contains(&token));
}

#[test]
fn a_server_with_one_slot_runs_what_a_task_waits_for() {
    let place = Place::new().with_env("KTK_SLOTS", "1");
    place.start();
    let ktk = place.binary().display().to_string();
    let script = format!(
        "{ktk} run --name child -- {ktk} run --name grandchild -- echo deep && {ktk} create task later -- echo x && \
         {ktk} wait later"
    );
    place.typed("run --name parent -- sh -c").arg(script).within(Duration::from_secs(60)).output().ok();
    place.ktk("logs grandchild").is(0, "deep\n", "");
    place.ok("create task after -- true");
    place.ok("wait after --timeout 60s");
    // One after the other again: nobody lends anything any more.
    place.ok("create task long -- sleep 600");
    place.ok("wait long --for=condition=Running --timeout 60s");
    place.ok("create task queued -- true");
    place.ktk("wait queued --timeout 1s").code(124);
    place.ktk("get task queued --no-headers").is(0, "queued   Pending   Queued   0     0     <age>\n", "");
}
