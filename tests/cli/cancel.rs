//! `ktk cancel`.

use ktk_tests::{Place, eventually};

use std::time::Duration;

#[test]
fn a_running_task_is_asked_then_made_to_end() {
    let place = Place::started();
    place.ok("create task kind -- sh -c 'trap \"echo bye; exit 0\" TERM; echo on; sleep 1000 & wait'");
    let follow = place.spawn("logs -f kind");
    follow.until_stdout("on\n");
    place.ktk("cancel kind").is(0, "task/kind cancelled\n", "");
    follow.wait().is(0, "on\nbye\n", "");
    place.ktk("wait kind").is(1, "", "error: task/kind is Cancelled (ByUser)\n");
    place.ktk("cancel kind").is(
        5,
        "",
        "Error from server (Conflict): task \"kind\" has ended already (Cancelled)\n",
    );

    place.ok("create task deaf -- sh -c 'trap \"\" TERM; echo on; while :; do sleep 0.01; done'");
    let follow = place.spawn("logs -f deaf");
    follow.until_stdout("on\n");
    place.ktk("cancel deaf --now").is(0, "task/deaf cancelled\n", "");
    place.ktk("wait deaf --timeout 8s").is(1, "", "error: task/deaf is Cancelled (ByUser)\n");
}

#[test]
fn a_waiting_task_never_starts() {
    let place = Place::started().with_env("KTK_TEST", "1");
    place.ok("create task first -- sleep 1000");
    place.ok("create task then --need first -- touch started");
    place.ok("cancel task/then");
    place.ok("cancel task/first");
    place.ktk("wait first then --keep-waiting").code(1);
    assert_eq!(place.field("task", "then", "/status/attempt"), "0");
    assert!(!place.work().join("started").exists());
}

#[test]
fn many_are_asked_about() {
    let place = Place::started();
    for name in ["a", "b"] {
        place.ok(&format!("create task {name} --label team=x -- sleep 1000"));
    }
    let stderr = "error: --yes required when not running interactively\n";
    place.ktk("cancel -l team=x").is(2, "", stderr);
    place.ktk("cancel tasks --all").is(2, "", stderr);
    place.ktk("cancel -l team=x --yes").is(0, "task/a cancelled\ntask/b cancelled\n", "");
    eventually("both have ended", Duration::from_secs(20), || {
        place.ok("get tasks --field-selector status.phase=Running -o name").is_empty().then_some(())
    });
}

#[test]
fn a_pipeline_ends_but_for_what_always_runs() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n\
                \x20   - {name: a, run: {command: [sleep, '100']}}\n\
                \x20   - {name: b, needs: [a], runIf: always, run: {command: [echo, tidy]}}\n";
    place.file("p.yaml", text);
    place.ok("create -f p.yaml");
    place.ok("wait p.a --for condition=Running");
    place.ktk("cancel p").code(3).says("ktk cancel pipeline/p");
    place.ktk("cancel pipeline/p").is(0, "pipeline/p cancelled\n", "");
    place.ktk("wait pipeline/p").is(1, "", "error: pipeline/p is Cancelled (ByUser)\n");
    assert_eq!(place.field("task", "p.b", "/status/phase"), "Succeeded");
    place.ok("create -f p.yaml --namespace other");
    place.ok("wait p.a -n other --for condition=Running");
    place.ok("cancel pipeline/p --now -n other");
    place.ktk("wait pipeline/p -n other").code(1);
    assert!(place.ok("get task p.b -n other").contains("Cancelled"));
}
