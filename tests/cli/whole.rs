//! What holds for a pipeline as a whole: its time, its permits, its key, its hooks.

use std::time::Duration;

use ktk_tests::Place;

/// A pipeline of one step, with more of a spec.
fn pipeline(name: &str, command: &str, more: &str) -> String {
    format!(
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: {name}}}\nspec:\n  {more}\n  steps:\n    \
         - {{name: a, run: {{command: {command}}}}}\n"
    )
}

#[test]
fn its_time_is_over() {
    let place = Place::started();
    let hook = "{command: [sh, -c, 'echo \"$KTK_HOOK $KTK_PIPELINE_NAME $KTK_PHASE $KTK_REASON\" >>hooks']}";
    let more = format!("timeout: 300ms\n  hooks: {{onTimeout: {hook}, onFinish: {hook}}}");
    place.file("p.yaml", pipeline("p", "[sleep, '600']", &more));
    place.ktk("run -f p.yaml").code(1);
    place.ktk("get pipeline p --no-headers").is(0, "p     Failed   0/1   1     0     <age>\n", "");
    assert_eq!(place.field("pipeline", "p", "/status/reason"), "Timeout");
    let page = place.ok("describe pipeline p");
    for part in ["Timeout:", "300ms", "it took longer than its timeout of 300ms"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let hooks = place.work().join("hooks");
    let told = || std::fs::read_to_string(&hooks).unwrap_or_default();
    ktk_tests::eventually("both hooks are called", Duration::from_secs(20), || {
        (told() == "onTimeout p Running Timeout\nonFinish p Failed Timeout\n").then_some(())
    });
}

#[test]
fn its_permits_and_its_key() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 1");
    place.file("p.yaml", pipeline("p", "[sleep, '600']", "semaphores: [gpu]\n  unique: {key: nightly}"));
    place.ok("create -f p.yaml");
    place.ok("wait pipeline/p --for=condition=Running --timeout 20s");
    place.file("q.yaml", pipeline("q", "['true']", "semaphores: [gpu]"));
    place.ok("create -f q.yaml");
    let page = place.ok("describe semaphore gpu");
    assert!(page.contains("pipeline/p@1") && page.contains("pipeline/q@1"), "{page}");
    let why = place.ok("why q.a");
    for part in ["permit: semaphore/gpu needs 1, and 0 of 1 permits are free", "held by pipeline/p@1 (1, "] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let why = place.ok("why pipeline/q");
    let whole = "pipeline/q@1 is Pending\n  permit: semaphore/gpu needs 1, and 0 of 1 permits are free\n    held by \
                 pipeline/p@1 (1, ";
    assert!(
        why.starts_with(whole) && why.contains("    number 1 in the line\n    until permits come"),
        "{why}"
    );
    assert_eq!(place.ktk("why pl/q -o json").code(0).json()["waits"][0]["for"], "Permit");
    place.file("r.yaml", pipeline("r", "['true']", "unique: {key: nightly}"));
    place.ktk("create -f r.yaml").code(5).says("held by pipeline p@1 (Running)");
    place.file("r.yaml", pipeline("r", "['true']", "unique: {key: nightly, onConflict: return}"));
    place.ktk("create -f r.yaml").is(0, "pipeline/p unchanged: it holds the unique key\n", "");
    place.ok("cancel pipeline/p --now");
    place.ok("wait pipeline/q --timeout 20s");
}

#[test]
fn what_its_steps_wait_for() {
    let place = Place::started();
    place.ok("create queue batch");
    place.ok("pause queue/batch");
    place.file("p.yaml", pipeline("p", "['true']", "queue: batch"));
    place.ok("create -f p.yaml");
    let whole = "pipeline/p@1 is Pending\n  queue: queue/batch is paused\n    until ktk resume queue/batch\n";
    place.ktk("why pipeline/p").is(0, whole, "");
    let steps = "steps: [{name: a, external: {}}, {name: b, needs: [a], external: {}}, {name: c, needs: [b], external: {}}]";
    place.file(
        "q.yaml",
        format!("apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: q}}\nspec: {{{steps}}}\n"),
    );
    place.ok("create -f q.yaml");
    let all = "  all that one of them waits for: ktk why q.b\n";
    let waiting = "  task/q.b@1 is Pending/WaitingForUpstream: upstream: task/q.a is Running\n  \
                   task/q.c@1 is Pending/WaitingForUpstream: upstream: task/q.b is Pending/WaitingForUpstream\n";
    place.ktk("why pipeline q").is(0, &format!("pipeline/q@1 is Running\n{waiting}{all}"), "");
    place.ok("fail q.a");
    let behind = "  task/q.b@1 is Pending/UpstreamFailed: upstream: task/q.a is Failed/Reported\n  \
                  task/q.c@1 is Pending/UpstreamFailed: upstream: task/q.b is Pending/UpstreamFailed\n";
    place.ktk("why pipeline/q").is(0, &format!("pipeline/q@1 is Failed\n{behind}{all}"), "");
    place.ktk("why pipeline/q@2").code(3).says("the newest incarnation is @1");
}

#[test]
fn what_is_wrong_is_named() {
    let place = Place::started();
    place.file("p.yaml", pipeline("p", "['true']", "semaphores: [nosuch]\n  queue: nosuch"));
    place
        .ktk("create -f p.yaml")
        .code(7)
        .says("spec.queue: there is no queue \"nosuch\"")
        .says("spec.semaphores[0]: there is no semaphore \"nosuch\"");
    place.file(
        "p.yaml",
        pipeline("p", "['true']", "timeout: 0s\n  hooks: {onKeepalive: {command: ['true']}}"),
    );
    place
        .ktk("create -f p.yaml")
        .code(7)
        .says("spec.timeout: must be longer than 0")
        .says("spec.hooks.onKeepalive: is for tasks");
}
