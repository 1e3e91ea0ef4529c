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
    place.file("r.yaml", pipeline("r", "['true']", "unique: {key: nightly}"));
    place.ktk("create -f r.yaml").code(5).says("held by pipeline p@1 (Running)");
    place.file("r.yaml", pipeline("r", "['true']", "unique: {key: nightly, onConflict: return}"));
    place.ktk("create -f r.yaml").is(0, "pipeline/p unchanged: it holds the unique key\n", "");
    place.ok("cancel pipeline/p --now");
    place.ok("wait pipeline/q --timeout 20s");
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
