//! `ktk run -f`: a pipeline from its first step to its table.

use ktk_tests::Place;
use rustix::process::Signal;

use crate::manifests::BROKEN;

/// The words that say how long a step took, as `0.0s`, are ages too.
const LINEAR: &str = "apiVersion: ktk/v1
kind: Pipeline
metadata: {name: line}
spec:
  params: {word: hello, n: 3}
  steps:
    - {name: one, run: {command: [sh, -c, 'echo \"$1 $2\" >\"$KTK_DIR/said\"', sh, '{{ params.word }}', '{{ params.n }}']}}
    - {name: two, needs: [one], run: {command: [cat, said]}}
";

fn linear() -> String {
    LINEAR.replace("[cat, said]", "[sh, -c, 'cat \"$KTK_DIR/said\"']")
}

#[test]
fn a_pipeline_that_succeeds() {
    let place = Place::started();
    place.file("line.yaml", linear());
    place.ktk("run -f line.yaml -p word=bye").is(
        0,
        "NAME   STATUS      REASON   DURATION\none    Succeeded   <none>   <age>\ntwo    Succeeded   <none>   <age>\n\
         results in <root>/home/.local/share/ktk/work/<id>\n",
        "step one: Running\nstep one: Succeeded in <age>\nstep two: Running\nstep two: Succeeded in <age>\n",
    );
    assert_eq!(place.ok("logs line.two"), "bye 3\n");
}

#[test]
fn a_pipeline_that_fails_shows_why_and_what_next() {
    let place = Place::started();
    place.file("p.yaml", BROKEN);
    let output = place.ktk("run -f p.yaml").code(1);
    let output = output.prints(
        "NAME   STATUS      REASON           DURATION\n\
         a      Succeeded   <none>           <age>\n\
         b      Failed      ExitCode         <age>\n\
         c      Pending     UpstreamFailed   <none>\n\
         d      Succeeded   <none>           <age>\n\
         e      Succeeded   <none>           <age>\n\
         results in <root>/home/.local/share/ktk/work/<id>\n",
    );
    output
        .says("step b: Failed in")
        .says(": exit code 1\n")
        .says("step c: UpstreamFailed\n")
        .says("--- the end of the log of step b (ktk logs p.b)\nlooking at\n")
        .says("see why:           ktk logs p.b\nwhat would go on:  ktk restart pipeline/p --dry-run\n");
    let quiet = place.ktk("run -f p.yaml --logs none --name silent").code(1);
    assert!(!quiet.stderr.contains("looking at"), "{}", quiet.stderr);
    let all = place.ktk("run -f p.yaml --logs all --name loud").code(1);
    all.says("\nclean\n").says("\nalarm\n").says("\nlooking at\n");
}

#[test]
fn a_taken_name_makes_a_new_one() {
    let place = Place::started();
    place.file("line.yaml", linear());
    place.ok("run -f line.yaml");
    let again = place.ktk("run -f line.yaml --detach").code(0);
    let name = again.stdout.clone();
    let name = name.trim().strip_prefix("pipeline/line-").unwrap().strip_suffix(" created").unwrap();
    assert_eq!(name.split('-').count(), 2, "two words: {name}");
    again.says(&format!("pipeline/line exists already; this run is pipeline/line-{name}\n"));
    place.ok(&format!("wait pipeline/line-{name}"));
}

#[test]
fn parameters_are_checked() {
    let place = Place::started();
    place.file("line.yaml", linear());
    let stderr = "error: -p wrd: pipeline \"line\" has no such parameter; it has n, word\n";
    place.ktk("run -f line.yaml -p wrd=x").is(2, "", stderr);
    place.ktk("run -f line.yaml -p word").code(2);
    place.ktk("run -p a=b -- true").code(2);
    assert_eq!(place.ok("get pipelines -o name"), "");
    place.ok("run -f line.yaml -p 'word={\"a\": [1, 2]}' -p n=x");
    assert_eq!(place.ok("logs line.two"), "{\"a\":[1,2]} x\n");
}

#[test]
fn ctrl_c_cancels_the_pipeline() {
    let place = Place::started();
    let text = "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: long}\nspec:\n  steps:\n\
                \x20   - {name: a, run: {command: [sleep, '100']}}\n    - {name: b, needs: [a], run: {command: [echo]}}\n\
                \x20   - {name: c, needs: [a], runIf: always, run: {command: [echo, tidy]}}\n";
    place.file("long.yaml", text);
    let running = place.spawn("run -f long.yaml");
    running.until_stderr("step a: Running");
    running.signal(Signal::INT);
    running.wait().code(130);
    assert_eq!(place.field("pipeline", "long", "/status/phase"), "Cancelled");
    assert_eq!(place.field("task", "long.b", "/status/reason"), "PipelineCancelled");
    assert_eq!(place.field("task", "long.c", "/status/phase"), "Succeeded");
}

#[test]
fn a_manifest_comes_from_standard_input_too() {
    let place = Place::started();
    place.typed("run -f -").stdin(linear()).output().code(0).prints("two    Succeeded");
    let task = crate::manifests::task("single", "[sh, -c, 'echo one; exit 4']");
    place.typed("run -f -").stdin(task).output().code(1).prints("one\n");
}
