//! `ktk gc`, `--ttl-after-finished` and the server's `--retention`.

use std::fmt::Write as _;

use ktk_tests::Place;

/// A server with this retention.
fn place(retention: &str) -> Place {
    let place = Place::new();
    place.typed("server start").env("KTK_RETENTION", retention).output().ok();
    place
}

/// A pipeline of so many steps that all wait for somebody.
fn waiting(steps: usize) -> String {
    let mut text = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: many}\nspec:\n  steps:\n".to_owned();
    for step in 0..steps {
        writeln!(text, "  - {{name: s{step}, hold: true, run: {{command: [\"true\"]}}}}").unwrap();
    }
    text
}

#[test]
fn it_says_what_goes_and_why() {
    // A tenth more may be there until the server looks by itself.
    let place = place("40");
    place.ok("run --name old -- true");
    place.file("many.yaml", waiting(40));
    place.ok("create -f many.yaml");
    place.ktk("gc --dry-run").is(0, "", "nothing is past its time (the server's retention is 40)\n");
    place.ok("cancel pipeline many");
    let shown = place.ktk("gc --dry-run");
    let row = "NAMESPACE   OBJECT     TASKS   STATUS      ENDED   WHY            SINCE\n\
               default     task/old   1       Succeeded   <age>   retention 40   <age>\n";
    shown.is(0, row, "1 tasks would go\n");
    let json = place.ktk("gc --dry-run -o json").code(0).json();
    assert_eq!(json["items"][0]["rule"], "retention 40", "{json}");
    assert_eq!(
        (json["kind"].as_str(), json["items"][0]["kind"].as_str()),
        (Some("Collection"), Some("Task"))
    );
    place.ktk("gc --dry-run -o name").is(0, "task/old\n", "");
    place.ok("get task old");
    place.ktk("gc").is(0, row, "1 tasks have gone\n");
    place.ktk("get task old").code(3);
    place.ktk("logs old").code(3);
    assert_eq!(place.ok("get pipelines -o name"), "pipeline/many\n");
    place.ktk("gc").is(0, "", "nothing is past its time (the server's retention is 40)\n");
}

#[test]
fn what_has_its_own_time_goes_by_itself() {
    let place = Place::started();
    place.ok("create task x --ttl-after-finished 1s -- true");
    place.ok("wait x --for delete --timeout 20s");
    place.ktk("get task x").code(3);
    place.ok("run --name y --ttl-after-finished 1h -- true");
    let described = place.ok("describe task y");
    assert!(described.contains("TTL After Finished:  1h: "), "{described}");
    let manifest = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  ttlAfterFinished: 1s\n  steps:\n\
                    \x20 - {name: a, run: {command: [\"true\"]}}\n";
    place.file("p.yaml", manifest);
    place.ok("create -f p.yaml");
    place.ok("wait pipeline p --for delete --timeout 20s");
    assert_eq!(place.ok("get tasks -o name"), "task/y\n", "its tasks went with it");
}

#[test]
fn a_server_that_starts_collects_what_was_left() {
    let place = place("none");
    place.ktk("run --name failed -- false").code(1);
    place.ok("run --name good -- true");
    place.ok("server stop");
    place.typed("server start").env("KTK_RETENTION", "0s,failed=90d").output().ok();
    ktk_tests::eventually("it is collected", std::time::Duration::from_secs(20), || {
        (place.ok("get tasks -o name") == "task/failed\n").then_some(())
    });
    place.ktk("logs good").code(3);
}

#[test]
fn bad_limits_are_refused_with_their_part() {
    let place = Place::new();
    place.ktk("server run --retention 30d,soon").code(2).says("\"soon\" is no limit");
    place.ktk("server run --retention running=1d").code(2).says("names no phase");
    place.ktk("server run --retention 30d,40d").code(2).says("\"40d\" says again");
    let place = Place::started();
    place.ktk("create task x --ttl-after-finished soon -- true").code(2).says("no duration");
    place.ktk("create task x --ttl-after-finished -1h -- true").code(2);
    let step = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  defaults: {ttlAfterFinished: 1h}\n\
                \x20 steps:\n  - {name: a, ttlAfterFinished: 1h, run: {command: [\"true\"]}}\n";
    place.file("p.yaml", step);
    let refused = place.ktk("create -f p.yaml");
    let words = "unknown field here: a step's task goes with its pipeline, write it under `spec`";
    refused.says(&format!("spec.defaults.ttlAfterFinished: {words}"));
    place.ktk("create -f p.yaml").says(&format!("p.yaml:7:15: spec.steps[0].ttlAfterFinished: {words}"));
    assert_eq!(place.ok("get all -o name"), "");
}

/// Whoever follows something learns of its end, however soon it may go.
#[test]
fn what_need_not_be_kept_is_followed_to_its_end() {
    let place = Place::started();
    place.ktk("run --ttl-after-finished 0s -- sh -c 'echo out; exit 3'").is(3, "out\n", "");
    place.ktk("run --name x --ttl-after-finished 0s -- true").code(0);
    place.ok("wait x --for delete --timeout 20s");
    assert_eq!(place.ok("get tasks -o name"), "");
}
