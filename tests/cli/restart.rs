//! `ktk restart`: the plan, the restart, and why there is none.

use ktk_tests::Place;

use crate::manifests::BROKEN;

fn broken() -> Place {
    let place = Place::started();
    place.file("p.yaml", BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place
}

#[test]
fn the_plan_comes_first_and_changes_nothing() {
    let place = broken();
    let plan = "TASK   ACTION     WHY\n\
                p.b    restart    failed: exit code 1\n\
                p.c    continue   was waiting for b\n\
                p.d    decide     runs again only if b comes to something else\n\
                p.e    decide     runs again only if b comes to something else\n\
                p.a    keep       not affected\n";
    place.ktk("restart p.b --dry-run").is(0, plan, "");
    place.ktk("restart pipeline/p --dry-run").is(0, plan, "");
    place.ktk("restart pipeline/p --from a --cascade all --dry-run").is(
        0,
        "TASK   ACTION     WHY\n\
         p.a    restart    asked for (succeeded)\n\
         p.b    restart    needs a, --cascade=all\n\
         p.c    continue   was waiting for b\n\
         p.d    restart    needs b, --cascade=all\n\
         p.e    restart    needs b, --cascade=all\n",
        "",
    );
    let plan = place.ktk("restart p.b --dry-run -o json").code(0).json();
    assert_eq!(plan["items"][0]["action"], "restart");
    assert_eq!(place.field("pipeline", "p", "/status/restarts"), "0");
}

#[test]
fn what_waited_goes_on() {
    let place = broken();
    let directory = place.field("pipeline", "p", "/status/directory");
    std::fs::write(format!("{directory}/fixed"), "").unwrap();
    place.ktk("restart p.b").is(0, "task/p.b@2 created (restart of p.b@1)\n", "");
    place.ktk("wait pipeline/p").is(0, "pipeline/p condition met\n", "");
    for (step, phase, incarnation) in [
        ("a", "Succeeded", "1"),
        ("b", "Succeeded", "2"),
        ("c", "Succeeded", "1"),
        ("d", "Succeeded", "2"),
        ("e", "Skipped", "2"),
    ] {
        assert_eq!(place.field("task", &format!("p.{step}"), "/status/phase"), phase, "{step}");
        assert_eq!(
            place.field("task", &format!("p.{step}"), "/metadata/restart/incarnation"),
            incarnation,
            "{step}"
        );
    }
    let first = place.field("task", "p.b@1", "/status/resolvedBy");
    assert_eq!(first, place.field("task", "p.b", "/metadata/id"));
    let nothing = place.ktk("restart pipeline/p").code(0);
    assert!(!nothing.stdout.contains("created ("), "{}", nothing.transcript());
    assert!(!nothing.stdout.is_empty() || !nothing.stderr.is_empty(), "it says that nothing was to be done");
}

#[test]
fn a_step_and_all_after_it() {
    let place = broken();
    place.ktk("restart pipeline/p --from a").is(0, "task/p.a@2 created (restart of p.a@1)\n", "");
    place.ktk("wait pipeline/p").code(1);
    assert_eq!(place.field("task", "p.b", "/metadata/restart/incarnation"), "1");
    place.ok("restart pipeline/p --from a --cascade all");
    place.ktk("wait pipeline/p").code(1);
    assert_eq!(place.field("task", "p.b", "/metadata/restart/incarnation"), "2");
    place.ktk("restart pipeline/p --from nosuch").says("nosuch");
    place.ktk("restart p").code(3).says("pipeline/p");
}

#[test]
fn one_at_a_time() {
    let place = Place::started();
    place.ok("create task x -- sleep 1000");
    place.ktk("restart x").is(
        5,
        "",
        "Error from server (Conflict): x@1 has not ended (Running): there is nothing to restart yet\n\
         hint: wait for it, or cancel and restart it with --force\n",
    );
    place.ktk("restart x --force").is(0, "task/x@2 created (restart of x@1)\n", "");
    for line in ["restart x@1", "restart x"] {
        place.ktk(line).is(0, "already restarted as x@2, Running\n", "");
    }
    let again = place.ktk("restart x@1 -o json").code(0).json();
    assert_eq!(again["created"], false);
    assert_eq!(again["metadata"]["restart"]["incarnation"], 2);
    let stderr = "Error from server (Conflict): the newest incarnation is x@2, not @1\n";
    place.ktk("restart x --if-newest 1").is(5, "", stderr);
    place.ok("wait x --for condition=Running");
}

#[test]
fn who_waits_is_told_by_whom() {
    let place = Place::started();
    place.ok("create task a --external");
    place.ok("create task b --need a --external");
    place.ok("create task c --need b --external");
    place.ktk("restart b").is(
        5,
        "",
        "Error from server (Conflict): b@1 has never run: it waits for a (Running)\n\
         hint: wait for it, or cancel and restart it with --force\n",
    );
    for name in ["a", "b", "c"] {
        place.ok(&format!("complete {name}"));
    }
    place.ok("restart a --cascade none");
    place.ok("fail a");
    for name in ["b", "c"] {
        place.ktk(&format!("restart {name}")).is(
            0,
            &format!("task/{name}@2 created (restart of {name}@1)\n"),
            "",
        );
    }
    let again = |name: &str, hint: &str| {
        let line = format!("already restarted as {name}@2, Pending\n");
        place.ktk(&format!("restart {name}")).is(0, &line, &format!("hint: {hint}\n"));
    };
    again("b", "task/a is Failed/Reported: it waits until ktk restart a succeeds");
    again("c", "task/b is Pending/UpstreamFailed: it waits until ktk restart a succeeds");
    place.ok("restart a");
    again("b", "task/a is Running: it waits until a succeeds or is skipped");
    place.ktk("restart b -o name").is(0, "task/b\n", "");
}

#[test]
fn a_step_that_runs_is_restarted_with_force() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n    \
         - {name: a, run: {command: [sleep, \"1000\"]}}\n",
    );
    place.ok("create -f p.yaml");
    place.ok("wait p.a --for condition=Running");
    place.ktk("restart pipeline/p --force").is(
        2,
        "",
        "error: --force goes with a task, or with --from or --all of a pipeline\n\
         hint: without it, ktk restart pipeline/p restarts what failed while the rest goes on\n",
    );
    place.ktk("restart pipeline/p --from a").code(5).says("--force");
    place.ktk("restart pipeline/p --from a --force --if-newest 2").code(5).says("p@1, not @2");
    let said = "pipeline/p: the step is cancelled, and restarted when it has ended\n";
    place.ktk("restart pipeline/p --from a --force").is(0, said, "");
    place.ok("wait p.a@2 --timeout 30s --for condition=Running");
    // What the first incarnation went through is told too.
    let page = place.ok("describe pipeline p");
    let started = page.lines().filter(|line| line.contains("attempt 1 started on")).count();
    assert_eq!(started, 2, "{page}");
}

#[test]
fn a_whole_pipeline_begins_anew() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  params: {word: one}\n  steps:\n    \
         - {name: a, run: {command: [echo, \"{{ params.word }}\"]}}\n    \
         - {name: b, needs: [a], run: {command: [\"false\"]}}\n    \
         - {name: c, needs: [b], run: {command: [\"true\"]}}\n",
    );
    place.ktk("run -f p.yaml").code(1);
    place.ktk("restart pipeline/p --all --dry-run").is(
        0,
        "TASK   ACTION    WHY\n\
         p.a    restart   asked for (succeeded)\n\
         p.b    restart   failed: exit code 1\n\
         p.c    restart   pending: UpstreamFailed\n",
        "",
    );
    place
        .ktk("restart pipeline/p --all --set params.nosuch=1")
        .code(7)
        .says("params.nosuch: is no parameter");
    place.ktk("restart task/p.a --all").code(2).says("task/p.a is none");
    let made = "pipeline/p@2 created, all steps run again\n";
    place.ktk("restart pipeline/p --all --set params.word=two --reason again").is(0, made, "");
    place.ktk("wait pipeline/p").code(1);
    assert_eq!(place.ok("logs p.a"), "two\n");
    assert_eq!(place.ok("logs p.a@1"), "one\n");
    let page = place.ok("describe pipeline p");
    for line in ["Restart Reason:  again", "Changes:         --set params.word=two"] {
        assert!(page.contains(line), "{page}");
    }
    place.ktk("get pipelines --all-incarnations").is(
        0,
        "NAME   STATUS   DONE   FAILED   RESTARTS   AGE\n\
         p@1    Failed   1/3    2        0          <age>\n\
         p@2    Failed   1/3    2        0          <age>\n",
        "",
    );
    let old = place.ok("get pipeline/p@1 -o tree");
    assert!(old.contains("├─ a") && old.contains("Replaced"), "{old}");
    place.ktk("restart pipeline/p@1").code(5).says("--all");
    place.ktk("restart p.b@1").code(5).says("--all");
    place.ok("delete pipeline p");
    assert_eq!(place.ok("get all -o name"), "");
}

#[test]
fn a_pipeline_that_runs_is_replaced_with_force() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n    \
         - {name: a, run: {command: [sleep, \"1000\"]}}\n",
    );
    place.ok("create -f p.yaml");
    place.ok("wait p.a --for condition=Running");
    place.ktk("restart pipeline/p --all").code(5).says("--force");
    place.ktk("restart pipeline/p --all --force").is(0, "pipeline/p@2 created, all steps run again\n", "");
    assert_eq!(place.field("pipeline", "p@1", "/status/reason"), "Replaced");
    place.ktk("restart pipeline/p@1 --all").is(0, "already restarted as p@2, Running\n", "");
}

#[test]
fn a_request_is_done_once() {
    let place = Place::started();
    place.ok("run --name x -- true");
    let created = "task/x@2 created (restart of x@1)\n";
    place.ktk("restart x --request-id r1").is(0, created, "");
    place.ok("wait x");
    place.ktk("restart x --request-id r1").is(0, created, "");
    place.ktk("restart x --request-id r1 --cascade all").code(5).says("requestId");
    place.ktk("restart x --reason 'once more'").is(0, "task/x@3 created (restart of x@2)\n", "");
    assert_eq!(place.field("task", "x", "/metadata/restart/reason"), "once more");
}

#[test]
fn what_waits_for_a_failure_names_it() {
    let place = broken();
    place.ktk("restart p.c").code(5).says("p.b");
    place.ok("restart p.a p.d");
    place.ktk("restart p.a nosuch").says("nosuch");
}

#[test]
fn it_keeps_where_and_as_it_was_typed() {
    let place = Place::started();
    std::fs::create_dir(place.root().join("elsewhere")).unwrap();
    place.typed("run --name x -- sh -c 'pwd; echo $LANG'").env("LANG", "fr_FR").output().is(
        0,
        "<root>/work\nfr_FR\n",
        "",
    );
    let restart = place.typed("restart x").dir(place.root().join("elsewhere")).env("LANG", "de_DE");
    restart.output().code(0);
    place.ok("wait x");
    place.ktk("logs x").is(0, "<root>/work\nfr_FR\n", "");
}

/// `b` writes down what it got from `a`, whose output is the text of a file.
const CHAIN: &str = r#"apiVersion: ktk/v1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
    - {name: a, run: {command: [sh, -c, 'echo "word=$(cat word)" >"$KTK_OUTPUT"']}}
    - {name: b, needs: [a], run: {command: [cat, word]}}
"#;

#[test]
fn what_took_the_same_is_kept_and_what_took_something_else_runs_again() {
    let place = Place::started();
    place.file("word", "one");
    place.file("p.yaml", CHAIN);
    place.ok("run -f p.yaml");
    let plan = "TASK   ACTION    WHY\n\
                p.a    restart   asked for (succeeded)\n\
                p.b    decide    runs again only if a's outputs change\n";
    place.ktk("restart p.a --dry-run").is(0, plan, "");
    place.ok("restart p.a");
    place.ok("wait pipeline/p");
    assert_eq!(place.field("task", "p.b", "/metadata/restart/incarnation"), "1");
    assert!(place.ok("describe task p.b").contains("a came to the same as before: nothing to run again"));
    place.file("word", "two");
    place.ok("restart p.a");
    place.ok("wait pipeline/p");
    assert_eq!(place.field("task", "p.b", "/metadata/restart/incarnation"), "2");
    assert_eq!(place.field("task", "p.b", "/metadata/restart/reason"), "UpstreamChanged: a");
    place.ktk("logs p.b").is(0, "two", "");
}

#[test]
fn with_changes() {
    let place = Place::started();
    place.ktk("run --name x --env WORD=one -- sh -c 'echo $WORD; exit 1'").code(1);
    place.ktk("restart x --env WORD=two --set timeout=5m --set inputs.width=100").code(0);
    place.ktk("wait x").code(1);
    place.ktk("logs x").is(0, "two\n", "");
    assert_eq!(place.field("task", "x", "/spec/inputs/width"), "100");
    let flags = "--set inputs.width=100   --env WORD=two   --set timeout=5m";
    assert!(place.ok("tree x").contains(flags), "{}", place.ok("tree x"));
    assert!(place.ok("describe task x").contains("--set inputs.width=100"));
    for (line, says) in [
        ("restart x --set input.width=1", "input: is no field of a task's spec"),
        ("restart x --set timeout=soon", "timeout"),
        ("restart x --set needs=[]", "needs: cannot change by a restart"),
        ("restart x --set retry.limit=1000000000", "spec.retry.limit: must be 1000 at most"),
    ] {
        place.ktk(line).code(7).says(says);
        place.ktk(&format!("{line} --dry-run")).code(7).says(says);
    }
    for line in ["restart x --set timeout", "restart x --env NOSUCH", "restart pipeline/p --set timeout=1m"] {
        place.ktk(line).code(2);
    }
    assert_eq!(place.field("task", "x", "/metadata/restart/incarnation"), "2");
}

#[test]
fn other_changes_than_those_that_run_are_a_conflict() {
    let place = Place::started();
    place.ok("run --name x -- true");
    place.ktk("restart x --set 'run.command=[\"sleep\",\"1000\"]'").code(0);
    place.ktk("restart x --set 'run.command=[\"sleep\",\"1000\"]'").is(
        0,
        "already restarted as x@2, Running\n",
        "",
    );
    let refused = place.ktk("restart x --set priority=1").code(5);
    let refused = refused.says("priority is unchanged there, 1 here");
    refused.says("run.command is [\"sleep\",\"1000\"] there, unchanged here");
}

#[test]
fn changed_in_an_editor() {
    let place = Place::started();
    place.ok("run --name x --env WORD=one -- sh -c 'echo $WORD'");
    let edit = |editor: &str| place.typed("restart x --edit").env("KTK_EDITOR", editor).output();
    edit("sed -i s/one/two/").is(0, "task/x@2 created (restart of x@1)\n", "");
    place.ok("wait x");
    place.ktk("logs x").is(0, "two\n", "");
    edit("true").is(0, "", "nothing was changed: nothing is restarted\n");
    edit("false").code(1).says("there was a problem with the editor \"false\"");
    let kept = edit("sed -i s/command/comand/").code(7);
    let kept = kept.says("unknown field (did you mean \"command\"?)");
    let path = kept.stderr.rsplit(' ').next().unwrap().trim();
    assert!(std::fs::read_to_string(path).unwrap().contains("comand"), "no work is lost");
    std::fs::remove_file(path).unwrap();
    assert_eq!(place.field("task", "x", "/metadata/restart/incarnation"), "2");
}

#[test]
fn many_by_selectors() {
    let place = Place::started();
    for (name, team, code) in
        [("a", "media", "1"), ("b", "media", "0"), ("c", "media", "3"), ("d", "web", "1")]
    {
        let line = format!("run --name {name} --label team={team} -- sh -c 'exit {code}'");
        assert_eq!(place.ktk(&line).code.to_string(), code);
    }
    place.ok("create task e --label team=media -- sleep 1000");
    let failed = "-l team=media --field-selector status.phase=Failed";
    let plan = "TASK   ACTION    WHY\n\
                a      restart   failed: exit code 1\n\
                c      restart   failed: exit code 3\n";
    place.ktk(&format!("restart tasks {failed} --dry-run")).is(0, plan, "");
    let made = "task/a@2 created (restart of a@1)\ntask/c@2 created (restart of c@1)\n";
    place.ktk(&format!("restart tasks {failed}")).is(0, made, "");
    place.ktk("wait a c --keep-waiting").code(1);
    // None stops the others: `e` still runs.
    let all = place.ktk("restart tasks -l team=media").code(5).says("e@1 has not ended");
    assert_eq!(all.stdout.lines().count(), 3, "{}", all.stdout);
    place.ktk("restart tasks -l team=nosuch").is(0, "", "No resources found\n");
    place.ktk("restart tasks a -l team=media").code(2);
    place.ktk("restart nodes -l a=b").code(2);
    place.ktk("restart").code(2);
}

#[test]
fn many_are_restarted_a_few_at_a_time() {
    let place = Place::started();
    for name in ["a", "b", "c"] {
        place.ktk(&format!("run --name {name} --label many=yes -- sh -c 'test -e fixed'")).code(1);
    }
    place.file("fixed", "");
    let said = "task/a@2 created (restart of a@1)\n\
                task/b@2 created (restart of b@1)\n\
                task/c@2 created (restart of c@1)\n";
    place.ktk("restart tasks -l many=yes --max-parallel 1").is(0, said, "");
    place.ktk("wait -l many=yes").code(0);
    for (first, next) in [("a", "b"), ("b", "c")] {
        let ended = place.field("task", first, "/status/finishedAt");
        assert!(ended <= place.field("task", next, "/metadata/createdAt"), "{first} had not ended");
    }
    place.ktk("restart tasks -l many=yes --max-parallel 0").code(2);
    let mixed = place.ktk("restart a nosuch b --max-parallel 2").code(3);
    assert!(mixed.stdout.contains("task/b@3 created"), "{}", mixed.transcript());
}

/// `s3` is a task for each of two values, of which the second fails until somebody makes the file `fixed`.
const ITEMS: &str = r#"apiVersion: ktk/v1
kind: Pipeline
metadata: {name: q}
spec:
  steps:
    - {name: s1, run: {command: [sh, -c, 'echo n=1 >"$KTK_OUTPUT"']}}
    - name: s3
      needs: [s1]
      forEach: {jq: "0, 1"}
      inputs: {n: {jq: .item}}
      run: {command: [sh, -c, 'test "$1" = 0 || test -e fixed', sh, "{{ inputs.n }}"]}
"#;

#[test]
fn a_plan_of_many_is_made_of_one_after_the_other() {
    let place = Place::started();
    place.file("q.yaml", ITEMS);
    place.ktk("run -f q.yaml").code(1);
    place.ktk("restart q.s1 --cascade all --dry-run").is(
        0,
        "TASK     ACTION     WHY\n\
         q.s1     restart    asked for (succeeded)\n\
         q.s3     continue   was waiting for s1\n\
         q.s3.0   decide     runs again if s3 still has it\n\
         q.s3.1   decide     runs again if s3 still has it\n",
        "",
    );
    // Once its item is restarted, the step runs, on what s1 had put out: it is restarted in turn.
    let plan = "TASK     ACTION    WHY\n\
                q.s3.1   restart   failed: exit code 1; runs again if s3 still has it\n\
                q.s3     restart   runs on s1's old outputs: again when it has ended\n\
                q.s1     restart   asked for (succeeded)\n\
                q.s3.0   decide    runs again if s3 still has it\n";
    place.ktk("restart q.s3.1 q.s1 --cascade all --dry-run").is(0, plan, "");
    let missing = "Error from server (NotFound): task \"nosuch\" not found\n";
    place.ktk("restart q.s3.1 nosuch q.s1 --cascade all --dry-run").is(3, plan, missing);
    assert_eq!(place.ktk("restart nosuch pipeline/nosuch --dry-run").code(3).stdout, "");
    place.file("fixed", "");
    let made = "task/q.s3.1@2 created (restart of q.s3.1@1)\ntask/q.s1@2 created (restart of q.s1@1)\n";
    let restarted = place.ktk("restart q.s3.1 q.s1 --cascade all").code(0);
    assert!(restarted.stdout.starts_with(made), "{}", restarted.transcript());
    place.ok("wait pipeline/q");
    assert_eq!(place.field("task", "q.s3", "/metadata/restart/incarnation"), "2");
}
