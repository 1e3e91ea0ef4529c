//! Hooks: called in order, told what happened, harmless, and called again where the server died in between.

use std::time::Duration;

use ktk_tests::{Place, eventually};

/// A task whose hooks write what they are told into `told`.
fn manifest(name: &str, spec: &str) -> String {
    let hook = "{command: [sh, -c, 'echo \"$KTK_HOOK $KTK_TASK_NAME $KTK_HOOK_ATTEMPT $KTK_PHASE $KTK_REASON\" >>told']}";
    format!(
        "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: {name}}}\nspec:\n  hooks:\n    onStart: {hook}\n    \
         onKeepalive: {hook}\n    onTimeout: {hook}\n    onFinish: {hook}\n{spec}"
    )
}

fn told(place: &Place, lines: usize) -> String {
    eventually("the hooks are called", Duration::from_secs(30), || {
        let told = std::fs::read_to_string(place.work().join("told")).unwrap_or_default();
        (told.lines().count() >= lines).then_some(told)
    })
}

#[test]
fn in_their_order() {
    let place = Place::started();
    place.file("a.yaml", manifest("a", "  run: {command: [sh, -c, 'sleep 0.1; exit 3']}\n"));
    place.file("b.yaml", manifest("b", "  run: {command: [sleep, '1000']}\n  keepalive: 300ms\n"));
    place.ok("create -f a.yaml");
    place.ktk("wait a").code(1);
    assert_eq!(told(&place, 2), "onStart a 1 Running \nonFinish a 1 Failed ExitCode\n");
    std::fs::remove_file(place.work().join("told")).unwrap();
    place.ok("create -f b.yaml");
    place.ktk("wait b").code(1);
    let expected =
        "onStart b 1 Running \nonTimeout b 1 Running Stopping\nonFinish b 1 Failed KeepaliveLost\n";
    assert_eq!(told(&place, 3), expected);
}

#[test]
fn a_failing_one_is_an_event_and_harmless() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: a}\nspec:\n  run: {command: ['true']}\n  hooks:\n    \
                onStart: {command: [no-such-program]}\n    onFinish: {command: [sh, -c, 'cat >notice; echo oh no >&2; exit 3']}\n";
    place.file("a.yaml", text);
    place.ok("create -f a.yaml");
    place.ok("wait a");
    let events = eventually("both are recorded", Duration::from_secs(30), || {
        let events = place.ok("events --for task/a");
        (events.matches("HookFailed").count() == 2).then_some(events)
    });
    assert!(events.contains("onFinish of attempt 1: exit code 3: oh no"), "{events}");
    assert!(events.contains("onStart of attempt 1: ") && events.contains("no-such-program"), "{events}");
    let notice = std::fs::read_to_string(place.work().join("notice")).unwrap();
    for part in ["\"hook\":\"onFinish\"", "\"phase\":\"Succeeded\"", "\"name\":\"a\"", "\"exitCode\":0"] {
        assert!(notice.contains(part), "{part}: {notice}");
    }
    let bad = text.replace("onStart: {command: [no-such-program]}", "onStart: {command: []}");
    place.file("b.yaml", bad.replace("name: a", "name: b"));
    place.ktk("create -f b.yaml").code(7).says("spec.hooks.onStart.command");
}

#[test]
fn one_that_hangs_holds_nobody_up() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: NAME}\nspec:\n  run: {command: ['true']}\n  hooks:\n    \
                onStart: {command: [sleep, '1000']}\n";
    for number in 0..20 {
        let name = format!("t{number}");
        place.file(&format!("{name}.yaml"), text.replace("NAME", &name));
        place.ok(&format!("create -f {name}.yaml"));
    }
    for number in 0..20 {
        place.ok(&format!("wait t{number} --timeout 30s"));
    }
    place.ok("run -- true");
    eventually("the first are given up", Duration::from_secs(30), || {
        place
            .ok("events")
            .contains("onStart of attempt 1: took longer than 10 s and was killed")
            .then_some(())
    });
}

#[test]
fn the_same_delivery_again_after_a_crash() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: a}\nspec:\n  run: {command: ['true']}\n  hooks:\n    \
                onFinish: {command: [sh, -c, 'echo $KTK_HOOK_ID >>ids; [ $(wc -l <ids) -gt 1 ] || sleep 1000']}\n";
    place.file("a.yaml", text);
    place.ok("create -f a.yaml");
    place.ok("wait a");
    let ids = |lines: usize| {
        eventually("it is called", Duration::from_secs(30), || {
            let ids = std::fs::read_to_string(place.work().join("ids")).unwrap_or_default();
            (ids.lines().count() >= lines).then_some(ids)
        })
    };
    ids(1);
    place.kill_server();
    place.start();
    let ids = ids(2);
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!(ids[0], ids[1]);
    assert!(!ids[0].is_empty());
}
