//! `ktk complete`, `ktk fail`, `ktk keepalive`, `ktk progress`, and what a clock does to attempts.

use std::time::Duration;

use ktk_tests::{Place, eventually};

#[test]
fn an_approval_is_given_and_refused() {
    let place = Place::started();
    place.ok("create task approval --external --label kind=approval");
    place.ok("create task go --need approval -- sh -c 'cat \"$KTK_NEEDS\"'");
    place.ok("wait approval --for condition=Running");
    assert!(place.ok("describe task approval").contains("External:     ends when somebody says so\n"));
    place.ktk("complete approval --output by=ada --output level=3").is(0, "task/approval completed\n", "");
    place.ok("wait go");
    place.ktk("logs go").is(0, "{\"approval\":{\"by\":\"ada\",\"level\":3}}", "");
    let conflict = "Error from server (Conflict): task \"approval\" does not run: it is Succeeded\n";
    place.ktk("complete approval").is(5, "", conflict);
    let conflict = "Error from server (Conflict): task \"go\" is not external: its end is its own to say\n";
    place.ktk("complete task/go").is(5, "", conflict);
    place.ktk("complete nobody").code(3);

    place.ok("create task second --external --retry 1");
    let stale = "Error from server (Fenced): attempt 7 of task \"second\" is over: the newest is 1\n";
    place.ktk("fail second --attempt 7").is(5, "", stale);
    place.ktk("fail second --retry -m soon").is(0, "task/second failed, another attempt follows\n", "");
    place.ok("wait second --for condition=Running");
    place.ktk("fail second -m never").is(0, "task/second failed\n", "");
    assert_eq!(place.field("task", "second", "/status/reason"), "Reported");
    assert_eq!(place.field("task", "second", "/status/message"), "never");
}

#[test]
fn an_external_task_runs_no_process() {
    let place = Place::started();
    place.ktk("create task x --external -- true").code(2);
    place.ktk("create task x --external --env A=1").is(
        2,
        "",
        "error: a task without a COMMAND runs no process of this machine's: it has neither --env nor --working-dir\n",
    );
    place.ktk("create task x").code(2);
    place.ok("create task x --external --timeout 100ms");
    place.ktk("wait x").is(1, "", "error: task/x is Failed (Timeout)\n");
    // A server without other work does not stay for one that waits.
    place.ok("create task y --external");
    assert_eq!(place.field("task", "y", "/status/phase"), "Running");
    assert!(place.ok("events --for task/y --no-headers").ends_with("   attempt 1 started\n"));
    place.ok("server stop");
    place.start();
    place.ktk("complete y").is(0, "task/y completed\n", "");
}

#[test]
fn a_silent_task_is_stopped_and_one_that_speaks_goes_on() {
    let place = Place::started();
    let ktk = place.binary().display().to_string();
    place.ok("create task silent --keepalive 200ms -- sleep 1000");
    place.ktk("wait silent").is(1, "", "error: task/silent is Failed (KeepaliveLost)\n");
    let script = format!("for n in 1 2 3 4 5 6; do {ktk} keepalive || exit 9; sleep 0.5; done");
    place.typed("create task speaks --keepalive 2s -- sh -c").arg(script).output().ok();
    place.ok("wait speaks");
    assert_eq!(place.ok("logs speaks"), "");
    place.ktk("keepalive").is(
        2,
        "",
        "error: no task was named, and this is not typed inside one\n\
         hint: ktk keepalive --help has the ways to name it\n",
    );
    place.ok("create task out --external --keepalive 30s");
    place.ktk("keepalive out").is(0, "task/out kept alive\n", "");
    place.ktk("keepalive task/out --attempt 2").code(5).says("Fenced");
}

#[test]
fn progress_is_shown() {
    let place = Place::started();
    let ktk = place.binary().display().to_string();
    let script = format!("{ktk} progress 40 'half way' && sleep 1000");
    place.typed("create task a -- sh -c").arg(script).output().ok();
    eventually("progress", Duration::from_secs(20), || {
        place.ok("describe task a").contains("Progress:        40% half way\n").then_some(())
    });
    assert!(place.ok("get tasks -o wide").contains("40% half way"));
    place.ktk("progress 41.5 --task a").is(0, "task/a is at 41.5%\n", "");
    place.ktk("progress -1 --task a").is(2, "", "error: PERCENT must be from 0 to 100\n");
    place.ktk("progress 1").code(2);
    place.ok("cancel a --now");
    place.ktk("wait a").code(1);
    place.ktk("progress 50 --task a").code(5).says("does not run");
}

#[test]
fn a_deadline_ends_whatever_it_does() {
    let place = Place::started();
    place.ok("create task runs --deadline 300ms -- sleep 1000");
    place.ktk("wait runs").is(1, "", "error: task/runs is Failed (DeadlineExceeded)\n");
    place.ok("create task first -- sleep 1000");
    place.ok("create task waits --deadline 300ms --need first -- true");
    place.ktk("wait waits").is(1, "", "error: task/waits is Failed (DeadlineExceeded)\n");
    assert!(place.ok("describe task waits").contains("Deadline:        300ms: "));
}

#[test]
fn absurd_numbers_are_refused_by_name() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: x}\nspec:\n  run: {command: [echo]}\n  \
                timeout: 0s\n  keepalive: 0s\n  deadline: 0s\n  gracePeriod: 900h\n  priority: 2000000000\n  \
                retry: {limit: 1000000000, factor: 0.5, jitter: -1, backoff: 2h, maxBackoff: 1h, onExitCodes: [0]}\n";
    place.file("x.yaml", text);
    let refused = place.ktk("create -f x.yaml").code(7);
    for field in [
        "spec.timeout",
        "spec.keepalive",
        "spec.deadline",
        "spec.gracePeriod",
        "spec.priority",
        "spec.retry.limit",
        "spec.retry.factor",
        "spec.retry.jitter",
        "spec.retry.backoff",
        "spec.retry.onExitCodes[0]",
    ] {
        assert!(refused.stderr.contains(field), "{field}: {}", refused.stderr);
    }
    for (field, value) in
        [("timeout", "-5s"), ("deadline", "99999999999d"), ("keepalive", "5"), ("timeout", "-1")]
    {
        let text = format!(
            "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: x}}\nspec:\n  run: {{command: [echo]}}\n  {field}: {value}\n"
        );
        place.file("y.yaml", text);
        place.ktk("create -f y.yaml").says(&format!("spec.{field}"));
    }
    place.ktk("create task x --retry -1 -- true").code(2);
    place.ktk("create task x --timeout=-5s -- true").code(2).says("--timeout");
    place.ktk("create task x --retry 1000000000 -- true").says("spec.retry.limit");
    place.ktk("get task x").code(3);
}

#[test]
fn outputs_that_cannot_be_read_name_the_line() {
    let place = Place::started();
    for (name, script, says) in [
        ("line", "printf 'a=1\\nnonsense\\n' >\"$KTK_OUTPUT\"", "KTK_OUTPUT line 2: is no key=value"),
        ("json", "printf '{\"a\": 1,\\n\"b\": }' >\"$KTK_OUTPUT\"", "line 2"),
        ("large", "head -c 2000000 /dev/zero | tr '\\0' x >\"$KTK_OUTPUT\"", "1048576 bytes"),
        ("folder", "mkdir \"$KTK_OUTPUT\"", "no regular file"),
    ] {
        place.typed(&format!("create task {name} --retry 3 -- sh -c")).arg(script).output().ok();
        place.ktk(&format!("wait {name}")).code(1);
        assert_eq!(place.field("task", name, "/status/reason"), "InvalidOutput", "{name}");
        let message = place.field("task", name, "/status/message");
        assert!(message.contains(says), "{name}: {message}");
        assert_eq!(place.field("task", name, "/status/attempt"), "1");
    }
}
