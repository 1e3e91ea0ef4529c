//! Input that makes no sense: each refusal names the field or the object, tells all causes at once, ends with its code
//! and changes nothing. The objects are listed before and after.

use ktk_tests::Place;

use crate::manifests::task;

/// All objects of all kinds, with all that is stored of them.
fn objects(place: &Place) -> String {
    let rows = place.ok("get tasks,pipelines,semaphores,queues,types -A --all-incarnations -o json");
    let events = place.ok("events -A --no-headers");
    format!("{rows}\n{} events", events.lines().count())
}

/// Runs commands of which each is refused with its code and these words, and changes nothing.
fn refused(place: &Place, commands: &[(&str, i32, &[&str])]) {
    let before = objects(place);
    for (line, code, words) in commands {
        let output = place.ktk(line).code(*code);
        assert_eq!(output.stdout, "", "{line}");
        words.iter().fold(output, |output, part| output.says(part));
        assert_eq!(objects(place), before, "{line} changed something");
    }
}

/// A manifest file with more of a spec.
fn file(place: &Place, name: &str, more: &[&str]) {
    let more: String = more.iter().map(|line| format!("  {line}\n")).collect();
    place.file(&format!("{name}.yaml"), task(name, "['true']") + &more);
}

#[test]
fn limits_that_are_not_there_or_too_small() {
    let place = Place::started();
    place.ok("create semaphore gpu --permits 2");
    file(&place, "a", &["queue: nowhere", "semaphores: [nosuch, {name: gpu, permits: 5}]", "needs: [ghost]"]);
    let steps = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  semaphores: [nosuch]\n  steps:\n  \
                 - {name: a, run: {command: [x]}, queue: nowhere, semaphores: [{name: gpu, permits: 9}]}\n  \
                 - {name: b, type: nothing@4, inputs: {x: {jq: '.['}}}\n";
    place.file("p.yaml", steps);
    refused(
        &place,
        &[
            (
                "create -f a.yaml",
                7,
                &[
                    "a.yaml:6:10: spec.queue: there is no queue \"nowhere\"",
                    "a.yaml:7:16: spec.semaphores[0]: there is no semaphore \"nosuch\"",
                    "spec.semaphores[1].permits: 5 permits of \"gpu\", which has 2",
                    "a.yaml:8:11: spec.needs[0]: task \"ghost\" not found",
                ],
            ),
            (
                "create -f p.yaml",
                7,
                &[
                    "p.yaml:5:16: spec.semaphores[0]: there is no semaphore \"nosuch\"",
                    "spec.steps[0].queue: there is no queue \"nowhere\"",
                    "spec.steps[0].semaphores[0].permits: 9 permits of \"gpu\", which has 2",
                    "spec.steps[1].type: there is no type \"nothing@4\"",
                    "spec.steps[1].inputs.x.jq: is no jq",
                ],
            ),
            ("create semaphore s --permits -1", 2, &["'-1' for '--permits <N>'"]),
            ("create semaphore gpu --permits 1", 5, &["semaphore \"gpu\" already exists"]),
            ("scale semaphore gpu --permits -1", 2, &["'-1' for '--permits <N>'"]),
            ("scale semaphore gpu --permits 2000000", 7, &["permits: must be 1000000 at most"]),
            ("scale semaphore nosuch --permits 1", 3, &["semaphore \"nosuch\" not found"]),
            ("create queue q --max-running -1", 2, &["'-1' for '--max-running <N>'"]),
        ],
    );
}

#[test]
fn numbers_and_durations_beyond_all_sense() {
    let place = Place::started();
    let retry = "retry: {limit: 1000000000, backoff: -1s, maxBackoff: 1e30s}";
    file(&place, "a", &["timeout: -5s", "deadline: 1e30s", "keepalive: 99999999d", "gracePeriod: 5", retry]);
    refused(
        &place,
        &[
            (
                "create -f a.yaml",
                7,
                &[
                    "a.yaml:6:12: spec.timeout: \"-5s\" is negative",
                    "a.yaml:7:13: spec.deadline: \"1e30s\" is no duration",
                    "a.yaml:8:14: spec.keepalive: \"99999999d\" is too long: a hundred years",
                    "a.yaml:9:16: spec.gracePeriod: ",
                    "a.yaml:10:18: spec.retry.limit: must be 1000 at most",
                    "spec.retry.backoff: \"-1s\" is negative",
                    "spec.retry.maxBackoff: \"1e30s\" is no duration",
                ],
            ),
            ("create task a --timeout -5s -- true", 2, &["'-5s' for '--timeout <DURATION>'", "is negative"]),
            ("create task a --deadline 99999999d -- true", 2, &["--deadline", "is too long"]),
            ("create task a --retry 1000000000 -- true", 7, &["spec.retry.limit: must be 1000 at most"]),
            ("create task a --retry -1 -- true", 2, &["'-1' for '--retry <TIMES>'"]),
        ],
    );
}

#[test]
fn needs_that_nobody_can_have() {
    let place = Place::started();
    place.ok("run --name gone -- true");
    place.ok("delete task gone");
    place.ok("create task other -n two --external");
    let other = place.ktk("get task other -n two -o json").code(0).json();
    let id = other["metadata"]["id"].as_str().unwrap();
    place.file("stays.sh", "trap '' TERM\ntouch started\nsleep 600 & wait; sleep 600\n");
    place.ok("create task stays -- sh stays.sh");
    ktk_tests::eventually("the task that stays", std::time::Duration::from_secs(20), || {
        place.work().join("started").exists().then_some(())
    });
    place.ok("delete task stays --wait=false");
    file(&place, "a", &["needs: [a]"]);
    file(&place, "b", &["needs: [gone, stays, other, nosuch]"]);
    let by_id = format!("create task c --need {id} -- true");
    refused(
        &place,
        &[
            ("create -f a.yaml", 7, &["a.yaml:6:11: spec.needs[0]: a task cannot need itself"]),
            ("create task a --need a -- true", 7, &["spec.needs[0]: a task cannot need itself"]),
            (
                "create -f b.yaml",
                7,
                &[
                    "spec.needs[0]: task \"gone\" not found",
                    "spec.needs[1]: task \"stays\" is being deleted",
                    "spec.needs[2]: task \"other\" not found",
                    "spec.needs[3]: task \"nosuch\" not found",
                ],
            ),
            (&by_id, 7, &["spec.needs[0]: task ", "not found"]),
            ("restart stays", 5, &["task \"stays\" is being deleted"]),
            ("restart gone", 3, &["task \"gone\" not found"]),
            ("restart gone --dry-run", 3, &["task \"gone\" not found"]),
        ],
    );
    place.ok("cancel stays --now");
}

#[test]
fn inputs_that_break_their_schema() {
    let place = Place::started();
    place.file(
        "types/resize.yaml",
        "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: resize}\nspec:\n  version: 3\n  run: {command: ['true']}\n  \
         inputs: {type: object, required: [width], properties: {width: {type: integer, minimum: 1}, file: {type: string}}}\n",
    );
    place.ok("apply -f types/ --source media");
    let manifest = |inputs: &str| {
        format!(
            "apiVersion: ktk/v1\nkind: Task\nmetadata: {{name: r}}\nspec: {{type: resize@3, inputs: {inputs}}}\n"
        )
    };
    place.file("a.yaml", manifest("{width: 0, file: 3}"));
    place.file("b.yaml", manifest("{}"));
    place.file("c.yaml", manifest("{width: 1}").replace("resize@3", "resize@9"));
    refused(
        &place,
        &[
            (
                "create -f a.yaml",
                7,
                &[
                    "a.yaml:4:40: spec.inputs.width: 0 is less than the minimum of 1 (rule /properties/width/minimum",
                    "spec.inputs.file: 3 is not of type \"string\" (rule /properties/file/type",
                ],
            ),
            ("create -f b.yaml", 7, &["spec.inputs", "\"width\" is a required property (rule /required"]),
            ("create -f c.yaml", 7, &["spec.type: there is no type \"resize@9\""]),
        ],
    );
}

#[test]
fn restarts_and_ends_that_make_no_sense() {
    let place = Place::started();
    place.ktk("run --name x -- false").code(1);
    place.ok("create task runs -- sleep 600");
    place.ok("create task waits --external");
    place.ok("create task done --external");
    place.ok("complete done");
    place.ok("wait runs waits --for condition=Running --timeout 20s");
    refused(
        &place,
        &[
            ("restart runs", 5, &["runs@1 has not ended (Running): there is nothing to restart yet"]),
            ("restart runs --dry-run", 5, &["runs@1 has not ended (Running)"]),
            ("restart nosuch", 3, &["task \"nosuch\" not found"]),
            ("restart x@7", 3, &["task \"x@7\" not found"]),
            (
                "restart x --set nosuch=1 --set run.comand=2 --set timeout=-5s --set retry.limit=1000000000 \
                 --set semaphores=[\"lic\"] --set priority=abc --set needs=[\"x\"]",
                7,
                &[
                    "* nosuch: is no field of a task's spec",
                    "* run.comand: is no field of a task's spec",
                    "* timeout: \"-5s\" is negative",
                    "* spec.retry.limit: must be 1000 at most",
                    "* spec.semaphores[0]: there is no semaphore \"lic\"",
                    "* priority: invalid type: string \"abc\"",
                    "* needs: cannot change by a restart",
                ],
            ),
            ("restart x --set nosuch.field=1 --dry-run", 7, &["nosuch: is no field of a task's spec"]),
            ("restart x --set novalue", 2, &["--set novalue: write it as --set inputs.width=100"]),
            ("complete runs", 5, &["task \"runs\" is not external"]),
            ("fail runs", 5, &["task \"runs\" is not external"]),
            ("complete done", 5, &["task \"done\" does not run: it is Succeeded"]),
            ("fail done", 5, &["task \"done\" does not run: it is Succeeded"]),
            ("keepalive done", 5, &["task \"done\" does not run: it is Succeeded"]),
            ("complete nosuch", 3, &["task \"nosuch\" not found"]),
            ("complete waits --attempt 7", 5, &["Fenced", "attempt 7 of task \"waits\" is over"]),
            ("complete waits --attempt -7", 2, &["'-7' for '--attempt <NUMBER>'"]),
            ("adopt x", 5, &["x@1 has no result that could be adopted: it is Failed"]),
        ],
    );
    place.ok("cancel runs --now");
}

#[test]
fn all_that_is_wrong_with_a_manifest_at_once() {
    let place = Place::started();
    let steps = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  queue: nowhere\n  steps:\n  \
                 - {name: a, needs: [b], run: {command: [x]}}\n  \
                 - {name: b, needs: [a], run: {comand: [x]}}\n  \
                 - {name: c, when: {jq: '.['}, run: {command: [x]}, timeout: -5s}\n  \
                 - {name: c, type: nothing@4, semaphores: [lic]}\n";
    place.file("p.yaml", steps);
    let two =
        task("one", "['true']") + "  needs: [two]\n---\n" + &task("two", "['true']") + "  timeouts: 1\n";
    place.file("two.yaml", two);
    let all = "error: p.yaml:5:10: spec.queue: there is no queue \"nowhere\": ktk create queue nowhere\n\
               error: p.yaml:7:23: spec.steps[0].needs[0]: cycle: a → b → a (each needs the next): remove one of these needs\n\
               error: p.yaml:8:33: spec.steps[1].run.comand: unknown field (did you mean \"command\"?)\n\
               error: p.yaml:9:26: spec.steps[2].when.jq: is no jq: column 3: expected";
    let before = objects(&place);
    let refused = place.ktk("create -f p.yaml").code(7);
    assert!(refused.stderr.starts_with(all), "{}", refused.stderr);
    refused
        .says("p.yaml:9:63: spec.steps[2].timeout: \"-5s\" is negative")
        .says("p.yaml:10:12: spec.steps[3].name: step \"c\" has the name of step 3 already")
        .says("spec.steps[3].type: there is no type \"nothing@4\"")
        .says("spec.steps[3].semaphores[0]: there is no semaphore \"lic\"");
    // What stands in the same text is no lost need.
    place.ktk("create -f two.yaml").is(
        7,
        "",
        "error: two.yaml:13:3: spec.timeouts: unknown field (did you mean \"timeout\"?)\n",
    );
    assert_eq!(objects(&place), before);
}
