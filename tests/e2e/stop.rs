//! Stopping the server: what runs goes on or goes back, who is attached is told.

use std::time::Duration;

use ktk_tests::{Place, eventually};
use rustix::process::Signal;

use crate::scripts::script;

const SOON: Duration = Duration::from_secs(30);

fn with_a_running_task() -> Place {
    let place = Place::started();
    script(
        &place,
        "until.sh",
        "echo attempt $KTK_ATTEMPT; while ! test -e go; do sleep 0.02; done; echo done",
    );
    place.ok("create task x -- sh until.sh");
    eventually("it runs", SOON, || (place.ok("logs x") == "attempt 1\n").then_some(()));
    place
}

#[test]
fn what_runs_may_finish() {
    let place = with_a_running_task();
    let stopping = place.spawn("server stop");
    eventually("it says that it is stopping", SOON, || {
        place
            .typed("server status")
            .env("KTK_AUTOSTART", "never")
            .output()
            .stdout
            .contains("(stopping)")
            .then_some(())
    });
    // It still answers who asks.
    place.typed("get task x").env("KTK_AUTOSTART", "never").output().code(0).prints("Running");
    place.file("go", "");
    stopping.wait().is(0, "server stopped (pid <pid>)\n", "");
    place.until_nothing_is_left();
    place.ktk("wait x").code(0);
    assert_eq!(place.field("task", "x", "/status/attempt"), "1");
    assert_eq!(place.ok("logs x"), "attempt 1\ndone\n");
}

#[test]
fn now_puts_it_back_and_it_runs_again() {
    let place = with_a_running_task();
    place.ktk("server stop --now").is(0, "server stopped (pid <pid>)\n", "");
    place.until_nothing_is_left();
    place.start();
    eventually("it runs again", SOON, || (place.ok("logs x") == "attempt 2\n").then_some(()));
    assert_eq!(place.field("task", "x", "/status/attempts/0/reason"), "Interrupted");
    place.file("go", "");
    place.ok("wait x");
    assert_eq!(place.ok("logs x --attempt 1"), "attempt 1\n");
}

#[test]
fn a_drain_that_is_over_puts_it_back() {
    let place = with_a_running_task();
    place.ktk("server stop --drain 200ms").code(0);
    place.start();
    assert_eq!(place.field("task", "x", "/status/attempts/0/reason"), "Interrupted");
    place.file("go", "");
    place.ok("wait x");
}

#[test]
fn who_is_attached_is_told_and_leaves_with_6() {
    let place = Place::started();
    let run = place.spawn("run --name x -- sh -c 'echo on; test -e go || exec sleep 1000'");
    run.until_stdout("on\n");
    let follow = place.spawn("logs -f x");
    follow.until_stdout("on\n");
    let waiting = place.spawn("wait x");
    let watch = place.spawn("get tasks -w");
    watch.until_stdout("Running");
    place.ok("server stop --now");
    let output = run.wait().code(6);
    assert_eq!(output.stdout, "on\n");
    output.says("the server is being stopped; task/x goes on with its next start\n");
    for output in [follow.wait(), waiting.wait(), watch.wait()] {
        let output = output.code(6);
        assert!(output.stderr.contains("being stopped"), "{}", output.transcript());
    }
    // Nobody has started it again.
    assert!(place.servers().is_empty());
    place.file("go", "");
    place.ok("wait x");
}

#[test]
fn a_signal_drains_and_a_second_one_ends_it() {
    let place = with_a_running_task();
    place.ok("server stop --now");
    let server = place.spawn("server run");
    // A command that starts a server would race with the one that is being started.
    let logs = || place.typed("logs x").env("KTK_AUTOSTART", "never").output().stdout;
    eventually("it runs again", SOON, || (logs() == "attempt 2\n").then_some(()));
    server.signal(Signal::TERM);
    eventually("it is stopping", SOON, || {
        place.ktk("server status").stdout.contains("(stopping)").then_some(())
    });
    server.signal(Signal::TERM);
    server.wait().code(0);
    place.start();
    assert_eq!(place.field("task", "x", "/status/attempts/1/reason"), "Interrupted");
    place.file("go", "");
    place.ok("wait x");
}

#[test]
fn new_work_waits_for_the_next_server() {
    let place = with_a_running_task();
    let stopping = place.spawn("server stop");
    eventually("it is stopping", SOON, || {
        place.ktk("server status").stdout.contains("(stopping)").then_some(())
    });
    let new = place.spawn("run --name y -- echo next");
    new.until_stderr("waiting for the server, which is starting or being stopped");
    place.file("go", "");
    stopping.wait().code(0);
    let output = new.wait().code(0);
    assert_eq!(output.stdout, "next\n");
}
