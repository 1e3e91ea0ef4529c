//! How the steps of a pipeline start and end: `runIf`, `failFast`, `maxParallel`, `defaults`, retries, big `forEach`.

use ktk_tests::Place;

fn pipeline(more: &str, steps: &str) -> String {
    format!("apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {{name: p}}\nspec:\n{more}  steps:\n{steps}")
}

fn states(place: &Place) -> String {
    let rows = place.ok("get tasks --no-headers");
    let words = |row: &str| row.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    rows.lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_first_failure_ends_the_rest() {
    let place = Place::started();
    let steps = "  - {name: bad, run: {command: ['false']}}\n  \
                 - {name: behind, needs: [bad], run: {command: ['true']}}\n  \
                 - {name: slow, run: {command: [sleep, '600']}}\n  \
                 - {name: later, needs: [slow], run: {command: ['true']}}\n  \
                 - {name: alarm, needs: [bad], runIf: failure, run: {command: ['true']}}\n  \
                 - {name: clean, needs: [slow, bad], runIf: always, run: {command: ['true']}}\n";
    place.file("p.yaml", pipeline("  failFast: true\n", steps));
    let run = place.ktk("run -f p.yaml").code(1);
    run.says("step slow: Cancelled (PipelineCancelled)")
        .says("what would go on:  ktk restart pipeline/p --dry-run");
    assert_eq!(
        states(&place),
        "p.alarm Succeeded <none>\np.bad Failed ExitCode\np.behind Pending UpstreamFailed\n\
         p.clean Succeeded <none>\np.later Cancelled PipelineCancelled\np.slow Cancelled PipelineCancelled"
    );
    place.ktk("wait pipeline/p").is(1, "", "error: pipeline/p is Failed\n");
}

#[test]
fn no_more_at_once_than_it_says() {
    let place = Place::started();
    let steps = "  - {name: a, priority: 1, run: {command: [sh, -c, 'until test -e go; do sleep 0.1; done']}}\n  \
                 - {name: b, run: {command: ['true']}}\n";
    place.file("p.yaml", pipeline("  maxParallel: 1\n", steps));
    place.ok("create -f p.yaml");
    place.ok("wait p.a --for condition=Running --timeout 20s");
    let why = place.ok("why p.b");
    assert!(why.contains("  maxParallel: pipeline/p has 1 of 1 places under maxParallel taken\n"), "{why}");
    assert!(why.contains("    until one of its tasks ends\n"), "{why}");
    std::fs::write(place.work().join("go"), "").unwrap();
    place.ktk("wait pipeline/p --timeout 30s").code(0);
}

#[test]
fn defaults_are_for_steps_that_say_nothing_else() {
    let place = Place::started();
    let steps = "  - {name: a, run: {command: [sh, -c, 'exit 3']}}\n  \
                 - {name: b, retry: {limit: 0}, run: {command: ['false']}}\n  \
                 - {name: c, timeout: 1h, run: {command: [sleep, '600']}}\n";
    let defaults =
        "  defaults: {timeout: 10m, priority: 7, retry: {limit: 2, backoff: 10ms, onExitCodes: [3]}}\n";
    place.file("p.yaml", pipeline(defaults, steps));
    place.ok("create -f p.yaml");
    place.ktk("wait p.a p.b --keep-waiting --timeout 30s").code(1);
    let attempts = |step: &str| place.field("task", step, "/status/attempt");
    assert_eq!((attempts("p.a"), attempts("p.b")), ("3".into(), "1".into()));
    let page = place.ok("describe task p.c");
    assert!(page.contains("Timeout:         1h\n") && page.contains("Priority:        7\n"), "{page}");
    place.ok("cancel pipeline/p --now");
}

#[test]
fn what_is_tried_again_waits_longer_each_time() {
    let place = Place::started();
    let task = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  run: {command: ['false']}\n  \
                retry: {limit: 3, backoff: 200ms, factor: 2, maxBackoff: 300ms, jitter: 0}\n";
    place.file("t.yaml", task);
    place.ok("create -f t.yaml");
    place.ktk("wait t --timeout 30s").is(1, "", "error: task/t is Failed (ExitCode)\n");
    let task = place.ktk("get task t -o json").code(0).json();
    let time = |attempt: usize, field: &str| -> jiff::Timestamp {
        task["status"]["attempts"][attempt][field].as_str().unwrap().parse().unwrap()
    };
    for (attempt, least) in [(1, 200), (2, 300), (3, 300)] {
        let pause = time(attempt, "startedAt").duration_since(time(attempt - 1, "finishedAt"));
        assert!(pause.as_millis() >= least, "attempt {attempt} came after {pause:?}");
    }
    let slow = "apiVersion: ktk/v1\nkind: Task\nmetadata: {name: s}\nspec:\n  run: {command: ['false']}\n  \
                retry: {limit: 1, backoff: 1h}\n";
    place.file("s.yaml", slow);
    place.ok("create -f s.yaml");
    place.ok("wait s --for jsonpath={.status.reason}=Backoff --timeout 20s");
    let why = place.ok("why s");
    assert!(why.contains("time: attempt 1 failed; the next waits for its backoff\n    until 2"), "{why}");
    place.ok("cancel s");
}

#[test]
fn a_step_is_expanded_into_ten_thousand_at_most() {
    let place = Place::started();
    let step = |name: &str, jq: &str| {
        format!("  - {{name: {name}, forEach: {{jq: '{jq}'}}, run: {{command: ['true']}}}}\n")
    };
    let steps = step("many", "range(10001)") + &step("fails", "error(\"no files\")") + &step("none", "empty");
    place.file("p.yaml", pipeline("", &steps));
    let run = place.ktk("run -f p.yaml").code(1);
    run.says("step many: Failed: forEach: {jq: \"range(10001)\"}: yields more than 10000 values")
        .says("step fails: Failed: forEach: {jq: \"error(\\\"no files\\\")\"}: no files");
    assert_eq!(place.field("task", "p.many", "/status/reason"), "InvalidInput");
    assert_eq!(place.field("task", "p.none", "/status/outputs"), "[]");
    assert_eq!(states(&place).lines().count(), 3, "no item was made");
}

#[test]
fn a_pipeline_is_held_and_let_go() {
    let place = Place::started();
    let steps = "  - {name: a, run: {command: [sh, -c, 'until test -e go; do sleep 0.1; done']}}\n  \
                 - {name: b, needs: [a], run: {command: ['true']}}\n";
    place.file("p.yaml", pipeline("", steps));
    place.ok("create -f p.yaml");
    place.ok("wait p.a --for condition=Running --timeout 20s");
    place.ktk("pause pipeline/p").is(0, "pipeline/p paused\n", "");
    std::fs::write(place.work().join("go"), "").unwrap();
    place.ok("wait p.a --timeout 20s");
    place.ktk("why p.b").is(
        0,
        "task/p.b@1 is Pending/Held\n  hold: pipeline/p is held with all its steps\n    \
         until ktk resume pipeline/p, or ktk resume p.b\n",
        "",
    );
    place.ktk("why pipeline/p").is(
        0,
        "pipeline/p@1 is Running\n  hold: pipeline/p is held with all its steps\n    until ktk resume pipeline/p\n",
        "",
    );
    place.ktk("resume pipeline/p").is(0, "pipeline/p resumed\n", "");
    place.ktk("wait pipeline/p --timeout 20s").code(0);
    place.ktk("why pipeline/p").is(
        0,
        "pipeline/p@1 is Succeeded\n  it waits for nothing: it has ended\n",
        "",
    );
    place.ktk("pause pipeline/p").code(5).says("pipeline \"p\" has ended already (Succeeded)");
}

#[test]
fn a_pipeline_where_a_task_is_meant_is_told() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {timeout: 1s, steps: [{name: a, external: {}}]}\n",
    );
    place.ktk("run -f p.yaml").code(1).says("pipeline/p failed: it took longer than its timeout of 1s\n");
    place.ktk("adopt p").code(3).says("hint: there is a pipeline of this name: name a step of it, p.STEP\n");
    for verb in ["why", "restart"] {
        let hint = format!("hint: there is a pipeline of this name: ktk {verb} pipeline/p\n");
        place.ktk(&format!("{verb} p")).code(3).says(&hint);
    }
}
