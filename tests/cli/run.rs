//! `ktk run -- COMMAND`: as if the command ran here.

use std::os::unix::fs::PermissionsExt as _;

use ktk_tests::{Place, eventually};
use rustix::process::Signal;

use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn the_first_command_starts_the_server_and_says_so() {
    let place = Place::new();
    place.ktk("run -- echo hi").is(
        0,
        "hi\n",
        "started the local server (pid <pid>, data in <root>/home/.local/share/ktk)\n",
    );
    place.ktk("run -- echo again").is(0, "again\n", "");
}

#[test]
fn the_exit_code_is_the_processs_own() {
    let place = Place::started();
    place.ktk("run -- sh -c 'echo out; echo err >&2; exit 7'").is(7, "out\n", "err\n");
    for code in [0, 1, 2, 124, 125, 255] {
        place.ktk(&format!("run -- sh -c 'exit {code}'")).is(code, "", "");
    }
    place.ktk("run -- sh -c 'kill -TERM $$'").code(143);
    place.ktk("run -- sh -c 'kill -KILL $$'").code(137);
}

#[test]
fn what_cannot_be_started_is_named() {
    let place = Place::started();
    let file = place.file("plain", "text");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    place.ktk("run -- no-such-program").code(127).says("`no-such-program` not found in PATH");
    place.ktk("run -- ./no-such-program").code(127).says("no-such-program");
    place.ktk("run -- ./plain").code(126).says("plain cannot be executed");
    place.ktk("run --working-dir nowhere -- true").code(125).says("nowhere");
}

#[test]
fn a_timeout_is_124() {
    let place = Place::started();
    place.ktk("run --name x --timeout 200ms -- sleep 100").is(
        124,
        "",
        "error: task/x failed: took longer than its timeout of <age>\n\
         hint: once that is mended: ktk restart x\n",
    );
}

#[test]
fn ctrl_c_cancels_the_task() {
    let place = Place::started();
    for (name, signal) in [("int", Signal::INT), ("term", Signal::TERM)] {
        let running = place.spawn(&format!("run --name {name} -- sh -c 'echo on; exec sleep 100'"));
        running.until_stdout("on\n");
        running.signal(signal);
        running.wait().code(130);
        assert_eq!(place.field("task", name, "/status/phase"), "Cancelled");
        assert_eq!(place.field("task", name, "/status/reason"), "ByUser");
    }
}

#[test]
fn a_task_that_is_deleted_meanwhile_is_named() {
    let place = Place::started();
    let run = place.typed("run --name gone -- sh -c").arg("echo up; sleep 60").spawn();
    run.until_stdout("up");
    place.ok("delete task gone --now --yes");
    run.wait().code(125).says("task/gone was deleted while it was followed\n");
}

#[test]
fn a_second_ctrl_c_leaves_and_a_hang_up_too() {
    let place = Place::started();
    let stubborn = "trap \"\" TERM; echo on; sleep 100 & wait; sleep 100";
    let running = place.spawn(&format!("run --name stubborn -- sh -c '{stubborn}'"));
    running.until_stdout("on\n");
    running.signal(Signal::INT);
    eventually("the cancel has come", SOON, || {
        (place.field("task", "stubborn", "/status/reason") == "Stopping").then_some(())
    });
    running.signal(Signal::INT);
    running.wait().code(130);
    assert_eq!(place.field("task", "stubborn", "/status/phase"), "Running");
    place.ktk("cancel stubborn --now").code(0);

    let running = place.spawn("run --name quiet -- sh -c 'echo on; exec sleep 100'");
    running.until_stdout("on\n");
    running.signal(Signal::HUP);
    assert_ne!(running.wait().code, 0);
    assert_eq!(place.field("task", "quiet", "/status/phase"), "Running");
}

#[test]
fn it_runs_where_and_as_it_was_typed() {
    let place = Place::new();
    // Another shell, with another environment, starts the server.
    place
        .typed("server start")
        .env("PATH", "/nowhere")
        .env("SECRET", "s")
        .env("LANG", "de_DE")
        .dir("/")
        .output()
        .ok();
    let tools = place.root().join("tools");
    place.file("../tools/greet", "#!/bin/sh\necho \"$HOME $LANG ${SECRET-none} ${OTHER-none} $PWD\"\n");
    std::fs::set_permissions(tools.join("greet"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.display());
    let typed = place.typed("run -- greet").env("PATH", path).env("OTHER", "x").env("LANG", "fr_FR").output();
    typed.is(0, "<root>/home fr_FR none none <root>/work\n", "");
    let typed = place.typed("run --env OTHER --env A=b -- sh -c 'echo $OTHER $A'").env("OTHER", "x").output();
    typed.is(0, "x b\n", "");
    let typed = place
        .typed("run --env-all -- sh -c 'echo $OTHER ${API_TOKEN-none}'")
        .env("OTHER", "x")
        .env("API_TOKEN", "t");
    typed.output().is(0, "x none\n", "");
    place.ktk("run --working-dir .. -- pwd").is(0, "<root>\n", "");
    place.ktk("run --env MISSING -- true").code(2).says("MISSING");
}

#[test]
fn standard_input_is_empty_unless_it_is_asked_for() {
    let place = Place::started();
    place.typed("run -- cat").stdin("not read").output().is(0, "", "");
    place.typed("run -i -- cat").stdin("a\nb").output().is(0, "a\nb", "");
    place.typed("run -i -- cat").stdin(vec![b'x'; (1 << 20) + 1]).output().code(125).says("1 MiB");
}

#[test]
fn it_can_be_named_and_left() {
    let place = Place::started();
    place.ktk("run --name tidy --detach -- true").is(0, "task/tidy created\n", "");
    place.ok("wait task/tidy");
    let again = place.ktk("run --name tidy -- true").code(125);
    again.says("Error from server (AlreadyExists): task \"tidy\" already exists");
    let made = place.ktk("run --detach -o json --label a=b --priority 3 -- sh -c 'exit 3'").code(0).json();
    assert_eq!(made["created"], true);
    assert_eq!(made["metadata"]["labels"]["a"], "b");
    assert_eq!(made["spec"]["priority"], 3);
    assert_eq!(made["spec"]["run"]["command"][0], "sh");
    let name = made["metadata"]["name"].as_str().unwrap();
    place.ktk(&format!("wait task/{name}")).code(1);
}

#[test]
fn it_retries_and_runs_after_what_it_needs() {
    let place = Place::started();
    let fails_once = "if test -e seen; then echo second; else touch seen; exit 75; fi";
    let output = place.ktk(&format!("run --name twice --retry 2 -- sh -c '{fails_once}'"));
    output.code(0).prints("second\n");
    assert_eq!(place.field("task", "twice", "/status/attempt"), "2");
    place.ktk("run --need twice -- echo after").is(0, "after\n", "");
    place.ktk("run --need nothing -- true").code(125).says("nothing");
}

#[test]
fn an_ephemeral_server_leaves_nothing() {
    let place = Place::new();
    let temp = place.root().join("temp");
    std::fs::create_dir(&temp).unwrap();
    let run = |line: &str| place.typed(line).env("TMPDIR", &temp).output();
    run("run --ephemeral -- sh -c 'echo hi; exit 3'").is(3, "hi\n", "");
    assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 0);
    place.until_nothing_is_left();
    assert!(!place.data().exists());
}
